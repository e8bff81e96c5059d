"""Masks as COCO writes them: run lengths down the columns, first of zeros, then of ones, packed into a short string.

Packing (cocoapi, maskApi.c): from the fourth run on, each run is replaced by its difference to the run two before it;
every number is cut into 5-bit digits, lowest first, a sixth bit says that more follow, and 48 makes a printable letter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.scene import Box, Mask

#: A mask that claims more pixels than this is refused before memory is taken for it.
MOST_PIXELS = 2**28

#: Polygons are drawn on a grid this many times finer than the pixels.
FINE = 4


def rle_encode(mask: npt.NDArray[np.generic]) -> Mask:
    """Run lengths of a mask of shape (height, width); whatever is not zero belongs to it.

    Raises:
        RelataError: if the array has not two dimensions.
    """
    if mask.ndim != 2:
        raise RelataError(f"a mask has shape (height, width), not {mask.shape}")
    flat = (mask != 0).ravel(order="F")
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate(([0], starts, [flat.size])))
    if flat.size and flat[0]:
        counts = np.concatenate(([0], counts))
    return Mask(size=(mask.shape[0], mask.shape[1]), counts=_pack(counts))


def rle_decode(mask: Mask) -> npt.NDArray[np.bool_]:
    """The mask as an array of shape (height, width).

    Raises:
        RelataError: if the run lengths are damaged or do not fill the size.
    """
    height, width = mask.size
    counts = run_lengths(mask)
    ones = np.arange(len(counts)) % 2 == 1
    return np.repeat(ones, counts).reshape((height, width), order="F")


def rle_from_counts(counts: Sequence[int], height: int, width: int) -> Mask:
    """A mask from COCO's uncompressed run lengths (`iscrowd` annotations).

    Raises:
        RelataError: if the runs do not fill the size.
    """
    runs = np.asarray(counts, dtype=np.int64)
    _check(runs, height, width)
    return Mask(size=(height, width), counts=_pack(runs))


def rle_from_polygons(polygons: Sequence[Sequence[float]], height: int, width: int) -> Mask:
    """A mask from COCO polygons, each `[x1, y1, x2, y2, ...]` in pixels; their union is filled.

    Approximate: a pixel belongs to the mask when half of it does, judged on a grid `FINE` times finer drawn by Pillow;
    cocoapi walks the outline by a rule of its own, so masks differ by single pixels along the edge.

    Raises:
        RelataError: if a polygon has fewer than three points or one that is not finite.
    """
    from PIL import Image, ImageDraw

    _check_size(height, width)
    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise RelataError(f"a polygon needs an even count of six or more numbers, not {len(polygon)}")
    points = np.array([value for polygon in polygons for value in polygon], dtype=float).reshape(-1, 2)
    if not np.isfinite(points).all():
        raise RelataError("a polygon has a coordinate that is not finite")
    array = np.zeros((height, width), dtype=bool)
    left, top = np.clip(np.floor(points.min(axis=0, initial=np.inf)), 0, (width, height)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0, initial=-np.inf)), 0, (width, height)).astype(int).tolist()
    if left < right and top < bottom:  # only the part of the image that the polygons can reach is drawn
        canvas = Image.new("L", ((right - left) * FINE, (bottom - top) * FINE))
        draw = ImageDraw.Draw(canvas)
        for polygon in polygons:
            # a coordinate is the edge of a pixel in COCO and the centre of one in Pillow
            fine = (np.array(polygon).reshape(-1, 2) - (left, top)) * FINE - 0.5
            draw.polygon([(x, y) for x, y in fine.tolist()], fill=255)
        array[top:bottom, left:right] = np.asarray(canvas.reduce(FINE)) >= 128
    return rle_encode(array)


def rle_area(mask: Mask) -> int:
    """Count of pixels in the mask."""
    return int(run_lengths(mask)[1::2].sum())


def rle_box(mask: Mask) -> Box | None:
    """The tight box around the mask in pixels, or None if the mask is empty."""
    array = rle_decode(mask)
    xs, ys = np.flatnonzero(array.any(axis=0)), np.flatnonzero(array.any(axis=1))
    if not len(xs):
        return None
    return Box(float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))


def _pack(counts: npt.NDArray[np.int64]) -> str:
    left = counts.copy()
    left[3:] -= counts[1:-2]
    letters, used = [], []
    active = np.ones(len(left), dtype=bool)
    while active.any():
        digit = left & 31
        left = left >> 5
        more = left != np.where(digit & 16, -1, 0)  # the top bit of the last digit is the sign
        letters.append(digit + 32 * more + 48)
        used.append(active)
        active = active & more
    return np.stack(letters, 1)[np.stack(used, 1)].astype(np.uint8).tobytes().decode("ascii") if letters else ""


def run_lengths(mask: Mask) -> npt.NDArray[np.int64]:
    """Lengths of a mask's runs in pixels, column by column: background first, then in turn.

    Raises:
        RelataError: if the string is damaged, or the runs do not fill the size.
    """
    letters = np.frombuffer(mask.counts.encode("utf-8"), dtype=np.uint8).astype(np.int64) - 48
    if len(letters) and (letters.min() < 0 or letters.max() > 63 or letters[-1] & 32):
        raise RelataError("mask counts are damaged: not a run-length string as COCO packs it")
    ends = np.flatnonzero(letters & 32 == 0)
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    place = 5 * (np.arange(len(letters)) - np.repeat(starts, ends - starts + 1))
    if len(place) and place.max() > 50:
        raise RelataError("mask counts are damaged: a run is longer than any image")
    values: npt.NDArray[np.int64] = np.add.reduceat((letters & 31) << place, starts) if len(ends) else ends
    values -= (letters[ends] & 16) << (place[ends] + 1)  # the sign
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    _check(values, *mask.size)
    return values


def _check(counts: npt.NDArray[np.int64], height: int, width: int) -> None:
    _check_size(height, width)
    pixels = height * width
    # each run is checked too, so that no sum of absurd runs can wrap around to the right one
    if ((counts < 0) | (counts > pixels)).any() or counts.sum() != pixels:
        raise RelataError(f"mask runs do not fill its size of {height} x {width} pixels")


def _check_size(height: int, width: int) -> None:
    if height < 0 or width < 0 or height * width > MOST_PIXELS:
        raise RelataError(f"a mask of {height} x {width} pixels is refused; at most {MOST_PIXELS} pixels are read")
