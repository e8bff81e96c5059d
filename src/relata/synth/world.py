"""A world of 2-5 coloured shapes with exact ground truth, drawn without end from a seed.

Labels say nothing about predicates: shapes, colours and textures are drawn before, and independently of, the relation
that two objects are put into. Size is not part of a label, because `in` needs a small object in a large one.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import Literal

import msgspec

from relata.errors import RelataError, unknown
from relata.synth import layout
from relata.synth.layout import Part, shuffled, within
from relata.synth.rules import (
    COLOURS,
    HELD_OUT_TRIPLES,
    PREDICATES,
    SIZE,
    TEXTURES,
    Box,
    Relations,
    held_out_look,
    relate,
    triples,
)
from relata.synth.shapes import LARGE, SHAPES, area, shared

__all__ = ["COLOURS", "PREDICATES", "SHAPES", "SIZE", "SPLITS", "TEXTURES", "World", "built", "sample", "world"]

SPLITS = ("train", "test", "heldout")
#: Fewest and most objects of a scene.
OBJECTS = (2, 5)

Kind = Literal["in", "on", "front", "attached"]
Look = tuple[int, int, int]

#: How often a structural pair is of each kind. Balanced: `attached to` counts in both directions, hence half as often,
#: and each of the five structural predicates is then equally frequent. Long-tailed: seventeen times from head to tail.
BALANCED: dict[Kind, float] = {"in": 2, "on": 2, "front": 2, "attached": 1}
LONG_TAILED: dict[Kind, float] = {"on": 66, "attached": 22, "front": 8, "in": 4}

#: Two shapes, the one drawn first and the one drawn over it, put into a relation.
PAIRS: dict[Kind, Callable[[Random, int, int], list[Part]]] = {
    "in": layout.contained,
    "on": layout.stacked,
    "front": layout.occluded,
    "attached": layout.linked,
}


class World(msgspec.Struct):
    """A scene before it is drawn; all lists run over its objects.

    `boxes` are in pixels and tight around the whole shape, hidden or not. `relations` maps an ordered pair to an
    index of `PREDICATES`; a pair that is absent is ambiguous. `links` are the pairs joined by a line.
    """

    boxes: list[Box]
    shapes: list[int]
    colours: list[int]
    textures: list[int]
    large: list[bool]
    visible: list[float]
    """The share of each shape's pixels that nothing hides."""
    order: list[int]
    """Objects as they are drawn: the last one is in front."""
    relations: Relations
    links: list[tuple[int, int]]
    background: tuple[int, int, int] = (240, 240, 240)

    def __len__(self) -> int:
        return len(self.boxes)

    def label(self, index: int) -> str:
        """For example `plain red circle`; no two objects of a sampled scene share one."""
        return f"{TEXTURES[self.textures[index]]} {COLOURS[self.colours[index]]} {SHAPES[self.shapes[index]]}"

    def look(self, index: int) -> Look:
        """Texture, colour and shape as indices: the label in numbers."""
        return self.textures[index], self.colours[index], self.shapes[index]


def world(seed: int, index: int, split: str = "train", long_tailed: bool = False) -> World:
    """Scene `index` of a seed and split: the same on every machine, whichever scenes were drawn before."""
    return sample(Random(f"relata synth {seed} {split} {index}"), split, long_tailed=long_tailed)


def sample(rng: Random, split: str = "train", objects: tuple[int, int] = OBJECTS, long_tailed: bool = False) -> World:
    """The next scene of a generator, with at least one relation and no label twice.

    `objects` bounds their number. `train` and `test` never show a held-out combination (see `rules`); a scene of
    `heldout` shows at least one held-out colour and shape, and at least one held-out (shape, predicate, shape).

    Raises:
        RelataError: on a split that does not exist, or bounds outside `OBJECTS`.
    """
    if split not in SPLITS:
        unknown("split", split, SPLITS)
    if not OBJECTS[0] <= objects[0] <= objects[1] <= OBJECTS[1]:
        raise RelataError(f"objects={objects}: a scene has from {OBJECTS[0]} to {OBJECTS[1]} objects")
    count = within(rng, *objects)
    kinds = _kinds(rng, count, LONG_TAILED if long_tailed else BALANCED)
    while True:
        scene = _draw(rng, count, kinds, split)
        if scene is not None and scene.relations and allowed(scene, split):
            return scene


