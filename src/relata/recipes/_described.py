"""Pairs of things with what is said of how they are to each other: by people in Visual Spatial Description, else by
rules."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from relata import notation, readers
from relata.english import words
from relata.english.meanings import meaning
from relata.english.names import adjectives, place
from relata.english.predicates import plain
from relata.english.spatial import LABELS, Pair, descriptions, detailed
from relata.errors import RelataError
from relata.scene import Relation, Scene

#: What the filters call a label. What is near may be far from next to it, see `_NEXT`.
_LABEL = {"left of": "to the left of", "right of": "to the right of", **{label: label for label in LABELS}}
_NEXT = words.words("beside besides alongside adjoining") | {"next to", "adjacent to", "by the side of"}
#: Before a label, these say how a thing is there: `standing on` is `on`.
_POSTURES = words.words("sitting standing lying laying seated parked hanging resting placed walking located")


class Told(NamedTuple):
    """A pair, with what is said of it."""

    relation: Relation
    pair: Pair
    shared: bool
    """Whether another thing has the label of either."""
    short: tuple[str, ...]
    """Descriptions as in the first version; an empty one is reported."""
    long: tuple[str, ...] | None
    """Descriptions as in the second version; None: there is no second version to look them up in."""
    counts: tuple[int, int, int]
    """Examples of each kind."""
    by: str
    """Who described it: `people`, or `rules`."""
    second: str = ""
    """Name and digest of the file of the second version."""


def described(
    scene: Scene, rng: random.Random, second: str, most: int, shares: tuple[float, float, float]
) -> list[Told]:
    """The pairs of a scene to ask about.

    Args:
        second: the file of VSD's second version; empty: none.
        most: pairs, of scenes that are not of VSD; of these it is the first that is described.
        shares: examples of each kind per pair, on average, where descriptions are made by rules.

    Raises:
        RelataError: if `second` cannot be read.
    """
    names = {region.id: _name(region.label) for region in scene.regions}
    times = Counter(names.values())

    def shared(relation: Relation) -> bool:
        return times[names[relation.subject]] > 1 or times[names[relation.object]] > 1

    people = scene.provenance.get("format") == "vsd"
    pool = _labelled(scene, exclusive=not people)
    if people:  # captions tell of the first pair; further ones are the exception, and on other things
        chosen = pool[:1]
    else:
        clear = [relation for relation in pool if not shared(relation)] or pool
        chosen = rng.sample(clear, min(most, len(clear)))
    found: list[Told] = []
    for relation in chosen:
        pair = Pair(names[relation.subject], label(relation.predicate) or "", names[relation.object])
        if people:
            short, by = tuple(map(notation.words, scene.captions)), "people"
            captions, source = _second(second) if second else ({}, "")
            long = captions.get(scene.id, ()) if second else None
            counts = (1, len(short), 1)
        else:
            labels, whole, several = (int(share) + (rng.random() < share % 1) for share in shares)
            short, by = tuple(descriptions(pair, rng, max(whole, several))), "rules"
            long, source = (_detailed(scene, relation, pair),), ""
            counts = (labels, min(whole, len(short)), several)
        found.append(Told(relation, pair, shared(relation), short, long, counts, by, source))
    return found


def _labelled(scene: Scene, exclusive: bool) -> list[Relation]:
    """The relations that one of the nine labels says.

    Args:
        exclusive: leave out pairs of which two labels hold, for then none is the only answer.
    """
    said: dict[tuple[int, int], dict[str, Relation]] = {}
    for relation in scene.relations:
        found = label(relation.predicate)
        if found and relation.subject != relation.object:
            said.setdefault((relation.subject, relation.object), {}).setdefault(found, relation)
    beside = {pair for pair, labels in said.items() if "next to" in labels}
    return [
        next(iter(labels.values()))
        for (subject, object), labels in said.items()
        if not exclusive or (len(labels) == 1 and ("next to" in labels or (object, subject) not in beside))
    ]


def label(predicate: str) -> str | None:
    """Which of the nine labels a predicate says; None if it says none."""
    said = plain(predicate)
    if said in _NEXT:
        return "next to"
    known = _LABEL.get(meaning(said))
    first, _, rest = said.partition(" ")
    return known or (label(rest) if rest and first in _POSTURES else None)


def _name(text: str) -> str:
    said = words.clean(notation.words(text))
    return (said[:-1] if said.count(".") == 1 and said.endswith(".") else said).strip() or "object"


class _Second(NamedTuple):
    """The second version: descriptions by image, and which file they are from."""

    captions: dict[str, tuple[str, ...]]
    source: str


@lru_cache(maxsize=2)
def _second(path: str) -> _Second:
    """Read once per process. Rows that cannot be read count as missing, like those that are not there."""
    try:
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise RelataError(
            f"cannot read {path}: {error.strerror}; second names the file of VSD's second version"
        ) from error
    found = {scene.id: tuple(filter(None, map(notation.words, scene.captions))) for scene in readers.read("vsd", path)}
    return _Second(found, f"{Path(path).name} {digest}")


def _detailed(scene: Scene, relation: Relation, pair: Pair) -> str:
    """What tells the two things from others: how they look, and where in the image the first one is."""
    subject, object = (scene.region(id) for id in (relation.subject, relation.object))
    looks = [adjectives(region, name).split() for region, name in ((subject, pair.subject), (object, pair.object))]
    where = place(subject.box, scene.width, scene.height)
    return detailed(pair, looks[0], f"{where} of the image", looks[1])
