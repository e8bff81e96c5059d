"""A world of 2-5 coloured shapes with exact ground truth, drawn without end from a seed.

Labels say nothing about predicates: shapes, colours and textures are drawn before, and independently of, the relation
that two objects are put into. Size is not part of a label, because `in` needs a small object in a large one.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from random import Random
from typing import Literal

import msgspec

from relata.errors import unknown
from relata.synth.rules import (
    APART,
    COLOURS,
    FRONT,
    HELD_OUT_TRIPLES,
    LINE,
    PREDICATES,
    SIZE,
    TEXTURES,
    Box,
    Relations,
    held_out_look,
    overlap,
    relate,
    triples,
)
from relata.synth.shapes import LARGE, SHAPES, SMALL, area, room, shared

__all__ = ["COLOURS", "PREDICATES", "SHAPES", "SIZE", "SPLITS", "TEXTURES", "World", "built", "sample", "world"]

SPLITS = ("train", "test", "heldout")
#: Attempts to place a group before the whole scene is drawn again.
_TRIES = 20
Kind = Literal["in", "on", "front", "attached"]

#: How often a structural pair is of each kind. Balanced: `attached to` counts in both directions, hence half as often,
#: and each of the five structural predicates is then equally frequent. Long-tailed: falls tenfold from head to tail.
BALANCED: tuple[tuple[Kind, float], ...] = (("in", 2 / 7), ("on", 2 / 7), ("front", 2 / 7), ("attached", 1 / 7))
LONG_TAILED: tuple[tuple[Kind, float], ...] = (("on", 0.66), ("attached", 0.22), ("front", 0.08), ("in", 0.04))

#: An object while it is placed: left, top, side, shape.
Part = tuple[int, int, int, int]


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

    def look(self, index: int) -> tuple[int, int, int]:
        """Texture, colour and shape as indices: the label in numbers."""
        return self.textures[index], self.colours[index], self.shapes[index]


def world(seed: int, index: int, split: str = "train", long_tailed: bool = False) -> World:
    """Scene `index` of a seed and split: the same on every machine, whichever scenes were drawn before."""
    return sample(Random(f"relata synth {seed} {split} {index}"), split, long_tailed=long_tailed)


def sample(rng: Random, split: str = "train", objects: tuple[int, int] = (2, 5), long_tailed: bool = False) -> World:
    """The next scene of a generator, with at least one relation.

    `train` and `test` never show a held-out combination (see `rules`); a scene of `heldout` shows at least one
    held-out colour and shape, and at least one held-out (shape, predicate, shape). `objects` bounds their number.

    Raises:
        RelataError: on a split that does not exist.
    """
    if split not in SPLITS:
        unknown("split", split, SPLITS)
    least, most = objects
    count = least + int(rng.random() * (most - least + 1))
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
    looks: list[tuple[int, int, int]],
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


def _kinds(rng: Random, count: int, weights: tuple[tuple[Kind, float], ...]) -> list[Kind]:
    """The structural pairs of a scene: one more often than none with two objects, two at most."""
    pairs = {2: (0, 1, 1, 1), 3: (1,), 4: (1, 2)}.get(count, (2,))
    names, shares = zip(*weights)
    bounds = list(accumulate(shares))
    chosen = pairs[within(rng, 0, len(pairs) - 1)]
    return [names[min(bisect(bounds, rng.random()), len(names) - 1)] for _ in range(chosen)]


def _draw(rng: Random, count: int, kinds: list[Kind], split: str) -> World | None:
    """One attempt at a scene, or None when its objects found no place."""
    looks = _looks(rng, count, kinds, split)
    parts: list[Part] = []
    taken: list[tuple[int, int, int, int]] = []
    for start in range(0, 2 * len(kinds), 2):
        pair = _PAIRS[kinds[start // 2]](rng, looks[start][2], looks[start + 1][2])
        if not _place(rng, pair, parts, taken):
            return None
    for _, _, shape in looks[2 * len(kinds) :]:
        if not _place(rng, [(0, 0, _side(rng), shape)], parts, taken):
            return None
    slots = shuffled(rng, count)  # pairs are built side by side, and an object's number must not tell
    place = [0] * count
    for new, old in enumerate(slots):
        place[old] = new
    boxes = [(float(x), float(y), float(x + side), float(y + side)) for x, y, side, _ in (parts[i] for i in slots)]
    links = [
        (min(place[2 * k], place[2 * k + 1]), max(place[2 * k], place[2 * k + 1]))
        for k, kind in enumerate(kinds)
        if kind == "attached"
    ]
    background = (within(rng, 232, 248), within(rng, 232, 248), within(rng, 232, 248))
    return built(boxes, [looks[i] for i in slots], place, links, background)


def _looks(rng: Random, count: int, kinds: list[Kind], split: str) -> list[tuple[int, int, int]]:
    """Different looks (texture, colour, shape); two that overlap differ in texture or colour, not only in shape."""
    looks: list[tuple[int, int, int]] = []
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


def _side(rng: Random, large: float = 0.4) -> int:
    sides = LARGE if rng.random() < large else SMALL
    return sides[int(rng.random() * len(sides))]


def within(rng: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def _in(rng: Random, outer: int, inner: int) -> list[Part]:
    while True:
        around, side = _side(rng, 1.0), _side(rng, 0.0)
        if places := room(outer, around, side):
            x, y = places[within(rng, 0, len(places) - 1)]
            return [(0, 0, around, outer), (x, y, side, inner)]


def _on(rng: Random, lower: int, upper: int) -> list[Part]:
    below, above = _side(rng), _side(rng)
    x = (below - above) // 2 + within(rng, 0, 1)
    return [(0, above, below, lower), (x, 0, above, upper)]


def _front(rng: Random, hidden: int, front: int) -> list[Part]:
    while True:
        below, side = _side(rng, 0.6), _side(rng, 0.6)
        x, y = within(rng, 1 - side, below - 1), within(rng, 1 - side, below - 1)
        if overlap(side, front, below, hidden, x, y) == FRONT:
            return [(0, 0, below, hidden), (x, y, side, front)]


def _attached(rng: Random, first: int, second: int) -> list[Part]:
    """Side by side or one over the other, 8-16 px between the two boxes."""
    near, far = _side(rng, 0.3), _side(rng, 0.3)
    along = near + within(rng, *LINE)
    across = within(rng, -far - 4, near + 4)
    x, y = (along, across) if rng.random() < 0.5 else (across, along)
    return [(0, 0, near, first), (x, y, far, second)]


_PAIRS = {"in": _in, "on": _on, "front": _front, "attached": _attached}


def _place(rng: Random, group: list[Part], parts: list[Part], taken: list[tuple[int, int, int, int]]) -> bool:
    """Add a group of parts where it keeps its distance from what is placed already; False if there is no room."""
    left, top = min(part[0] for part in group), min(part[1] for part in group)
    width = max(part[0] + part[2] for part in group) - left
    height = max(part[1] + part[2] for part in group) - top
    if width > SIZE - 2 or height > SIZE - 2:
        return False
    for _ in range(_TRIES):
        x, y = within(rng, 1, SIZE - 1 - width), within(rng, 1, SIZE - 1 - height)
        if all(
            x - right >= APART or a - x - width >= APART or y - bottom >= APART or b - y - height >= APART
            for a, b, right, bottom in taken
        ):
            taken.append((x, y, x + width, y + height))
            parts += [(px - left + x, py - top + y, side, shape) for px, py, side, shape in group]
            return True
    return False


def shuffled(rng: Random, count: int) -> list[int]:
    """A permutation, from `random()` alone: other methods of `Random` may change between versions of Python."""
    numbers = list(range(count))
    for i in range(count - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers
