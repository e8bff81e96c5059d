"""Questions about a scene with their true answers, for conversations of several turns.

Some questions rest on a false premise: they speak of an object or a relation that is not in the image, and the answer
says so. What is false is chosen so that it is false in the image, not only absent from the annotations: predicates that
exclude the annotated one, and large conspicuous objects that neither the labels nor the captions mention.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from relata.english import words
from relata.english.facts import Fact, facts, triples
from relata.english.names import Names
from relata.english.predicates import excluded, phrase
from relata.english.sentences import arranged, clause, verbs
from relata.notation import cite
from relata.scene import Scene

#: Objects that nobody who annotates or describes an image would leave out, with other words for them.
_CONSPICUOUS: dict[str, tuple[str, ...]] = {
    "zebra": (),
    "giraffe": (),
    "elephant": (),
    "horse": ("pony", "foal"),
    "cow": ("cattle", "bull", "calf"),
    "sheep": ("lamb", "goat"),
    "bear": (),
    "airplane": ("plane", "jet", "aircraft"),
    "helicopter": ("aircraft",),
    "sailboat": ("boat", "ship", "yacht"),
    "train": ("locomotive", "railway", "subway", "tram"),
    "bus": ("coach", "van"),
    "motorcycle": ("motorbike", "bike", "scooter", "moped"),
    "bicycle": ("bike", "cyclist", "tricycle"),
    "kite": (),
    "surfboard": ("board", "surfer"),
    "skateboard": ("board", "skater", "skateboarder"),
    "snowboard": ("board", "snowboarder"),
    "guitar": ("instrument",),
    "piano": ("keyboard", "instrument"),
    "fire hydrant": ("hydrant",),
    "traffic light": ("light", "signal"),
    "stop sign": ("sign",),
    "parking meter": ("meter",),
    "refrigerator": ("fridge",),
    "bathtub": ("tub", "bath", "shower"),
    "wheelchair": ("chair",),
    "ladder": (),
    "tractor": ("vehicle",),
    "windmill": ("turbine", "mill"),
    "fountain": (),
    "tent": ("canopy",),
    "penguin": ("bird",),
    "parrot": ("bird",),
}
_LARGE = 0.35


class Turn(NamedTuple):
    """A question and its answer, in the notation."""

    question: str
    answer: str


Ask = Callable[["Talk"], Turn | None]


class Talk:
    """What is needed to ask about one scene."""

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene = scene
        self.rng = rng
        self.names = Names(scene)
        self.relations = triples(scene)
        self.facts = facts(self.relations, self.names.nouns)
        self.absent = _absent(scene, self.names)

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def fact(self, usable: Callable[[Fact], bool] = lambda fact: True) -> Fact | None:
        """One fact at random, or None if there is none that is usable."""
        found = [fact for fact in self.facts if usable(fact)]
        return self.rng.choice(found) if found else None


def conversation(scene: Scene, turns: int, rng: random.Random) -> list[Turn]:
    """Up to `turns` questions with answers, of different kinds, one of them with a false premise.

    No question and no answer comes twice. A scene without relations is asked about its objects.
    """
    talk = Talk(scene, rng)
    plan = rng.sample(_TRUE, len(_TRUE))
    plan.insert(rng.randrange(turns), _false)
    found: list[Turn] = []
    for ask in plan + rng.sample(_TRUE, len(_TRUE)):
        turn = ask(talk) if len(found) < turns else None
        if turn and not any(turn.question == t.question or turn.answer == t.answer for t in found):
            found.append(turn)
    return found


def _absent(scene: Scene, names: Names) -> list[str]:
    """Conspicuous objects that no label, caption or attribute of the scene speaks of."""
    texts = (*names.nouns, *scene.captions, *scene.labels, *(a for r in scene.regions for a in r.attributes))
    spoken = " ".join(texts).lower()
    return [noun for noun, others in _CONSPICUOUS.items() if not any(word in spoken for word in (noun, *others))]


def _relation(talk: Talk) -> Turn | None:
    """How two regions are related."""
    fact = talk.fact(lambda fact: len(fact.objects) == 1 == len(fact.subjects) or fact.mutual)
    if fact is None:
        return None
    first, second = (talk.names.known((end,)).text for end in (fact.subjects[0], fact.objects[0]))
    question = talk.pick(
        (
            "What is the relation between {} and {}?",
            "How are {} and {} related in the image?",
            "How does {} relate to {}?",
            "In what relation do {} and {} stand to each other?",
        )
    )
    return Turn(question.format(first, second), words.sentence(clause(talk.names, fact)))


def _doing(talk: Talk) -> Turn | None:
    """What somebody is doing."""
    fact = talk.fact(lambda fact: phrase(fact.predicate).order == 1)
    if fact is None:
        return None
    subject = talk.names.known(fact.subjects)
    told = [other for other in talk.facts if other.subjects == fact.subjects and phrase(other.predicate).order == 1]
    question = talk.pick((f"What {subject.be} {subject.text} doing?", f"What {subject.be} {subject.text} doing here?"))
    return Turn(question, words.sentence(f"{subject.text} {verbs(talk.names, arranged(told[:3]), subject.plural)}"))


def _object(talk: Talk) -> Turn | None:
    """What somebody is holding, or what something is on."""
    fact = talk.fact(lambda fact: not fact.mutual and phrase(fact.predicate).lead in ("", "to the "))
    if fact is None:
        return None
    said = phrase(fact.predicate)
    subject = talk.names.known(fact.subjects)
    asked = "Who" if all(words.is_person(talk.names.nouns[index]) for index in fact.objects) else "What"
    if said.copula:
        question = f"{asked} {said.be(subject.plural).rstrip()} {subject.text} {said.one}?"
    else:
        question = f"{asked} {'do' if subject.plural else 'does'} {subject.text} {said.many}?"
    return Turn(question, words.sentence(f"{subject.text} {verbs(talk.names, [fact], subject.plural)}"))


def _subject(talk: Talk) -> Turn | None:
    """Who is on the rug, or what is next to the car."""
    fact = talk.fact(lambda fact: len(fact.objects) == 1)
    if fact is None:
        return None
    said = phrase(fact.predicate)
    thing = talk.names.known(fact.objects)
    subjects = tuple(s for s, p, o in talk.relations if p == fact.predicate and (o,) == fact.objects)
    asked = "Who" if all(words.is_person(talk.names.nouns[index]) for index in subjects) else "What"
    full = Fact(subjects, fact.predicate, fact.objects)
    return Turn(f"{asked} {said.be(False)}{said.one} {thing.text}?", words.sentence(clause(talk.names, full)))


def _count(talk: Talk) -> Turn | None:
    """How many there are, and where, if there are several."""
    names = talk.names
    groups = [group for group in names.kinds() if _countable(names, group)]
    if not groups:
        return None
    group = talk.rng.choice([group for group in groups if len(group) > 1] or groups)
    many = words.plural(names.nouns[group[0]])
    if len(group) == 1:
        place = names.place(group[0])
        names.seen.update(group)
        cited = cite(names.nouns[group[0]], [group[0] + 1])
        return Turn(f"How many {many} are there in the image?", f"There is one {cited}, {place}.")
    names.seen.update(group)
    cited = cite(many, [index + 1 for index in group])
    places = Counter(names.place(index).removesuffix(" of the image") for index in group)
    where = words.join([f"{words.number(n)} {'is' if n == 1 else 'are'} {place}" for place, n in places.items()])
    answer = f"There are {words.number(len(group))} {cited} in the image: {where}."
    return Turn(f"How many {many} can you see, and where are they?", answer)


def _countable(names: Names, group: Sequence[int]) -> bool:
    noun = names.nouns[group[0]]
    uncounted = words.is_mass(noun) or words.is_plural(noun) or words.is_unique(noun)
    return not uncounted and words.plural(noun) not in names.nouns


def _where(talk: Talk) -> Turn | None:
    """Where the only region of its label is."""
    names = talk.names
    only = [group[0] for group in names.kinds() if len(group) == 1 and not words.is_unique(names.nouns[group[0]])]
    if not only:
        return None
    index = talk.rng.choice(only)
    thing = names.known((index,))
    told = [fact for fact in talk.facts if fact.subjects == (index,) and phrase(fact.predicate).order < 2][:1]
    more = f", {verbs(names, told, thing.plural, be=False)}" if told else ""
    question = talk.pick((f"Where {thing.be} {thing.text}?", f"Where in the image {thing.be} {thing.text}?"))
    return Turn(question, words.sentence(f"{thing.text} {thing.be} {names.place(index)}{more}"))


def _side(talk: Talk) -> Turn | None:
    """On which side of another region one is; only for boxes that do not overlap sideways."""
    regions = talk.scene.regions
    small = [i for i, r in enumerate(regions) if r.box.area < _LARGE * talk.scene.width * talk.scene.height]
    if len(small) < 2:
        return None
    first, second = talk.rng.sample(small, 2)
    one, other = regions[first].box, regions[second].box
    if one.x2 > other.x1 and other.x2 > one.x1:
        return None
    fact = Fact((first,), "left of" if one.x2 <= other.x1 else "right of", (second,))
    nouns = talk.names.known((first,)), talk.names.known((second,))
    question = f"{nouns[0].be} {nouns[0].text} to the left or to the right of {nouns[1].text}?"
    return Turn(question[0].upper() + question[1:], words.sentence(clause(talk.names, fact)))


def _objects(talk: Talk) -> Turn | None:
    """What the main things are."""
    return Turn(
        talk.pick(
            ("What are the main things in the image?", "What can you see in the image?", "What does the image show?")
        ),
        words.sentence(f"{talk.pick(('the image shows', 'I can see', 'the main things are'))} {_main(talk, 5)}"),
    )


def _main(talk: Talk, most: int) -> str:
    """The largest things, all of a label together."""
    regions = talk.scene.regions
    groups = sorted(talk.names.kinds(), key=lambda group: -sum(regions[index].box.area for index in group))[:most]
    return words.join([talk.names.say(group).text for group in groups])


def _verify(talk: Talk) -> Turn | None:
    """Whether something is so that is so."""
    fact = talk.fact(lambda fact: phrase(fact.predicate).copula and not fact.mutual)
    if fact is None:
        return None
    said = phrase(fact.predicate)
    subject, thing = talk.names.known(fact.subjects), talk.names.known(fact.objects)
    question = f"{said.be(subject.plural).split(' ')[0]} {subject.text} {said.lead}{said.one} {thing.text}?"
    return Turn(question[0].upper() + question[1:], f"Yes, {clause(talk.names, fact)}.")


def _there(talk: Talk) -> Turn | None:
    """Whether there is something that there is."""
    names = talk.names
    groups = [group for group in names.kinds() if _countable(names, group) and names.seen.isdisjoint(group)]
    if not groups:
        return None
    group = talk.rng.choice(groups)
    noun = names.nouns[group[0]]
    there = names.say(group)
    more = f", {names.place(group[0])}" if len(group) == 1 else ""
    return Turn(f"Is there {words.article(noun)} {noun} in the image?", f"Yes, there {there.be} {there.text}{more}.")


def _false(talk: Talk) -> Turn | None:
    """A question with a false premise, of any kind that the scene allows."""
    kinds: list[Ask] = [_false_relation, _false_doing, _false_object]
    turns = (ask(talk) for ask in talk.rng.sample(kinds, len(kinds)))
    return next(filter(None, turns), None)


def _false_relation(talk: Talk) -> Turn | None:
    """Why somebody lies on the grass who stands on it."""
    fact = talk.fact(lambda fact: not fact.mutual and len(fact.objects) == 1 and bool(_contrary(talk, fact)))
    if fact is None:
        return None
    said = phrase(talk.pick(_contrary(talk, fact)))
    subject, thing = talk.names.known(fact.subjects), talk.names.known(fact.objects)
    claim = f"{subject.text} {said.lead}{said.one} {thing.text}"
    start = talk.pick(("Why", "Is"))
    question = f"Why {subject.be} {claim}?" if start == "Why" else f"{subject.be.capitalize()} {claim}?"
    denial = f"{subject.text} {subject.be} not {said.lead}{said.one} {thing.text}"
    denial = f"No, {denial}." if start == "Is" else words.sentence(denial)
    return Turn(question, f"{denial} {talk.pick(('In fact', 'Rather', 'Instead'))}, {clause(talk.names, fact)}.")


def _contrary(talk: Talk, fact: Fact) -> list[str]:
    """What is false of a fact's subjects and object, since the fact is true and nothing else is said of them."""
    said = {p for s, p, o in talk.relations if s in fact.subjects and o in fact.objects}
    return [predicate for predicate in excluded(fact.predicate) if predicate not in said]


#: What somebody could as well be holding or riding.
_FITTING = {
    "holding": ("kite", "guitar", "surfboard", "skateboard", "snowboard"),
    "carrying": ("kite", "guitar", "surfboard", "ladder", "tent"),
    "riding": ("zebra", "horse", "elephant", "bicycle", "motorcycle", "tractor"),
    "pushing": ("wheelchair", "bicycle", "motorcycle"),
    "looking at": ("zebra", "giraffe", "helicopter", "kite", "fountain", "windmill"),
    "beside": ("fire hydrant", "bicycle", "fountain", "bear", "tractor"),
    "next to": ("fire hydrant", "bicycle", "fountain", "bear", "tractor"),
    "in front of": ("bus", "train", "fountain", "piano", "tent"),
    "standing on": ("surfboard", "skateboard", "ladder", "piano"),
    "sitting on": ("horse", "motorcycle", "piano", "elephant"),
}


def _false_doing(talk: Talk) -> Turn | None:
    """Whether somebody holds a kite who holds an umbrella."""
    fact = talk.fact(lambda fact: not fact.mutual and not set(_FITTING.get(fact.predicate, ())).isdisjoint(talk.absent))
    if fact is None:
        return None
    noun = talk.pick([noun for noun in _FITTING[fact.predicate] if noun in talk.absent])
    subject = talk.names.known(fact.subjects)
    said = phrase(fact.predicate)
    question = talk.pick(("{Be} {} {} {a} {noun}?", "Why {be} {} {} the {noun}?"))
    text = question.format(
        subject.text, said.one, Be=subject.be.capitalize(), be=subject.be, a=words.article(noun), noun=noun
    )
    start = "No, there" if question.startswith("{Be}") else "There"
    return Turn(text, f"{start} is no {noun} in the image. {words.sentence(clause(talk.names, fact))}")


def _false_object(talk: Talk) -> Turn | None:
    """What colour the zebra is, where there is none."""
    if not talk.absent:
        return None
    noun = talk.pick(talk.absent)
    question = talk.pick(
        ("What colour is the {}?", "Where is the {}?", "How large is the {}?", "What is next to the {}?")
    )
    answer = talk.pick(
        (
            "There is no {} in the image. It shows {}.",
            "I cannot see any {} here. What the image does show is {}.",
            "The image has no {} in it; what can be seen is {}.",
        )
    )
    return Turn(question.format(noun), answer.format(noun, _main(talk, 3)))


_TRUE: list[Ask] = [_relation, _doing, _object, _subject, _count, _where, _side, _objects, _verify, _there]
