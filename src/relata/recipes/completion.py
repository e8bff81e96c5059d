"""`completion`: relations that annotators left out, asked of a teacher by subject (Synthetic Visual Genome, 2.1).

One request per image. The teacher picks at least five subjects and gives for each a description and its relations to
other regions, of five kinds: spatial, interactional, functional, social, emotional. The result is the scene with
these relations added; a relation that was annotated already keeps its place and learns its kind.

A reply that has not the form, speaks of too few subjects, or is mostly wrong is rejected whole, so that the teacher is
asked again. In any other reply, single relations that break a rule are left out, each with its reason.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from relata import notation, spatial
from relata.english.graphs import described, looks
from relata.english.kinds import kind as kind_of
from relata.filters import Rejection
from relata.prompts import sheet, template
from relata.recipes._here import Here
from relata.recipes._marks import marked
from relata.recipes._reply import value
from relata.scene import Kind, Region, Relation, Scene
from relata.teachers import Prompt

KINDS: tuple[Kind, ...] = ("spatial", "interactional", "functional", "social", "emotional")
Count = Annotated[int, Meta(ge=1)]

#: A reply of whose relations more than this share breaks rules is rejected whole.
MOST_WRONG = 0.5
#: Words of a predicate; more are a sentence.
MOST_WORDS = 8
#: Spatial relations per subject that the rules add.
NEIGHBOURS = 3


Pairs = list[tuple[int, str]]


class Relations(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Number of the object and predicate, by kind."""

    spatial: Pairs = []
    interactional: Pairs = []
    functional: Pairs = []
    social: Pairs = []
    emotional: Pairs = []


class Subject(msgspec.Struct, forbid_unknown_fields=True):
    """What a teacher says of one region."""

    description: str
    relations: Relations


#: By the number of the subject.
Reply = dict[int, Subject]


@dataclass(frozen=True, slots=True)
class Item:
    """One image to complete."""

    id: str
    source: Scene
    subjects: int
    """At least so many have to be spoken of."""

    def pictures(self, root: Path) -> tuple[bytes, ...]:
        """What the teacher is shown in place of the plain picture: the regions' numbers drawn on it."""
        return (marked(self.source, root),)


def items(scene: Scene, here: Here, *, subjects: Count = 5) -> list[Item | Rejection]:
    """One request, or a rejection where there are not two regions to relate.

    Args:
        subjects: at least so many, or all regions where there are fewer. The paper has 5.
    """
    if len(scene.regions) < 2:
        return [Rejection("too-few-regions", f"{len(scene.regions)}", id=scene.id)]
    return [Item(f"{scene.id}/completion", scene, min(subjects, len(scene.regions)))]


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    parts = (sheet(item.source), described(item.source), f"Speak of at least {item.subjects} subjects.")
    return template("completion", "subjects").fill("\n\n".join(filter(None, parts)))._replace(schema=Reply)


def offline(item: Item, rng: random.Random) -> str:
    """The reply by rules: annotated relations with the kinds that their words tell, and spatial ones that boxes show.

    Where annotations know no social or emotional relation, there is none.
    """
    scene = item.source
    known: dict[int, list[Relation]] = {region.id: [] for region in scene.regions}
    for relation in scene.relations:
        known[relation.subject].append(relation)
    order = sorted(scene.regions, key=lambda region: (-len(known[region.id]), -region.box.area, region.id))
    at = {region.id: number for number, region in enumerate(scene.regions, 1)}
    reply = {at[r.id]: Subject(looks(r, scene), _by_rules(scene, r, known[r.id], at)) for r in order[: item.subjects]}
    return msgspec.json.encode(reply).decode()


def _by_rules(scene: Scene, region: Region, known: list[Relation], at: dict[int, int]) -> Relations:
    found: dict[str, Pairs] = {}
    told = {region.id}
    for relation in known:
        kind = relation.kind or kind_of(relation.predicate)
        told.add(relation.object)
        if kind and relation.object != region.id and 0 < len(_said(relation.predicate).split()) <= MOST_WORDS:
            found.setdefault(kind, []).append((at[relation.object], _said(relation.predicate)))
    near = [(other, word) for other, word in spatial.neighbours(scene, region) if other.id not in told]
    if near:
        found.setdefault("spatial", []).extend((at[other.id], word) for other, word in near[:NEIGHBOURS])
    return Relations(**{kind: list(dict.fromkeys(pairs)) for kind, pairs in found.items()})


def read(reply: str, item: Item) -> Rejection | list[Scene | Rejection]:
    """The scene with what the reply adds, and a rejection for each relation that was left out; or one for the reply."""
    said = value(reply, Reply)
    if isinstance(said, Rejection):
        return said
    scene = item.source
    subjects = {number: told for number, told in said.items() if 1 <= number <= len(scene.regions)}
    if len(subjects) < item.subjects:
        unknown = ", ".join(str(number) for number in said if number not in subjects)
        detail = f"{len(subjects)} of at least {item.subjects}" + (f"; no such region: {unknown}" if unknown else "")
        return Rejection("too-few-subjects", detail)
    work = _Completed(scene)
    for number, told in said.items():
        for kind in KINDS:
            for object, predicate in getattr(told.relations, kind):
                work.add(number, _said(predicate), object, kind)
    if not work.total:
        return Rejection("no-relations", "no subject has any")
    if len(work.lost) > MOST_WRONG * work.total:
        first = work.lost[0]
        return Rejection("mostly-wrong", f"{len(work.lost)} of {work.total}, e.g. {first.reason}: {first.detail}")
    texts = {number: _said(told.description) for number, told in subjects.items()}
    regions = tuple(
        region.replace(description=texts[number]) if texts.get(number) else region
        for number, region in enumerate(scene.regions, 1)
    )
    return [scene.replace(regions=regions, relations=tuple(work.relations)), *work.lost]


class _Completed:
    """A scene's relations while a reply is read into them."""

    def __init__(self, scene: Scene) -> None:
        self.ids = [region.id for region in scene.regions]
        self.relations = list(scene.relations)
        self.places = {_key(r.subject, r.predicate, r.object): place for place, r in enumerate(scene.relations)}
        self.told: set[tuple[int, str, int]] = set()
        self.lost: list[Rejection] = []
        self.total = 0

    def add(self, subject: int, predicate: str, object: int, kind: Kind) -> None:
        """One relation of the reply, by the regions' numbers."""
        self.total += 1
        problem = self._problem(subject, predicate, object)
        if problem:
            self.lost.append(Rejection(problem, f"[{subject}] {predicate} [{object}] ({kind})"))
            return
        first, second = self.ids[subject - 1], self.ids[object - 1]
        key = _key(first, predicate, second)
        self.told.add(key)
        if key not in self.places:
            self.places[key] = len(self.relations)
            self.relations.append(Relation(first, predicate, second, kind, source="completion"))
        elif self.relations[self.places[key]].kind is None:
            self.relations[self.places[key]] = self.relations[self.places[key]].replace(kind=kind)

    def _problem(self, subject: int, predicate: str, object: int) -> str:
        if not (1 <= subject <= len(self.ids) and 1 <= object <= len(self.ids)):
            return "unknown-region"
        if subject == object:
            return "self-relation"
        if not predicate:
            return "empty-predicate"
        if len(predicate.split()) > MOST_WORDS:
            return "long-predicate"
        return "repeated" if _key(self.ids[subject - 1], predicate, self.ids[object - 1]) in self.told else ""


def _said(text: str) -> str:
    return notation.words(text).strip(" .")


def _key(subject: int, predicate: str, object: int) -> tuple[int, str, int]:
    return subject, _said(predicate).lower(), object
