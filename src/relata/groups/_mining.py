"""Mining groups of captions by how many nouns they share, at any size: the cost grows with what is asked for.

Nothing is compared with everything. Captions are taken as anchors in random order; for each, a fixed number of
candidates is drawn, the nouns they share with the anchor are counted exactly, and one whose count lies in the level is
kept. For low levels candidates are drawn among all captions. For levels of four nouns and more they are drawn from
inverted lists: two captions that share `least` nouns, one of them having `size`, share one among the `size - least + 1`
rarest nouns of each, so only those are listed. One of the anchor's rarest nouns is drawn evenly, then a caption from
its list; so pairs that share a rare noun come more often than in an even draw among all pairs of the level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.nouns import NounSets

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.int32]
#: Of anchors, [anchors, draws] numbers of captions, in random order.
Draw = Callable[[Ints, np.random.Generator], Ints]

#: Candidates per anchor from lists of rare nouns; a data set of no more captions is searched whole.
_DRAWS = 256
#: Candidates per anchor among all captions.
_EVEN = 32
#: Anchors looked at together.
_BATCH = 512
#: From this many shared nouns on, candidates come from the lists of rare nouns.
_RARE = 4


class Level(NamedTuple):
    """How many nouns are shared, both ends included."""

    least: int
    most: int

    @property
    def name(self) -> str:
        return f"{self.least}+" if self.most >= _MANY else f"{self.least}-{self.most}"


_MANY = 2**31 - 1
#: Levels of similarity. The paper has pairs at different ones and does not say which; these are ours.
LEVELS = ("0-1", "2-3", "4-5", "6-7", "8+")


def level(name: str) -> Level:
    """A level from `2-3`, `5` or `8+`.

    Raises:
        RelataError: if the name is none.
    """
    first, dash, last = name.removesuffix("+").partition("-")
    if not first.isdigit() or (dash and not last.isdigit()) or (dash and name.endswith("+")):
        raise RelataError(f"level {name!r} is not a number of shared nouns; write 2-3, 5 or 8+")
    found = Level(int(first), _MANY if name.endswith("+") else int(last or first))
    if found.least > found.most:
        raise RelataError(f"level {name!r} ends below its start; write {found.most}-{found.least}")
    return found


class Mined(NamedTuple):
    """Groups of captions that share nouns."""

    members: Ints
    """[groups, size]: numbers of captions, the anchor first."""
    shared: Ints
    """[groups, size - 1]: nouns that each of the others shares with the anchor, exact."""
    levels: Ints
    """[groups]: position of the group's level among those asked for."""


def mine(
    nouns: NounSets,
    groups: int,
    *,
    levels: Sequence[str] = LEVELS,
    shares: Sequence[float] = (),
    most: int = 4,
    size: int = 2,
    images: Sequence[int] | Ints | None = None,
    seed: int = 0,
) -> Mined:
    """Groups of captions at several levels of similarity. The same arguments give the same groups.

    Levels are filled from the most alike to the least, for the most alike are the rarest; what one of them lacks is
    made up by the next below. `levels` of the result says what was found.

    Args:
        groups: how many in all.
        levels: see `level`.
        shares: of each level in all groups; equal ones if empty.
        most: groups that one image may be in.
        size: captions in a group; all but the first share nouns with the first.
        images: the number of each caption's image, for several captions may be about one; no two captions of an image
            come into one group. None: each caption has its own.
        seed: of the draw.

    Raises:
        RelataError: if the numbers contradict each other.
    """
    if size < 2 or most < 1 or groups < 1:
        raise RelataError(f"groups {groups}, size {size}, most {most}: needs 1 group, 2 captions and 1 use, or more")
    wanted = quotas(groups, len(levels), shares)
    pool = _Pool(nouns, np.arange(len(nouns)) if images is None else np.asarray(images, np.int64), most, size)
    found: dict[int, list[tuple[list[int], list[int]]]] = {}
    lacking = 0
    for k in sorted(range(len(levels)), key=lambda k: -level(levels[k]).least):
        found[k] = pool.fill(level(levels[k]), wanted[k] + lacking, np.random.default_rng([seed, k]))
        lacking += wanted[k] - len(found[k])
    chosen = [(k, members, shared) for k in range(len(levels)) for members, shared in found[k]]
    return Mined(
        np.array([members for _, members, _ in chosen], np.int64).reshape(-1, size),
        np.array([shared for _, _, shared in chosen], np.int64).reshape(-1, size - 1),
        np.array([k for k, _, _ in chosen], np.int64),
    )


def quotas(groups: int, levels: int, shares: Sequence[float]) -> list[int]:
    """How many groups each level is to have; they add up to all."""
    parts = list(shares) or [1.0] * levels
    if len(parts) != levels or not levels or min(parts) < 0 or sum(parts) <= 0:
        raise RelataError(f"shares {list(shares)} do not fit {levels} levels; give one number, 0 or more, for each")
    ends = [round(groups * sum(parts[: k + 1]) / sum(parts)) for k in range(levels)]
    return [end - start for start, end in zip([0, *ends], ends)]


