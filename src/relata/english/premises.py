"""Questions that rest on a false premise: they speak of an object or a relation that is not there; the answer says so.

What is false is chosen so that it is false in the image, not only absent from its annotations: predicates that exclude
the annotated one, and large conspicuous objects that neither the labels nor the captions mention.
"""

from __future__ import annotations

from relata.english import words
from relata.english.facts import Fact
from relata.english.predicates import excluded, phrase
from relata.english.sentences import clause
from relata.english.talk import Ask, Talk, Turn

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


#: What somebody could as well be holding or riding.
FITTING = {
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


def ask(talk: Talk) -> Turn | None:
    """A question with a false premise, of any kind that the scene allows."""
    kinds: list[Ask] = [_false_relation, _false_doing, _false_object]
    turns = (ask(talk) for ask in talk.rng.sample(kinds, len(kinds)))
    return next(filter(None, turns), None)


def absent_things(talk: Talk) -> list[str]:
    """Conspicuous objects that no label, caption or attribute of the scene speaks of."""
    scene, names = talk.scene, talk.names
    texts = (*names.nouns, *scene.captions, *scene.labels, *(a for r in scene.regions for a in r.attributes))
    spoken = " ".join(texts).lower()
    return [noun for noun, others in _CONSPICUOUS.items() if not any(word in spoken for word in (noun, *others))]


def _false_relation(talk: Talk) -> Turn | None:
    """Why somebody lies on the grass who stands on it."""
    fact = talk.fact(lambda fact: not fact.mutual and len(fact.objects) == 1 and bool(_contrary(talk, fact)))
    if fact is None:
        return None
    said = phrase(talk.pick(_contrary(talk, fact)))
    subject, thing = talk.names.known(fact.subjects), talk.names.known(fact.objects)
    claim = f"{subject.text} {said.lead}{said.one} {thing.text}"
    denial = words.sentence(f"{subject.text} {subject.be} not {said.lead}{said.one} {thing.text}")
    told = f"{denial} {talk.pick(('In fact', 'Rather', 'Instead'))}, {clause(talk.names, fact)}."
    return Turn(f"Why {subject.be} {claim}?", told)


def _contrary(talk: Talk, fact: Fact) -> list[str]:
    """What is false of a fact's subjects and object, since the fact is true and nothing else is said of them."""
    said = {p for s, p, o in talk.relations if s in fact.subjects and o in fact.objects}
    return [predicate for predicate in excluded(fact.predicate) if predicate not in said]


def _false_doing(talk: Talk) -> Turn | None:
    """Why somebody holds the kite who holds an umbrella."""
    absent = set(absent_things(talk))
    fact = talk.fact(lambda fact: not fact.mutual and not absent.isdisjoint(FITTING.get(fact.predicate, ())))
    if fact is None:
        return None
    noun = talk.pick([noun for noun in FITTING[fact.predicate] if noun in absent])
    subject = talk.names.known(fact.subjects)
    said = phrase(fact.predicate)
    text = f"Why {subject.be} {subject.text} {said.one} the {noun}?"
    return Turn(text, f"There is no {noun} in the image. {words.sentence(clause(talk.names, fact))}")


def _false_object(talk: Talk) -> Turn | None:
    """What colour the zebra is, where there is none."""
    absent = absent_things(talk)
    if not absent:
        return None
    noun = talk.pick(absent)
    question = talk.pick(
        ("What colour is the {}?", "Where is the {}?", "How big is the {}?", "What is next to the {}?")
    )
    answer = talk.pick(
        (
            "There is no {} in the image. It shows {}.",
            "I cannot see any {} here. What the image does show is {}.",
            "There is no {} to be seen; the image shows {}.",
        )
    )
    return Turn(question.format(noun), answer.format(noun, talk.main(3)))
