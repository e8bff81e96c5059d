"""Descriptions of a scene or of one region, in sentences that cite every region and relation they speak of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import groupby

from relata.english import words
from relata.english.facts import Fact, facts, triples
from relata.english.names import Names, Noun
from relata.english.predicates import phrase
from relata.notation import relate
from relata.notation import words as harmless
from relata.scene import Scene

#: Verb phrases in one sentence, and things in one list.
_VERBS = 3
_ITEMS = 6
#: Things of one label whose places are said in one sentence.
_SPREAD = 4
_OPENERS = ("In the image, ", "In this image, ", "In the scene, ", "In this scene, ", "Here, ", "", "")
_LISTS = (
    "the image also shows {}",
    "there {be} also {}",
    "{} can be seen as well",
    "the scene also includes {}",
    "{} {are} visible too",
    "also in view {are} {}",
    "{} {are} part of the scene as well",
    "further in the picture {are} {}",
)
_FIRST_LISTS = ("the image shows {}", "the photo shows {}", "there {be} {} in the image", "in the image there {be} {}")

Subjects = tuple[int, ...]


def describe(scene: Scene, rng: random.Random) -> str:
    """A description of the whole scene: each relation once, then every region that no relation has brought up.

    A scene without relations opens with its longest caption, if it has one, and lists what is where.
    """
    names = Names(scene)
    told = facts(triples(scene), names.nouns)
    sentences = _story(names, told, rng) if told else _opening(scene)
    sentences += _inventory(names, rng)
    sentences += _whereabouts(names, most=3 - len(sentences))
    return " ".join(sentences)


def caption(scene: Scene, region: int, rng: random.Random) -> str:
    """A description of one region, which is the first that is named and the subject of the first predicate.

    Args:
        region: position of a region that is the subject of a relation.
    """
    names = Names(scene)
    relations = triples(scene)
    own = facts([t for t in relations if t[0] == region], names.nouns)
    rng.shuffle(own)
    texts = _about(names, (region,), _chunks(own), "", there=rng.random() < 0.4)
    others = facts([t for t in relations if t[2] == region], names.nouns)
    texts += [clause(names, fact) for fact in others if len(fact.objects) == 1][:2]
    if len(texts) == 1 and len(names.alike(region)) == 1:
        texts.append(_where(names, (region,)))
    return " ".join(map(words.sentence, texts))


def clause(names: Names, fact: Fact) -> str:
    """A fact as a clause: `the dog is lying on a rug`."""
    subject = names.say(fact.subjects, subject=True)
    return f"{subject.text} {verbs(names, [fact], subject.plural)}"


def verbs(names: Names, told: Sequence[Fact], plural: bool, be: bool = True) -> str:
    """What is said of a subject: `is on the rug, looking at a cat, and has a collar`. The facts come `arranged`.

    Args:
        be: whether to begin with the copula.
    """
    groups: tuple[list[str], list[str], list[str]] = ([], [], [])
    for order, alike in groupby(told, key=lambda fact: (phrase(fact.predicate).order, fact.objects)):
        facts = list(alike)
        cited = words.join([_cited(names, fact, plural) for fact in facts])
        groups[order[0]].append(f"{cited} {_object(names, facts[0])}")
    still, doing, verbal = (words.join(group) if group else "" for group in groups)
    state = ", ".join(filter(None, (still, doing)))
    if state and be:
        state = f"{'are' if plural else 'is'} {state}"
    comma = "," if "," in state or " and " in state else ""
    return f"{comma} and ".join(filter(None, (state, verbal)))


def _cited(names: Names, fact: Fact, plural: bool) -> str:
    """The predicate with the words before it: a wheel is part of a car, but a face is that of a woman."""
    said = phrase(fact.predicate)
    lead = said.lead
    if lead == "part " and words.is_person(names.nouns[fact.objects[0]]):
        lead = "those " if plural else "that "
    subjects, objects = fact.pairs
    return lead + relate(said.text(plural), _numbers(subjects), _numbers(objects))


def arranged(told: Sequence[Fact]) -> list[Fact]:
    """The order in which facts of one subject are said."""
    return sorted(told, key=lambda fact: (phrase(fact.predicate).order, fact.objects, len(fact.predicate.split())))


def _object(names: Names, fact: Fact) -> str:
    if fact.mutual:
        return "each other"
    return names.say(fact.objects, bare=len(fact.subjects) == len(fact.objects) > 1 and not fact.crossed).text


def _numbers(regions: Sequence[int]) -> list[int]:
    return [index + 1 for index in regions]


def _story(names: Names, told: Sequence[Fact], rng: random.Random) -> list[str]:
    """All facts, by subject: the most prominent first, then whoever has just come up."""
    left: dict[Subjects, list[Fact]] = {}
    for fact in told:
        left.setdefault(fact.subjects, []).append(fact)
    weights = {subjects: _weight(names.scene, subjects, len(group)) for subjects, group in left.items()}
    texts: list[str] = []
    places: set[str] = set()
    while left:
        subjects = max(left, key=lambda s: (not names.seen.isdisjoint(s), weights[s]))
        chunks = _chunks(left.pop(subjects))
        opener = _opener(names, subjects, places, rng) if texts else rng.choice(_OPENERS)
        there = len(texts) % 2 == 0 and rng.random() < 0.6
        texts += _about(names, subjects, chunks, opener, there)
        if len(chunks[-1]) < _VERBS and rng.random() < 0.6:
            texts[-1] += _which(names, chunks[-1][-1], left)
    return [words.sentence(text) for text in texts]


def _opener(names: Names, subjects: Subjects, places: set[str], rng: random.Random) -> str:
    """`On the left of the image, ` where it helps: once, for a small new thing that is the only one of its label."""
    index = subjects[0]
    only = len(subjects) == 1 == len(names.alike(index)) and index not in names.seen
    small = names.scene.regions[index].box.area < 0.2 * names.scene.width * names.scene.height
    place = names.place(index)
    if not only or not small or place in places or words.is_unique(names.nouns[index]) or rng.random() < 0.5:
        return ""
    places.add(place)
    return f"{place}, "


def _weight(scene: Scene, subjects: Subjects, count: int) -> float:
    area = sum(scene.regions[index].box.area for index in subjects) / (scene.width * scene.height)
    person = 0.5 if words.is_person(words.clean(scene.regions[subjects[0]].label)) else 0.0
    return min(area, 1.0) + person + 0.3 * count


def _chunks(told: Sequence[Fact]) -> list[list[Fact]]:
    """The facts of each sentence, in the order in which they are said."""
    return [arranged(told[start : start + _VERBS]) for start in range(0, len(told), _VERBS)]


def _about(names: Names, subjects: Subjects, chunks: Sequence[Sequence[Fact]], opener: str, there: bool) -> list[str]:
    """Sentences about the same subjects; with `there`, the first is `there is a dog ...` if that is English."""
    new = names.seen.isdisjoint(subjects)
    subject = names.say(subjects, subject=True)
    if there and new and _can_be_there(names, subject, chunks[0]):
        text = f"there {subject.be} {subject.text} {verbs(names, chunks[0], subject.plural, be=False)}"
    else:
        text = f"{subject.text} {verbs(names, chunks[0], subject.plural)}"
    return [opener + text] + [_again(names, subjects, chunk) for chunk in chunks[1:]]


def _can_be_there(names: Names, subject: Noun, told: Sequence[Fact]) -> bool:
    """Whether `there is a dog lying on a rug` is English for this subject and these facts: not `two of the three`."""
    subjects = told[0].subjects
    alike = set(names.alike(subjects[0])) == set(subjects)
    said = [phrase(fact.predicate) for fact in told]
    return alike and all(p.copula and p.lead != "part " for p in said) and not subject.text.startswith("the ")


def _again(names: Names, subjects: Subjects, told: Sequence[Fact]) -> str:
    """More about the subjects of the sentence before."""
    subject = names.say(subjects, subject=True)
    person = len(subjects) == 1 and words.is_person(names.nouns[subjects[0]])
    text = subject.text if person else ("they" if subject.plural else "it")
    if phrase(told[0].predicate).copula:
        return f"{text} {subject.be} also {verbs(names, told, subject.plural, be=False)}"
    return f"{text} also {verbs(names, told, subject.plural)}"


def _which(names: Names, last: Fact, others: dict[Subjects, list[Fact]]) -> str:
    """`, which is in front of a wall`: what the others say of the thing that was named last, taken out of them."""
    group = others.get(last.objects)
    if group is None or last.mutual or len(group) > 2 or not _elsewhere(group, last.subjects):
        return ""
    del others[last.objects]
    noun = names.nouns[last.objects[0]]
    plural = len(last.objects) > 1 or words.is_plural(noun)
    return f", {'who' if words.is_person(noun) else 'which'} {verbs(names, arranged(group), plural)}"


def _elsewhere(told: Sequence[Fact], subjects: Subjects) -> bool:
    return all(set(fact.objects).isdisjoint(subjects) for fact in told)


def _opening(scene: Scene) -> list[str]:
    """The longest caption as a sentence of its own."""
    captions = [harmless(text).rstrip(" .") for text in scene.captions]
    best = max(captions, key=len, default="")
    return [words.sentence(best)] if best else []


def _inventory(names: Names, rng: random.Random) -> list[str]:
    """Lists of the regions that have not come up."""
    first = not names.seen
    groups = [[index for index in group if index not in names.seen] for group in names.kinds()]
    groups = [group for group in groups if group]
    lists = rng.sample(_LISTS, len(_LISTS))
    sentences = []
    for number, start in enumerate(range(0, len(groups), _ITEMS)):
        pattern = rng.choice(_FIRST_LISTS) if first and not number else lists[number % len(lists)]
        nouns = [names.say(group, subject=pattern.startswith("{}")) for group in groups[start : start + _ITEMS]]
        text = words.join([noun.text for noun in nouns])
        be = nouns[0].be
        sentences.append(words.sentence(pattern.format(text, be=be, are=be if len(nouns) == 1 else "are")))
    return sentences


def _whereabouts(names: Names, most: int) -> list[str]:
    """Where the largest things are, for those of which there are not too many to say."""
    regions = names.scene.regions
    groups = [group for group in names.kinds() if _has_place(names, group)]
    groups.sort(key=lambda group: -max(regions[index].box.area for index in group))
    return [words.sentence(_where(names, group)) for group in groups[: max(most, 0)]]


def _has_place(names: Names, group: Sequence[int]) -> bool:
    """Whether to say where these are: not the sky, and of several things only if they can be counted."""
    noun = names.nouns[group[0]]
    few = len(group) == 1 or (len(group) <= _SPREAD and not words.is_mass(noun))
    return few and not words.is_unique(noun)


def _where(names: Names, group: Sequence[int]) -> str:
    subject = names.known(group)
    places = {names.place(index) for index in group}
    if len(places) == 1:
        every = {1: "", 2: "both "}.get(len(group), "all ")
        return f"{subject.text} {subject.be} {every}{places.pop()}"
    return f"of {subject.text}, {names.spread(group)} of the image"
