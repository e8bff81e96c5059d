"""Which relations are said together: two people are on one lawn, a man holds two cups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from relata import spatial
from relata.english.meanings import ONE_WAY, meaning, same_way
from relata.english.predicates import plain
from relata.notation import words as harmless
from relata.scene import Scene

#: subject, predicate, object; regions by position, 0 is the first
Triple = tuple[int, str, int]

_SUBJECTS = 4


class Fact(NamedTuple):
    """One predicate with its subjects and objects, paired in order; a single one on either side is shared by all."""

    subjects: tuple[int, ...]
    predicate: str
    objects: tuple[int, ...]
    crossed: bool = False
    """Every subject with every object, instead of in order."""

    @property
    def pairs(self) -> tuple[list[int], list[int]]:
        """Subjects and objects, paired in order."""
        if not self.crossed:
            return list(self.subjects), list(self.objects)
        every = [(s, o) for s in self.subjects for o in self.objects]
        return [s for s, _ in every], [o for _, o in every]

    @property
    def mutual(self) -> bool:
        """`A` and `B` are beside each other."""
        return not self.crossed and self.subjects == self.objects[::-1]


def triples(scene: Scene) -> list[Triple]:
    """The relations of a scene in plain words, each once, without those of a region to itself; regions by position."""
    at = {region.id: k for k, region in enumerate(scene.regions)}
    found = (
        (at[r.subject], plain(harmless(r.predicate)), at[r.object])
        for r in scene.relations
        if r.subject != r.object and harmless(r.predicate)  # one of brackets alone says nothing
    )
    return list(dict.fromkeys(found))


def one_way(scene: Scene) -> list[Triple]:
    """The relations that are false of their two things turned round: no rug is on the dog that is on it."""
    boxes = [region.box for region in scene.regions]
    relations = triples(scene)
    said = {same_way(*triple) for triple in relations}
    return [
        (s, p, o)
        for s, p, o in relations
        if meaning(p) in ONE_WAY
        and same_way(o, p, s) not in said
        and spatial.clear(boxes[o], boxes[s], scene.width, scene.height) != meaning(p)
    ]


def facts(relations: Sequence[Triple], labels: Sequence[str]) -> list[Fact]:
    """The relations as facts, each relation in exactly one of them.

    Said together are, in this order of preference: both directions of one predicate; subjects of one label with one
    object; subjects of one label with an object each, all of one label; subjects of several labels with one
    object, up to four at a time; and the objects of one subject.
    """
    mutual, rest = _mutual(relations)
    alike, rest = _shared(rest, labels)
    each, rest = _each(rest, labels)
    mixed, rest = _shared(rest, [""] * len(labels))
    mixed = [part for fact in mixed for part in _split(fact)]
    return mutual + _crossed(alike) + each + _crossed(mixed) + _lists(rest)


def _mutual(relations: Sequence[Triple]) -> tuple[list[Fact], list[Triple]]:
    known = set(relations)
    both = [(s, p, o) for s, p, o in relations if s < o and (o, p, s) in known]
    used = {triple for s, p, o in both for triple in ((s, p, o), (o, p, s))}
    return [Fact((s, o), p, (o, s)) for s, p, o in both], [triple for triple in relations if triple not in used]


def _shared(relations: Sequence[Triple], labels: Sequence[str]) -> tuple[list[Fact], list[Triple]]:
    groups: dict[tuple[str, int, str], list[int]] = {}
    for s, p, o in relations:
        groups.setdefault((p, o, labels[s]), []).append(s)
    several = {key: sorted(group) for key, group in groups.items() if len(group) > 1}
    left = [(s, p, o) for s, p, o in relations if (p, o, labels[s]) not in several]
    return [Fact(tuple(subjects), p, (o,)) for (p, o, _), subjects in several.items()], left


def _split(fact: Fact) -> list[Fact]:
    """Even parts with no more subjects than a sentence holds."""
    total = len(fact.subjects)
    parts = -(-total // _SUBJECTS)
    ends = [total * k // parts for k in range(parts + 1)]
    return [Fact(fact.subjects[start:end], fact.predicate, fact.objects) for start, end in pairwise(ends)]


def _crossed(told: Sequence[Fact]) -> list[Fact]:
    """What the same subjects have in common with several objects, as one fact."""
    groups: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for fact in told:
        groups.setdefault((fact.subjects, fact.predicate), []).extend(fact.objects)
    return [Fact(subjects, p, tuple(objects), len(objects) > 1) for (subjects, p), objects in groups.items()]


def _each(relations: Sequence[Triple], labels: Sequence[str]) -> tuple[list[Fact], list[Triple]]:
    groups: dict[tuple[str, str, str], list[Triple]] = {}
    for s, p, o in relations:
        groups.setdefault((labels[s], p, labels[o]), []).append((s, p, o))
    several = {key: group for key, group in groups.items() if len(group) > 1 and _apart(group)}
    used = {triple for group in several.values() for triple in group}
    facts = [
        Fact(tuple(s for s, _, _ in group), key[1], tuple(o for _, _, o in group)) for key, group in several.items()
    ]
    return facts, [triple for triple in relations if triple not in used]


def _apart(group: Sequence[Triple]) -> bool:
    """Whether no region occurs twice, so that each subject has an object of its own."""
    ends = [end for s, _, o in group for end in (s, o)]
    return len(set(ends)) == len(ends)


def _lists(relations: Iterable[Triple]) -> list[Fact]:
    groups: dict[tuple[int, str], list[int]] = {}
    for s, p, o in relations:
        groups.setdefault((s, p), []).append(o)
    return [Fact((s,), p, tuple(objects)) for (s, p), objects in groups.items()]
