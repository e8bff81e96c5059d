"""Two pictures of one world: what changed in between is known exactly.

One or two objects change, each in one way; sometimes one object goes and another comes. Labels never repeat across a
pair, except that an object keeps its own, so that which object became which is well defined.
"""

from __future__ import annotations

from itertools import combinations
from random import Random

import msgspec

from relata.errors import RelataError
from relata.synth.layout import TRIES, shuffled, side, within
from relata.synth.rules import APART, COLOURS, FRONT, IN, ON, SIZE, TEXTURES, Box
from relata.synth.shapes import SHAPES
from relata.synth.world import Look, World, allowed, built

TRANSFORMS = (
    "same",
    "moved left",
    "moved right",
    "moved up",
    "moved down",
    "grown",
    "shrunk",
    "recoloured",
    "retextured",
    "reshaped",
)
_MOVES = {"moved left": (-1, 0), "moved right": (1, 0), "moved up": (0, -1), "moved down": (0, 1)}
#: Least and most pixels of a move.
MOVE = (12, 40)
#: Least pixels between a line and anything it does not join.
CLEAR = 2


class Pair(msgspec.Struct):
    """A world before and after. Objects of `after` are in another order: `links` joins the two numberings."""

    before: World
    after: World
    links: list[tuple[int, int]]
    transforms: dict[int, str]
    """What happened to each object that stayed, by its number before: one of `TRANSFORMS`."""
    removed: list[int]
    """Objects of `before` that are gone."""
    added: list[int]
    """Objects of `after` that are new."""


def edit(rng: Random, world: World, split: str = "train") -> Pair:
    """A changed copy of a world whose labels are all different, as `sample` makes them.

    The class of each change is drawn evenly from the nine of `TRANSFORMS` that are one. Unless `split` is `heldout`,
    the new picture holds no held-out combination either.

    Raises:
        RelataError: if two objects of the world have the same label.
    """
    if len({world.look(i) for i in range(len(world))}) < len(world):
        raise RelataError(
            "two objects of the world have the same label, so a changed picture could be read in two ways"
        )
    while True:
        count = min(within(rng, 1, 2), len(world))
        kinds = [TRANSFORMS[within(rng, 1, 9)] for _ in range(count)]
        removes = len(world) > max(count, 2) and rng.random() < 0.3
        adds = len(world) < 5 and rng.random() < 0.3
        for _ in range(TRIES):
            pair = _attempt(rng, world, kinds, removes, adds)
            if pair is not None and _shown(pair.after, split):
                return pair


def _shown(world: World, split: str) -> bool:
    return bool(world.relations) and legal(world) and (split == "heldout" or allowed(world, split))


def legal(world: World) -> bool:
    """Whether a picture can be read: everything keeps its distance, or stands in one structural relation.

    Two that overlap must differ in texture or colour, and nothing may come between two that are attached.
    """
    return _apart(world) and _lines_free(world)


def _apart(world: World) -> bool:
    structural: list[int] = []
    for j, i in combinations(range(len(world)), 2):
        if _gap(world.boxes[i], world.boxes[j]) >= APART:
            continue
        predicates = {world.relations.get((i, j)), world.relations.get((j, i))}
        alike = ON not in predicates and world.look(i)[:2] == world.look(j)[:2]
        if alike or not predicates & {IN, ON, FRONT}:
            return False
        structural += [i, j]
    return len(set(structural)) == len(structural)


def _lines_free(world: World) -> bool:
    lines = [_hull(world.boxes[i], world.boxes[j]) for i, j in world.links]
    others = [[world.boxes[k] for k in range(len(world)) if k not in link] for link in world.links]
    return all(_gap(line, box) >= CLEAR for n, line in enumerate(lines) for box in (*others[n], *lines[:n]))


def _gap(first: Box, second: Box) -> float:
    """Pixels between two boxes along the axis that keeps them further apart; negative when they overlap."""
    return max(first[0] - second[2], second[0] - first[2], first[1] - second[3], second[1] - first[3])


