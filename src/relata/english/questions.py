"""Questions about a scene whose answers its regions and relations give."""

from __future__ import annotations

from collections.abc import Sequence

from relata.english import words
from relata.english.facts import Fact, one_way
from relata.english.names import Names
from relata.english.predicates import phrase
from relata.english.premises import absent_things
from relata.english.sentences import arranged, clause, verbs
from relata.english.talk import Ask, Talk, Turn
from relata.notation import cite

_LARGE = 0.35


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
    fact = talk.fact(_is_action)
    if fact is None:
        return None
    subject = talk.names.known(fact.subjects)
    told = [other for other in talk.facts if other.subjects == fact.subjects and _is_action(other)]
    talk.told.update(told)
    question = talk.pick((f"What {subject.be} {subject.text} doing?", f"What {subject.be} {subject.text} doing here?"))
    return Turn(question, words.sentence(f"{subject.text} {verbs(talk.names, arranged(told[:3]), subject.plural)}"))


def _is_action(fact: Fact) -> bool:
    return phrase(fact.predicate).order == 1 and not fact.predicate.startswith(("wearing", "facing"))


def _object(talk: Talk) -> Turn | None:
    """What somebody is holding, or what something is on."""
    fact = talk.fact(lambda fact: not fact.mutual and phrase(fact.predicate).lead in ("", "to the "))
    if fact is None:
        return None
    said = phrase(fact.predicate)
    subject = talk.names.known(fact.subjects)
    asked = "Who" if all(words.is_person(talk.names.nouns[index]) for index in fact.objects) else "What"
    if said.copula:
        question = f"{asked} {subject.be} {subject.text} {said.lead}{said.one}?"
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
    """How many there are, and where."""
    names = talk.names
    group = talk.group(lambda group: _countable(names, group) and len(group) > 1)
    group = group or talk.group(lambda group: _countable(names, group))
    if group is None:
        return None
    names.seen.update(group)
    many = words.plural(names.nouns[group[0]])
    if len(group) == 1:
        cited = cite(names.nouns[group[0]], [group[0] + 1])
        return Turn(f"How many {many} are there in the image?", f"There is one {cited}, {names.place(group[0])}.")
    cited = cite(many, [index + 1 for index in group])
    answer = f"There are {words.number(len(group))} {cited} in the image: {names.spread(group)}."
    return Turn(f"How many {many} can you see, and where are they?", answer)


def _countable(names: Names, group: Sequence[int]) -> bool:
    noun = names.nouns[group[0]]
    uncounted = words.is_mass(noun) or words.is_plural(noun) or words.is_unique(noun)
    return not uncounted and words.plural(noun) not in names.nouns


def _where(talk: Talk) -> Turn | None:
    """Where the only region of its label is."""
    names = talk.names
    group = talk.group(lambda group: len(group) == 1 and not words.is_unique(names.nouns[group[0]]))
    if group is None:
        return None
    thing = names.known(group)
    own = (fact for fact in talk.facts if fact.subjects == tuple(group) and phrase(fact.predicate).order < 2)
    told = [fact for fact in own if fact not in talk.told][:1]
    talk.told.update(told)
    more = f", {verbs(names, told, thing.plural, be=False)}" if told else ""
    question = talk.pick((f"Where {thing.be} {thing.text}?", f"Where in the image {thing.be} {thing.text}?"))
    return Turn(question, words.sentence(f"{thing.text} {thing.be} {names.place(group[0])}{more}"))


def _side(talk: Talk) -> Turn | None:
    """On which side of another thing one is; only for boxes that do not overlap sideways."""
    regions, names = talk.scene.regions, talk.names
    most = _LARGE * talk.scene.width * talk.scene.height
    small = [group[0] for group in names.kinds() if len(group) == 1 and regions[group[0]].box.area < most]
    if len(small) < 2:
        return None
    first, second = talk.rng.sample(small, 2)
    one, other = regions[first].box, regions[second].box
    if one.x2 > other.x1 and other.x2 > one.x1:
        return None
    fact = Fact((first,), "left of" if one.x2 <= other.x1 else "right of", (second,))
    thing, landmark = names.known((first,)), names.known((second,))
    question = f"{thing.be} {thing.text} to the left or to the right of {landmark.text}?"
    return Turn(question[0].upper() + question[1:], words.sentence(clause(names, fact)))


def _objects(talk: Talk) -> Turn | None:
    """What the main things are."""
    if talk.listed or len(talk.names.kinds()) == 1:
        return None
    talk.listed = True
    asked = talk.pick(("What are the main things in the image?", "What can you see?", "What does the image show?"))
    start = talk.pick(("The image shows", "I can see", "The main things are"))
    return Turn(asked, f"{start} {talk.main(5)}.")


def _verify(talk: Talk) -> Turn | None:
    """Whether something is so that is so, or is not so turned round: each predicate gets as many noes."""
    single = {Fact((s,), p, (o,)) for s, p, o in one_way(talk.scene)}
    fact = talk.fact(lambda fact: phrase(fact.predicate).copula and fact in single)
    if fact is None:
        return None
    yes = talk.rng.random() < 0.5
    ends = (fact.subjects, fact.objects) if yes else (fact.objects, fact.subjects)
    subject, thing = (talk.names.known(end) for end in ends)
    said = phrase(fact.predicate)
    question = f"{subject.be} {subject.text} {said.lead}{said.text(subject.plural)} {thing.text}?"
    return Turn(question[0].upper() + question[1:], f"{'Yes' if yes else 'No'}, {clause(talk.names, fact)}.")


def _there(talk: Talk) -> Turn | None:
    """Whether there is something that there is, or something that there is not: as many noes."""
    names = talk.names
    group = talk.group(lambda group: _countable(names, group) and names.seen.isdisjoint(group))
    if group is None:
        return None
    absent = absent_things(talk)
    if absent and talk.rng.random() < 0.5:
        noun = talk.pick(absent)
        return Turn(_is_there(noun), f"No, there is no {noun} in the image.")
    there = names.say(group)
    more = f", {names.place(group[0])}" if len(group) == 1 else ""
    return Turn(_is_there(names.nouns[group[0]]), f"Yes, there {there.be} {there.text}{more}.")


def _is_there(noun: str) -> str:
    return f"Is there {words.article(noun)} {noun} in the image?"


#: All kinds, by the type of question: relations, actions, counts, places, objects.
ASKS: list[Ask] = [_relation, _doing, _object, _subject, _count, _where, _side, _objects, _verify, _there]