def allowed(scene: World, split: str) -> bool:
    """Whether a scene obeys the split's rule on held-out combinations."""
    held_out = not HELD_OUT_TRIPLES.isdisjoint(triples(scene.shapes, scene.relations))
    looks = any(map(held_out_look, scene.colours, scene.shapes))
    return held_out and looks if split == "heldout" else not (held_out or looks)


def built(
    boxes: list[Box],
    looks: list[Look],
    order: list[int],
    links: list[tuple[int, int]],
    background: tuple[int, int, int],
) -> World:
    """A world from its geometry and looks (texture, colour, shape); relations and visibility follow from them."""
    textures, colours, shapes = map(list, zip(*looks))
    return World(
        boxes=boxes,
        shapes=shapes,
        colours=colours,
        textures=textures,
        large=[box[2] - box[0] >= LARGE[0] for box in boxes],
        visible=_visible(boxes, shapes, order),
        order=order,
        relations=relate(boxes, shapes, order, links),
        links=links,
        background=background,
    )


def _visible(boxes: list[Box], shapes: list[int], order: list[int]) -> list[float]:
    """Shares of pixels left visible, where no object is hidden by two that overlap each other."""
    visible = [1.0] * len(boxes)
    for depth, top in enumerate(order):
        x, y, right, _ = map(int, boxes[top])
        for below in order[:depth]:
            bx, by, bright, _ = map(int, boxes[below])
            if hidden := shared(shapes[below], bright - bx, shapes[top], right - x, x - bx, y - by):
                visible[below] -= hidden / area(shapes[below], bright - bx)
    return visible


def _kinds(rng: Random, count: int, weights: dict[Kind, float]) -> list[Kind]:
    """The structural pairs of a scene: every other scene of two objects has one, scenes of five have two.

    More of them in small scenes would let the number of objects tell what to guess.
    """
    pairs = {2: (0, 1), 3: (1,), 4: (1, 2), 5: (2,)}[count]
    names, bounds = list(weights), list(accumulate(weights.values()))
    chosen = pairs[within(rng, 0, len(pairs) - 1)]
    return [names[bisect(bounds, rng.random() * bounds[-1])] for _ in range(chosen)]


def _draw(rng: Random, count: int, kinds: list[Kind], split: str) -> World | None:
    """One attempt at a scene, or None when its objects found no room."""
    looks = _looks(rng, count, kinds, split)
    shapes = [look[2] for look in looks]
    groups = [PAIRS[kind](rng, shapes[2 * k], shapes[2 * k + 1]) for k, kind in enumerate(kinds)]
    groups += [[(0, 0, layout.side(rng), shape)] for shape in shapes[2 * len(kinds) :]]
    parts: list[Part] = []
    taken: list[Part] = []
    if not all(layout.place(rng, group, parts, taken) for group in groups):
        return None
    number = shuffled(rng, count)  # the two of a pair are built one after the other: their numbers must not tell
    boxes: list[Box] = [(0.0, 0.0, 0.0, 0.0)] * count
    for i, (x, y, side, _) in zip(number, parts):
        boxes[i] = (float(x), float(y), float(x + side), float(y + side))
    links = [tuple(sorted(number[2 * k : 2 * k + 2])) for k, kind in enumerate(kinds) if kind == "attached"]
    background = (within(rng, 232, 248), within(rng, 232, 248), within(rng, 232, 248))
    numbered = [look for _, look in sorted(zip(number, looks))]
    return built(boxes, numbered, number, [(a, b) for a, b in links], background)


def _looks(rng: Random, count: int, kinds: list[Kind], split: str) -> list[Look]:
    """Different looks (texture, colour, shape); two that overlap differ in texture or colour, not only in shape."""
    looks: list[Look] = []
    random = rng.random
    while len(looks) < count:
        at = len(looks)
        look = (int(random() * len(TEXTURES)), int(random() * len(COLOURS)), int(random() * len(SHAPES)))
        if look in looks or (split != "heldout" and held_out_look(look[1], look[2])):
            continue
        overlaps = at % 2 and at // 2 < len(kinds) and kinds[at // 2] in ("in", "front")
        if not (overlaps and look[:2] == looks[-1][:2]):
            looks.append(look)
    return looks