def _hull(first: Box, second: Box) -> Box:
    """The box around the line between two centres, with the line's thickness."""
    xs = sorted(((first[0] + first[2]) / 2, (second[0] + second[2]) / 2))
    ys = sorted(((first[1] + first[3]) / 2, (second[1] + second[3]) / 2))
    return (xs[0] - 1, ys[0] - 1, xs[1] + 1, ys[1] + 1)


def _attempt(rng: Random, world: World, kinds: list[str], removes: bool, adds: bool) -> Pair | None:
    """One pair with these changes, or None where no object suits one of them, or its outcome is out of bounds."""
    free = shuffled(rng, len(world))
    removed = [free.pop()] if removes else []
    looks = {i: world.look(i) for i in free}
    boxes = {i: world.boxes[i] for i in free}
    transforms = dict.fromkeys(sorted(free), TRANSFORMS[0])
    used = {world.look(i) for i in range(len(world))}
    for kind in kinds:
        suited = [i for i in free if kind not in ("grown", "shrunk") or world.large[i] == (kind == "shrunk")]
        if not suited:
            return None
        chosen = suited[0]
        free.remove(chosen)
        transforms[chosen] = kind
        looks[chosen], boxes[chosen] = _change(rng, kind, looks[chosen], boxes[chosen])
        if not _inside(boxes[chosen]) or (looks[chosen] != world.look(chosen) and looks[chosen] in used):
            return None
        used.add(looks[chosen])
    if adds:
        new = len(world)
        looks[new], boxes[new] = _newcomer(rng)
        if looks[new] in used or any(_gap(boxes[new], box) < APART for box in world.boxes):
            return None  # where something was before, it would look like that thing changed
    return _pair(rng, world, boxes, looks, transforms, removed)


def _change(rng: Random, kind: str, look: Look, box: Box) -> tuple[Look, Box]:
    """A look and a box after a change; the centre stays where it is unless the object moves."""
    texture, colour, shape = look
    if kind == "recoloured":
        return (texture, _another(rng, colour, len(COLOURS)), shape), box
    if kind == "retextured":
        return (_another(rng, texture, len(TEXTURES)), colour, shape), box
    if kind == "reshaped":
        return (texture, colour, _another(rng, shape, len(SHAPES))), box
    x1, y1, x2, y2 = box
    if kind in _MOVES:
        far = within(rng, *MOVE)
        dx, dy = (far * step for step in _MOVES[kind])
        return look, (x1 + dx, y1 + dy, x2 + dx, y2 + dy)
    length = side(rng, large=1.0 if kind == "grown" else 0.0)
    x, y = (x1 + x2 - length) // 2, (y1 + y2 - length) // 2
    return look, (x, y, x + length, y + length)


def _newcomer(rng: Random) -> tuple[Look, Box]:
    length = side(rng)
    x, y = float(within(rng, 1, SIZE - 1 - length)), float(within(rng, 1, SIZE - 1 - length))
    look = (within(rng, 0, len(TEXTURES) - 1), within(rng, 0, len(COLOURS) - 1), within(rng, 0, len(SHAPES) - 1))
    return look, (x, y, x + length, y + length)


def _another(rng: Random, value: int, count: int) -> int:
    return (value + within(rng, 1, count - 1)) % count


def _inside(box: Box) -> bool:
    return box[0] >= 1 and box[1] >= 1 and box[2] <= SIZE - 1 and box[3] <= SIZE - 1


def _pair(
    rng: Random,
    world: World,
    boxes: dict[int, Box],
    looks: dict[int, Look],
    transforms: dict[int, str],
    removed: list[int],
) -> Pair:
    """Number the objects of the new picture afresh and put the pair together."""
    old = list(boxes)
    slots = [old[k] for k in shuffled(rng, len(old))]
    new = {index: slot for slot, index in enumerate(slots)}
    order = [new[i] for i in [*world.order, len(world)] if i in new]
    lines = [sorted((new[i], new[j])) for i, j in world.links if i in new and j in new]
    after = built(
        [boxes[i] for i in slots], [looks[i] for i in slots], order, [(a, b) for a, b in lines], world.background
    )
    added = [new[i] for i in old if i == len(world)]
    return Pair(world, after, [(i, new[i]) for i in sorted(transforms)], transforms, removed, added)
