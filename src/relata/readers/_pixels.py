"""Regions out of pictures whose pixels are labels: masks of defects, label maps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from relata import images
from relata.errors import RelataError, Unsafe
from relata.geometry import rle_encode
from relata.scene import Box, Mask


def label_map(
    path: Path, size: tuple[int, int] | None = None, mode: str = "", root: Path | None = None
) -> npt.NDArray[np.uint8]:
    """The pixels of a picture of labels, shape (height, width), or (height, width, channels) in the mode `RGB`.

    Args:
        size: width and height of the photo that it belongs to, checked before any pixel is decoded.
        mode: Pillow's mode to convert to; as stored, if it is not given (a palette's indices, not its colours).
        root: the folder that it may not lead out of, where data name it; None: the user named it.

    Raises:
        RelataError: if it is missing, damaged, beyond the limits of `relata.images`, or of another size.
    """
    try:
        real = path.resolve() if root is None else path.absolute()
        data = images.read(str(real), root or real.parent)
        with images.opened(data, path.name) as image:
            if size is not None and image.size != size:
                has = f"{image.size[0]} x {image.size[1]}"
                raise RelataError(f"{path} is {has} pixels, its photo {size[0]} x {size[1]}; take the one of the photo")
            return np.asarray(image.convert(mode) if mode else image)
    except Unsafe as error:
        told = "does not exist" if error.reason == "missing" else f"cannot be opened ({error})"
        raise RelataError(f"{path} {told}") from error


def blobs(mask: npt.NDArray[np.bool_]) -> Iterator[tuple[Box, Mask]]:
    """The connected parts of a mask, touching at corners included, with the tight box of each; by the first row and
    then the first column of each."""
    from scipy import ndimage

    parts, _ = ndimage.label(mask, structure=np.ones((3, 3), dtype=int))
    for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
        alone = np.zeros(mask.shape, dtype=bool)
        alone[rows, columns] = parts[rows, columns] == number
        yield Box(columns.start, rows.start, columns.stop, rows.stop), rle_encode(alone)


def tight(mask: npt.NDArray[np.bool_]) -> Box:
    """The tight box around a mask that is not empty."""
    xs, ys = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return Box(int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1)
