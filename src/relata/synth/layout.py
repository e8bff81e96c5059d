"""Where objects go: pairs put into a relation, and groups placed at a distance from each other.

All chance comes from `Random.random`, whose sequence Python guarantees; its other methods may change between versions.
"""

from __future__ import annotations

from random import Random

from relata.synth.rules import APART, FRONT, LINE, SIZE, overlap
from relata.synth.shapes import LARGE, SMALL, room

#: Attempts to place a group before the whole scene is drawn again.
TRIES = 20

#: An object while it is placed: left, top, side (pixels) and shape.
Part = tuple[int, int, int, int]


def within(rng: Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def shuffled(rng: Random, count: int) -> list[int]:
    """A permutation of `range(count)`."""
    numbers = list(range(count))
    for i in range(count - 1, 0, -1):
        j = within(rng, 0, i)
        numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers


def side(rng: Random, large: float = 0.4) -> int:
    """A side in pixels, from the large ones as often as `large` says."""
    sides = LARGE if rng.random() < large else SMALL
    return within(rng, sides[0], sides[-1])


def contained(rng: Random, outer: int, inner: int) -> list[Part]:
    """A small shape wholly within the outline of a large one."""
    while True:
        around, small = side(rng, 1.0), side(rng, 0.0)
        if places := room(outer, around, small):
            x, y = places[within(rng, 0, len(places) - 1)]
            return [(0, 0, around, outer), (x, y, small, inner)]


def stacked(rng: Random, lower: int, upper: int) -> list[Part]:
    """One shape standing on the middle of another."""
    below, above = side(rng), side(rng)
    x = (below - above) // 2 + within(rng, 0, 1)
    return [(0, above, below, lower), (x, 0, above, upper)]


def occluded(rng: Random, hidden: int, front: int) -> list[Part]:
    """One shape partly hidden by another; which sizes and which sides is left to chance."""
    while True:
        below, above = side(rng, 0.6), side(rng, 0.6)
        x, y = within(rng, 1 - above, below - 1), within(rng, 1 - above, below - 1)
        if overlap(above, front, below, hidden, x, y) == FRONT:
            return [(0, 0, below, hidden), (x, y, above, front)]


def linked(rng: Random, first: int, second: int) -> list[Part]:
    """Two shapes side by side, or one over the other, as far apart as the line between them asks for."""
    near, far = side(rng, 0.3), side(rng, 0.3)
    along = near + within(rng, *LINE)
    across = within(rng, -far - 4, near + 4)
    x, y = (along, across) if rng.random() < 0.5 else (across, along)
    return [(0, 0, near, first), (x, y, far, second)]


def place(rng: Random, group: list[Part], parts: list[Part], taken: list[Part]) -> bool:
    """Add a group to `parts` where it keeps its distance from the boxes `taken`; False if it finds no room.

    `taken` holds the box around every group so far, as left, top, right, bottom, and gains this one.
    """
    left, top = min(part[0] for part in group), min(part[1] for part in group)
    width = max(part[0] + part[2] for part in group) - left
    height = max(part[1] + part[2] for part in group) - top
    if width > SIZE - 2 or height > SIZE - 2:
        return False
    for _ in range(TRIES):
        x, y = within(rng, 1, SIZE - 1 - width), within(rng, 1, SIZE - 1 - height)
        if all(
            x - right >= APART or a - x - width >= APART or y - bottom >= APART or b - y - height >= APART
            for a, b, right, bottom in taken
        ):
            taken.append((x, y, x + width, y + height))
            parts += [(px - left + x, py - top + y, length, shape) for px, py, length, shape in group]
            return True
    return False
