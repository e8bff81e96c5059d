"""The six shapes as pixel stencils: exact, so that boxes are tight and overlaps can be counted.

Everything is integer arithmetic on doubled coordinates (a pixel's centre is odd), hence the same on every platform.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHAPES = ("circle", "square", "triangle", "diamond", "cross", "arrow")

#: Sides in pixels. The gap between the two ranges makes "small" and "large" a matter of sight, not of measuring.
SMALL = range(10, 15)
LARGE = range(20, 30)

Stencil = NDArray[np.bool_]


@cache
def stencil(shape: int, side: int) -> Stencil:
    """The pixels of a shape in its `side` x `side` box; it touches all four edges of the box."""
    v, u = (axis * 2 + 1 for axis in np.mgrid[:side, :side])
    across, down = abs(u - side), abs(v - side)
    filled: Any = (
        across**2 + down**2 <= side**2,
        across >= 0,
        2 * across <= v + 1,
        across + down <= side,
        (2 * across < side) | (2 * down < side),
        # an arrow that points up: a head of 11/20 of the height on a stem half as wide as the head
        ((11 * across <= 10 * v + 10) & (10 * v <= 11 * side)) | ((2 * across < side) & (10 * v > 11 * side)),
    )[shape]
    filled.setflags(write=False)
    return filled  # type: ignore[no-any-return]


@cache
def interior(shape: int, side: int) -> Stencil:
    """The shape without its outline: the pixels whose four neighbours are in the shape too."""
    padded = np.pad(stencil(shape, side), 1)
    inner: Stencil = padded[1:-1, 1:-1] & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return inner


@cache
def area(shape: int, side: int) -> int:
    """Pixels of the shape."""
    return int(stencil(shape, side).sum())


@cache
def room(shape: int, side: int, inner: int) -> tuple[tuple[int, int], ...]:
    """Where a box of side `inner` lies wholly within the shape's outline: offsets (x, y) from the shape's corner."""
    fill = interior(shape, side)
    free = range(side - inner + 1)
    return tuple((x, y) for y in free for x in free if fill[y : y + inner, x : x + inner].all())


@lru_cache(maxsize=1 << 17)
def shared(shape: int, side: int, other: int, other_side: int, dx: int, dy: int) -> int:
    """Pixels that two shapes share when the other's corner lies `dx`, `dy` pixels from the first one's."""
    x1, x2 = max(dx, 0), min(side, dx + other_side)
    y1, y2 = max(dy, 0), min(side, dy + other_side)
    if x1 >= x2 or y1 >= y2:
        return 0
    mine, theirs = stencil(shape, side), stencil(other, other_side)
    return int(np.count_nonzero(mine[y1:y2, x1:x2] & theirs[y1 - dy : y2 - dy, x1 - dx : x2 - dx]))