class _Pool:
    """The captions, and how often each image has been used."""

    def __init__(self, nouns: NounSets, images: Ints, most: int, size: int) -> None:
        self._sizes = np.diff(nouns.starts)
        self._nouns = nouns
        self._images = images
        self._most = most
        self._others = size - 1
        self._used = np.zeros(int(images.max(initial=-1)) + 1, np.int64)
        self._taken: set[tuple[int, ...]] = set()
        # one row per caption, filled up with a number that is no noun
        self._rows = np.full((len(nouns), int(self._sizes.max(initial=0))), len(nouns.names), np.int32)
        caption = np.repeat(np.arange(len(nouns)), self._sizes)
        self._rows[caption, np.arange(len(nouns.ids)) - nouns.starts[caption]] = nouns.ids
        # one of 64 bits for every noun: what two captions have in common is counted only where their bits allow it
        self._bits = np.zeros(len(nouns), np.uint64)
        bit = np.uint64(1) << (nouns.ids % 64).astype(np.uint64)
        full = self._sizes > 0
        self._bits[full] = np.bitwise_or.reduceat(bit, nouns.starts[:-1][full]) if len(bit) else 0

    def fill(self, level: Level, wanted: int, rng: np.random.Generator) -> list[tuple[list[int], list[int]]]:
        """Up to `wanted` groups of one level: one of every anchor at first, more of them if that is not enough."""
        captions, nouns = len(self._rows), len(self._nouns.names)
        rare = level.least >= _RARE
        draw = _listed(self._rows, self._sizes, level.least, nouns) if rare else _even(captions)
        found: list[tuple[list[int], list[int]]] = []
        each = 1
        while len(found) < wanted:
            before = len(found)
            anchors = rng.permutation(np.flatnonzero(self._sizes >= level.least))
            for start in range(0, len(anchors), _BATCH):
                if len(found) == wanted:
                    return found
                batch = anchors[start : start + _BATCH]
                batch = batch[self._used[self._images[batch]] < self._most]
                for group in self._matches(batch, draw(batch, rng), level, each):
                    if len(found) < wanted and self._take(group[0]):
                        found.append(group)
            if len(found) - before <= (wanted / 100 if captions > _DRAWS else 0):
                break  # what is left is too rare to be found by drawing
            each = self._most
        return found

    def _matches(
        self, anchors: Ints, candidates: Ints, level: Level, each: int
    ) -> Iterator[tuple[list[int], list[int]]]:
        """The groups that each anchor makes with the first of its candidates, and the nouns that they share with it."""
        # two words of a caption may have one bit, but no more than it has words beyond its bits
        spare = (self._sizes[anchors] - np.bitwise_count(self._bits[anchors]))[:, None]
        bits = np.bitwise_count(self._bits[anchors][:, None] & self._bits[candidates])
        row, column = np.nonzero(bits + spare >= level.least)
        anchor, other = anchors[row], candidates[row, column]
        shared = self._shared(row, anchors, other)
        fits = (shared >= level.least) & (shared <= level.most)
        fits &= (self._images[other] != self._images[anchor]) & (self._used[self._images[other]] < self._most)
        row, other, shared = row[fits], other[fits], shared[fits]
        ends = np.searchsorted(row, np.arange(len(anchors) + 1))
        for k in np.flatnonzero(np.diff(ends)).tolist():
            chosen: dict[int, int] = {}  # by image, the first of each
            for at in range(ends[k], ends[k + 1]):
                if len(chosen) < each * self._others:
                    chosen.setdefault(int(self._images[other[at]]), at)
            places = list(chosen.values())
            for start in range(0, len(places) - self._others + 1, self._others):
                some = places[start : start + self._others]
                yield [int(anchors[k]), *other[some].tolist()], shared[some].tolist()

    def _shared(self, row: Ints, anchors: Ints, others: Ints) -> Ints:
        """How many nouns each of the others shares with its anchor, which is at a place of `anchors`."""
        width = len(self._nouns.names) + 1
        marks = np.zeros((len(anchors), width), np.uint8)
        np.put_along_axis(marks, self._rows[anchors].astype(np.int64), 1, axis=1)
        marks[:, -1] = 0
        places = self._rows[others] + (row * width)[:, None]
        total: Ints = marks.reshape(-1)[places].sum(axis=1, dtype=np.int64)
        return total

    def _take(self, members: list[int]) -> bool:
        """Use the group, if it is new and none of its images is used up."""
        images = self._images[members]
        key = tuple(sorted(images.tolist()))
        if key in self._taken or (self._used[images] >= self._most).any():
            return False
        self._taken.add(key)
        self._used[images] += 1
        return True


def _even(captions: int) -> Draw:
    """Candidates among all captions."""
    if captions <= _DRAWS:
        return lambda anchors, rng: rng.permuted(np.tile(np.arange(captions), (len(anchors), 1)), axis=1)
    return lambda anchors, rng: rng.integers(captions, size=(len(anchors), _EVEN))


def _listed(rows: Rows, sizes: Ints, least: int, nouns: int) -> Draw:
    """Candidates that share one of the anchor's rarest nouns, and have it among their own rarest."""
    if len(rows) <= _DRAWS:
        return _even(len(rows))
    rare = np.maximum(sizes - least + 1, 0)
    captions, columns = np.nonzero(np.arange(rows.shape[1]) < rare[:, None])
    keys = rows[captions, columns]
    listed = captions[np.argsort(keys, kind="stable")]
    lengths = np.bincount(keys, minlength=nouns)
    starts = np.cumsum(lengths) - lengths

    def draw(anchors: Ints, rng: np.random.Generator) -> Ints:
        chance = rng.random((2, len(anchors), _DRAWS))
        key = rows[anchors[:, None], (chance[0] * rare[anchors][:, None]).astype(np.int64)]
        found: Ints = listed[starts[key] + (chance[1] * lengths[key]).astype(np.int64)]
        return found

    return draw
