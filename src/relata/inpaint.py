"""A hole in a photo is filled with what may have been behind it: a piece of the photo, its shades fitted to the edge.

Of many pieces of the hole's shape, the one whose surroundings are most like those of the hole is copied in; then the
difference that is left along the edge is spread over the hole and taken out, as in seamless cloning (Perez et al.,
2003). Small, deterministic, and good enough that the eye is not drawn to the place.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Pixels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Pixels around the hole that are compared.
_RING = 6
#: Most shifts that are tried along each axis, and most points at which each is tried.
_SHIFTS = 41
_POINTS = 500
#: Cost of a piece that shows nothing but other objects, in squared grey levels.
_AVOID = 4_000.0
#: Cost of a piece from the other end of the picture, top or bottom: photos are layered, ground below and sky above.
_LAYERS = 4_000.0
#: Rounds of smoothing on each scale.
_ROUNDS = 12


def fill(pixels: Pixels, hole: Bools, avoid: Bools | None = None) -> Pixels:
    """The picture with the hole filled.

    Args:
        pixels: shape (height, width, 3).
        hole: shape (height, width).
        avoid: what the hole should rather not be filled with; shape (height, width).
    """
    if not hole.any() or hole.all():
        return pixels.copy()
    ring = ndimage.binary_dilation(hole, iterations=_RING) & ~hole
    shift = _shift(pixels, hole, ring, np.zeros_like(hole) if avoid is None else avoid & ~hole)
    area = _around(hole | ring)
    here = pixels[area].astype(np.float64)
    inside, known = hole[area], ring[area]
    piece = np.zeros_like(here)
    if shift is not None:
        ys, xs = np.nonzero((hole | ring)[area])
        down, across = area[0].start + shift[0], area[1].start + shift[1]
        piece[ys, xs] = pixels[ys + down, xs + across]
    piece[inside] += spread(here - piece, known)[inside]
    out = pixels.copy()
    out[area][inside] = piece[inside].round().clip(0, 255).astype(np.uint8)
    return out


def spread(values: Floats, known: Bools) -> Floats:
    """Values where they are known, and as smooth as can be in between.

    Each scale is filled from the next coarser one and smoothed.

    Args:
        values: shape (height, width, channels).
        known: shape (height, width), true at least once.
    """
    if known.all():
        return values
    height, width = known.shape
    pad = ((0, height % 2), (0, width % 2))
    weights = np.pad(known, pad).astype(np.float64)
    sums = np.pad(np.where(known[..., None], values, 0), (*pad, (0, 0)))
    if max(height, width) > 1:
        count = weights.reshape(weights.shape[0] // 2, 2, -1, 2).sum(axis=(1, 3))
        total = sums.reshape(sums.shape[0] // 2, 2, -1, 2, values.shape[2]).sum(axis=(1, 3))
        coarse = spread(total / np.maximum(count, 1)[..., None], count > 0)
        values = np.where(known[..., None], values, coarse.repeat(2, 0).repeat(2, 1)[:height, :width])
    for _ in range(_ROUNDS):
        edged = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
        mean = (edged[:-2, 1:-1] + edged[2:, 1:-1] + edged[1:-1, :-2] + edged[1:-1, 2:]) / 4
        values = np.where(known[..., None], values, mean)
    return values


def _around(shape: Bools) -> tuple[slice, slice]:
    ys, xs = np.flatnonzero(shape.any(axis=1)), np.flatnonzero(shape.any(axis=0))
    return slice(int(ys[0]), int(ys[-1]) + 1), slice(int(xs[0]), int(xs[-1]) + 1)


def _shift(pixels: Pixels, hole: Bools, ring: Bools, avoid: Bools) -> tuple[int, int] | None:
    """How far away, down and to the right, the best piece lies; None if the hole is too large for any."""
    height, width = hole.shape
    rows, columns = _around(hole | ring)
    downs = _steps(-rows.start, height - rows.stop)
    acrosses = _steps(-columns.start, width - columns.stop)
    rings, holes = _points(ring), _points(hole)
    edge = pixels[rings[0], rings[1]].astype(np.float64)
    costs = []
    for down in downs.tolist():  # all shifts across at once: axes are shift, point, channel
        ring_at = rings[0] + down, rings[1] + acrosses[:, None]
        hole_at = holes[0] + down, holes[1] + acrosses[:, None]
        cost = ((pixels[ring_at] - edge) ** 2).mean(axis=(1, 2)) + _AVOID * avoid[hole_at].mean(axis=1)
        free = ~(hole[ring_at].any(axis=1) | hole[hole_at].any(axis=1))
        layer = _LAYERS * abs(down) / height
        costs += [(layer + c, down, across) for c, across in zip(cost[free].tolist(), acrosses[free].tolist())]
    ys, xs = np.nonzero(hole | ring)
    for _, down, across in sorted(costs):
        if not hole[ys + down, xs + across].any():  # the points above are a sample only
            return down, across
    return None


def _steps(least: int, most: int) -> Ints:
    return np.unique(np.linspace(least, most, _SHIFTS).round().astype(np.int64))


def _points(shape: Bools) -> tuple[Ints, Ints]:
    """An even sample of the pixels of a shape: rows and columns."""
    ys, xs = np.nonzero(shape)
    step = max(1, len(ys) // _POINTS)
    return ys[::step], xs[::step]
