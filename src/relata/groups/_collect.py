"""Pairs of scenes for which a relation holds, and pairs for which it does not, in one pass over the scenes.

A relation function R of RelationVLM (section 3.1) says of two samples' labels whether they are so related. Here it is
given by the `facets` of a scene: what is asked about, and the values that the scene has there.

    facets("person")  {"person": {"0022"}}                 of the same individual?
    facets("colour")  {"the colour of the dog": {"brown"}}  of the same colour?

Two scenes that have a facet in common may be asked about it; R holds if they have a value in common. So R is an index
and not a test of all pairs: work and memory grow with the number of scenes and values.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, NamedTuple

from msgspec import Meta

from relata.errors import RelataError
from relata.scene import Group, Link, Scene

Facets = Mapping[str, frozenset[str]]
Count = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(ge=0, le=1)]

#: Earlier scenes that are remembered per value and per facet, a random sample of all.
_KEPT = 32
#: How many of them are tried to find one that shares no value.
_TRIES = 16
#: Pairs that wait for one of the other kind, so that both are equally frequent.
_WAITING = 256


class Pair(NamedTuple):
    """Two scenes, what is asked about them, and the value that they share; None if they share none."""

    first: Scene
    second: Scene
    facet: str
    value: str | None


def pairs(
    scenes: Iterable[Scene],
    facets: Callable[[Scene], Facets],
    rng: random.Random,
    same: float,
    most: int,
    differ: Callable[[Scene, Scene], bool] = lambda one, other: True,
) -> Iterator[Pair]:
    """Pairs of scenes, each of a later scene with an earlier one, in random order.

    Of several values that could be shared, the one that is so far the rarest is taken, so that `person` does not crowd
    out everything else.

    Args:
        facets: the relation function, see above.
        same: share of pairs that have a value in common, 0 to 1, kept for every facet by itself, lest the facet give
            the answer away. Pairs that would upset it are left out.
        most: pairs that a scene starts, at most, and those into which it is taken for one value; apart for both kinds.
        differ: whether two scenes without a value in common are a negative indeed; annotations may not tell all.

    Raises:
        RelataError: after the last scene, if there is not a single pair.
    """
    collector = _Collector(rng, most, differ)
    kinds = [kind for kind in (True, False) if (same > 0 if kind else same < 1)]
    seen = given = 0
    found: Counter[bool] = Counter()

    def every() -> Iterator[Pair]:
        nonlocal seen
        for scene in scenes:
            seen += 1
            for pair in collector.take(scene, facets(scene), kinds):
                found[pair.value is not None] += 1
                yield pair

    for pair in _mixed(every(), same):
        given += 1
        yield pair
    if seen and not given:
        raise RelataError(
            f"{seen} scenes give no pair: {found[True]} share a value and {found[False]} differ, and "
            f"same={same:g} wants a share of each; give another share, e.g. same=0, or another way"
        )


class Sample:
    """A random sample of all scenes that were added, with their facets; at most `_KEPT`."""

    def __init__(self) -> None:
        self._seen = 0
        self.used: Counter[str] = Counter()
        self.kept: list[tuple[Scene, Facets]] = []

    def add(self, scene: Scene, facets: Facets, rng: random.Random) -> None:
        self._seen += 1
        if len(self.kept) < _KEPT:
            self.kept.append((scene, facets))
        elif (place := rng.randrange(self._seen)) < _KEPT:
            self.used.pop(self.kept[place][0].id, None)
            self.kept[place] = (scene, facets)


class _Collector:
    """Remembers a sample of the scenes seen, by facet and value, and pairs each new scene with some of them."""

    def __init__(self, rng: random.Random, most: int, differ: Callable[[Scene, Scene], bool]) -> None:
        self._rng = rng
        self._most = most
        self._differ = differ
        self._samples: defaultdict[tuple[str, str | None], Sample] = defaultdict(Sample)
        self._told: Counter[tuple[str, str | None]] = Counter()

    def take(self, scene: Scene, own: Facets, kinds: Sequence[bool]) -> Iterator[Pair]:
        """Pairs of a scene with earlier ones, that share a value (True) or none; then the scene is remembered."""
        partners = {scene.id}
        for kind in kinds:
            keys = [(facet, value) for facet, values in own.items() for value in (sorted(values) if kind else [None])]
            made = 0
            # the rarest first; a random number decides between equals
            for key in sorted(keys, key=lambda key: (self._told[key], self._rng.random())):
                other = self._partner(scene, key, own, partners) if made < self._most else None
                if other is not None:
                    made += 1
                    self._told[key] += 1
                    partners.add(other.id)
                    yield Pair(*((other, scene) if self._rng.random() < 0.5 else (scene, other)), *key)
        for facet, values in own.items():
            for value in (None, *sorted(values)):
                self._samples[facet, value].add(scene, own, self._rng)

    def _partner(self, scene: Scene, key: tuple[str, str | None], own: Facets, not_these: set[str]) -> Scene | None:
        """An earlier scene; once it has been taken `most` times for this value, it is taken no more."""
        facet, value = key
        sample = self._samples[key]
        for k in self._rng.sample(range(len(sample.kept)), min(_TRIES, len(sample.kept))):
            other, facets = sample.kept[k]
            if other.id in not_these:
                continue
            if value is not None or (facets[facet].isdisjoint(own[facet]) and self._differ(scene, other)):
                sample.used[other.id] += 1
                if sample.used[other.id] == self._most:
                    del sample.kept[k], sample.used[other.id]
                return other
        return None


def _mixed(found: Iterable[Pair], same: float) -> Iterator[Pair]:
    """The pairs, in such an order that of every facet the wanted share is of either kind; the rest is left out."""
    waiting: defaultdict[tuple[str, bool], deque[Pair]] = defaultdict(lambda: deque(maxlen=_WAITING))
    given: Counter[tuple[str, bool]] = Counter()
    for pair in found:
        facet = pair.facet
        waiting[facet, pair.value is not None].append(pair)
        while True:
            true, false = given[facet, True], given[facet, False]
            kind = true < same * (true + false + 1)
            alone = 0 < same < 1 and not true and not (waiting[facet, True] and waiting[facet, False])
            if alone or not waiting[facet, kind]:
                break
            given[facet, kind] += 1
            yield waiting[facet, kind].popleft()


def group(pair: Pair, relation: str, label: str = "", links: Iterable[Link] = ()) -> Group:
    """The record of a pair; its provenance says by which relation, e.g. `same colour`, and of what."""
    held = pair.value is not None
    about = {"relation": f"{'same' if held else 'different'} {relation}", "label": label or pair.value or ""}
    name = "-".join(part.replace(" ", "-") for part in (relation, label) if part)
    provenance = {**about, **({"value": pair.value} if pair.value is not None and label else {})}
    return Group(f"{name}/{pair.first.id}/{pair.second.id}", (pair.first, pair.second), tuple(links), None, provenance)
