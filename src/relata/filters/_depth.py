"""What is nearer: by depth maps, one file per image as published estimators write them, or by masks that cut into each
other."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from relata import images
from relata.errors import RelataError
from relata.geometry import rle_decode
from relata.scene import Mask, Region, Scene

#: A map may be smaller or larger than its image, but its proportions may differ by this much only.
_SKEW = 0.05


class Depth(NamedTuple):
    """Nearness of every pixel, larger is nearer, and the distance between the 2nd and 98th percentile."""

    near: npt.NDArray[np.float32]
    range: float
    width: int
    """Of the image in pixels."""
    height: int

    @classmethod
    def read(cls, folder: Path, scene: Scene, near_is: str) -> Depth:
        """The map of a scene's image: `<name of the image without ending>.png` or `.npy`, of any size.

        Raises:
            RelataError: if it is missing, damaged, flat, or of other proportions than the image.
        """
        if near_is not in ("large", "small"):
            raise RelataError(f"near_is is {near_is!r}; write large or small: which values of a depth map are near")
        stem = Path(scene.image).stem
        path = next((p for p in (folder / f"{stem}.png", folder / f"{stem}.npy") if p.is_file()), None)
        if path is None:
            raise RelataError(f"scene {scene.id}: no depth map {stem}.png or {stem}.npy in {folder}")
        values = _values(path)
        if values.ndim != 2 or min(values.shape) == 0 or not np.isfinite(values).all():
            raise RelataError(f"{path}: a depth map is one finite number per pixel, not an array of {values.shape}")
        skew = (values.shape[1] / values.shape[0]) / (scene.width / scene.height)
        if not 1 / (1 + _SKEW) <= skew <= 1 + _SKEW:
            size = f"{values.shape[1]} x {values.shape[0]}"
            raise RelataError(f"{path} is {size}, but the image of {scene.id} is {scene.width} x {scene.height}")
        low, high = np.percentile(values, (2, 98))
        if high <= low:
            low, high = values.min(), values.max()
        if high <= low:
            raise RelataError(f"{path}: the depth map is flat, so nothing is in front of anything")
        return cls(values if near_is == "large" else -values, float(high - low), scene.width, scene.height)


def _values(path: Path) -> npt.NDArray[np.float32]:
    try:
        if path.suffix == ".npy":
            # mapped, so that a header that claims more than there is takes no memory
            values = np.load(images.inside(path.parent, path.name), mmap_mode="r", allow_pickle=False)
            if values.size > images.LIMITS.pixels:
                raise RelataError(f"{values.size:,} values; up to {images.LIMITS.pixels:,} are read")
            return np.asarray(values, dtype=np.float32).squeeze()
        with images.opened(images.read(path.name, path.parent), path.name) as image:
            whole = image if image.mode in ("I", "I;16", "F", "L") else image.convert("L")
            return np.asarray(whole, dtype=np.float32)
    except (RelataError, OSError, ValueError, EOFError) as error:  # what NumPy says of a damaged file
        raise RelataError(f"{path} cannot be read as a depth map: {error}") from error


def median(depth: Depth, region: Region) -> float:
    """The median nearness of a region: under its mask where it has one, else in its box."""
    rows, columns = depth.near.shape
    x, y = columns / depth.width, rows / depth.height
    box = region.box
    left, top = min(int(box.x1 * x), columns - 1), min(int(box.y1 * y), rows - 1)
    right, bottom = max(left + 1, round(box.x2 * x)), max(top + 1, round(box.y2 * y))
    if region.mask is not None:
        mask = rle_decode(region.mask)
        at_y = _sampled(rows, mask.shape[0])[top:bottom]
        at_x = _sampled(columns, mask.shape[1])[left:right]
        under = depth.near[top:bottom, left:right][mask[np.ix_(at_y, at_x)]]
        if under.size:
            return float(np.median(under))
    return float(np.median(depth.near[top:bottom, left:right]))


@cache
def _sampled(count: int, of: int) -> npt.NDArray[np.int64]:
    """For each of `count` pixels, the pixel in the same place of a mask `of` so many."""
    return ((np.arange(count) + 0.5) * of / count).astype(np.int64)


def hides(first: Mask, second: Mask) -> float:
    """How much more the first thing stands before the second than the other way round, -1 to 1.

    A thing that is partly hidden has a piece cut out of its mask. What lies between two pixels of a mask in a row or a
    column belongs to that thing or hides it; this counts the other's pixels there, in shares of the smaller mask.
    """
    a, b = rle_decode(first), rle_decode(second)
    if a.shape != b.shape or not (a.any() and b.any()):
        return 0.0
    before, behind = (_spanned(b) & a).sum(), (_spanned(a) & b).sum()
    return float(before - behind) / float(min(a.sum(), b.sum()))


def _spanned(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels between two of a mask, in a row or in a column."""
    spans = np.zeros_like(mask)
    for axis in (0, 1):
        after = np.logical_or.accumulate(mask, axis)
        before = np.flip(np.logical_or.accumulate(np.flip(mask, axis), axis), axis)
        spans |= after & before
    return spans
