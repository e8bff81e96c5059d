"""Photos of goods with the masks of their defects, for `mvtec` and `magnetic_tile`."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from relata.geometry import rle_area
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Item
from relata.readers._photos import Photos
from relata.readers._pixels import blobs, label_map

NORMAL, ABNORMAL = "normal", "abnormal"

#: A pixel belongs to a defect from this value on: masks saved as JPEG, or resized, have greys along the edge.
WHITE = 128


class Sample(NamedTuple):
    """A photo, what it shows, and where the mask of its defect lies, if it has one."""

    photo: Path
    name: str
    """The photo's path as scenes give it, from the data set's folder on."""
    product: str
    defect: str
    """In words; empty for a normal one."""
    mask: Path | None
    split: str = ""


def scene(sample: Sample, source: str, photos: Photos, smallest: int) -> Item:
    """The scene of one photo: a region per connected part of the mask, of at least so many pixels; labels of the image
    are the product, and `normal` or `abnormal`.

    Raises:
        RelataError: if the photo or its mask cannot be opened, or they differ in size.
    """
    draft = Draft(short(sample.photo), source)
    beside = Photos(sample.photo.parent).look_up(sample.photo.name)
    photo = beside._replace(image=photos.path(sample.name))
    if sample.mask is not None:
        white = label_map(sample.mask, (photo.width, photo.height), "L") >= WHITE
        parts = [(box, mask) for box, mask in blobs(white) if rle_area(mask) >= smallest]
        for number, (box, mask) in enumerate(parts):
            draft.region(number, sample.defect, box.tuple(), mask=mask)
        if not parts:
            draft.problem("mask", f"{sample.mask} has no part of at least {smallest} pixels")
    told = {"product": sample.product, "defect": sample.defect, "split": sample.split}
    more = {name: value for name, value in told.items() if value}
    labels = (sample.product, ABNORMAL if sample.defect else NORMAL)
    id = Path(sample.name).with_suffix("").as_posix()
    return draft.finish(id, photo, short(sample.photo), labels=tuple(filter(None, labels)), provenance=more)
