"""Masks out of published segmentations: polygons, run lengths, panoptic PNGs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from relata.errors import RelataError
from relata.geometry import rle_encode, rle_from_counts, rle_from_polygons
from relata.readers._json import decode
from relata.scene import Mask


class _Runs(msgspec.Struct):
    size: tuple[int, int]
    counts: str | list[int]


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
        return Mask(shape.size, shape.counts)
    return rle_from_counts(shape.counts, height, width)


def segments(path: Path, ids: Iterable[int], width: int, height: int) -> dict[int, Mask]:
    """The masks of panoptic segments by id, from a PNG whose pixels are ids: R + 256 G + 65536 B.

    Raises:
        RelataError: if the PNG is missing, damaged or of another size.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"), dtype=np.uint32)
    except FileNotFoundError as error:
        raise RelataError(f"panoptic PNG {path} does not exist; the regions have no masks") from error
    except (UnidentifiedImageError, OSError) as error:
        raise RelataError(f"panoptic PNG {path} cannot be opened ({error}); the regions have no masks") from error
    if pixels.shape[:2] != (height, width):
        raise RelataError(f"panoptic PNG {path} is {pixels.shape[1]} x {pixels.shape[0]}, the image {width} x {height}")
    numbers = pixels @ np.array([1, 256, 65536], dtype=np.uint32)
    here = set(np.unique(numbers).tolist())
    return {id: rle_encode(numbers == id) for id in ids if id in here}
