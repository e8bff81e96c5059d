"""Masks out of published segmentations: polygons, run lengths, panoptic PNGs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from relata.errors import RelataError
from relata.geometry import rle_area, rle_encode, rle_from_counts, rle_from_polygons
from relata.readers._draft import Draft
from relata.readers._json import decode
from relata.readers._photos import Photo
from relata.readers._pixels import label_map
from relata.scene import Mask

#: No image has more pixels.
_Run = Annotated[int, msgspec.Meta(ge=0, le=2**40)]


class _Runs(msgspec.Struct):
    size: tuple[int, int]
    counts: str | list[_Run]


def segmentation(raw: msgspec.Raw, width: int, height: int) -> Mask | None:
    """The mask of a COCO annotation: polygons in pixels, or run lengths, packed or not; None if there is none.

    Raises:
        RelataError: if it is neither, or does not fit the image.
    """
    if not bytes(raw).strip(b"[] \n\tnul"):
        return None
    shape: list[list[float]] | _Runs = decode(raw, list[list[float]] | _Runs)  # type: ignore[arg-type]
    if isinstance(shape, list):
        return rle_from_polygons(shape, height, width)
    if shape.size != (height, width):
        raise RelataError(
            f"mask of {shape.size[0]} x {shape.size[1]} pixels (height x width) in a {height} x {width} image"
        )
    if isinstance(shape.counts, str):
        mask = Mask(shape.size, shape.counts)
        rle_area(mask)  # raises on damaged run lengths
        return mask
    return rle_from_counts(shape.counts, height, width)


def segments(draft: Draft, path: Path, root: Path, ids: Sequence[int], photo: Photo) -> dict[int, Mask]:
    """The masks of panoptic segments by id, from a PNG whose pixels are ids: R + 256 G + 65536 B.

    What cannot be found, or lies outside `root`, is reported to the draft: it costs the masks, not the regions.
    """
    try:
        pixels = label_map(path, (photo.width, photo.height), "RGB", root)
    except RelataError as error:
        draft.problem("masks", str(error))
        return {}
    numbers = pixels @ np.array([1, 256, 65536], dtype=np.uint32)
    here = set(np.unique(numbers).tolist())
    for id in ids:
        if id not in here:
            draft.problem(f"mask of segment {id}", f"no pixel of {path} has this id")
    return {id: rle_encode(numbers == id) for id in ids if id in here}
