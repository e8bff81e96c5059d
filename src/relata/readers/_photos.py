"""Photos of a reading: where they lie, how large they are, and which names mean the same photo."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from relata.errors import RelataError
from relata.images import inside
from relata.scene import Scene
from relata.sniff import FORMATS

#: COCO renamed its photos in 2017 (`COCO_train2014_000000000165.jpg` became `000000000165.jpg`) and moved some from one
#: split to the other; the twelve digits never changed.
_COCO = re.compile(r"(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})\.(?:jpg|jpeg|png)", re.IGNORECASE)


#: A box that ends further from the corner than this says nothing about the size of its photo.
MOST_SIDE = 100_000


class Photo(NamedTuple):
    """Path and size in pixels as they go into a scene; `origin` marks a size that is not known for certain."""

    image: str
    width: int
    height: int
    origin: dict[str, str]


def coco_number(name: str) -> str | None:
    """The twelve digits that name a COCO photo, or None for any other photo."""
    match = _COCO.fullmatch(name.rsplit("/", 1)[-1])
    return match[1] if match else None


def same_photo(scene: Scene) -> str:
    """What tells photos apart when readings are merged: COCO's twelve digits, or else the image's path as written."""
    return coco_number(scene.image) or scene.image


class Photos:
    """The folder of photos that the user named, if any. Nothing is opened before a size is needed."""

    def __init__(self, images: Path | None) -> None:
        self.images = images

    def path(self, name: str) -> str:
        """Path of a photo relative to the folder: as published if it lies there, else the same photo found anywhere
        below the folder, under its 2014 or 2017 name; as published if there is none."""
        if self.images is None or os.path.isfile(self.images / name):
            return name
        return self._index.get(_key(name)) or name

    def has(self, name: str) -> bool:
        """Whether a photo of this name, or the same photo under another one, lies in the folder."""
        return self.images is not None and os.path.isfile(self.images / self.path(name))

    def look_up(
        self,
        name: str,
        size: tuple[int, int] | None = None,
        boxes: Iterable[Sequence[float]] = (),
        assume: tuple[int, int] | None = None,
    ) -> Photo:
        """Image and size, from the first of these that tells it: `size`, the annotation's; the photo's header;
        `assume`, the user's; if no folder of photos was named, the extent of `boxes` (x1, y1, x2, y2).

        Raises:
            RelataError: if none of these tells the size.
        """
        image = self.path(name)
        if size is not None:
            return Photo(image, *size, {})
        if self.images is not None and (assume is None or os.path.isfile(self.images / image)):
            return Photo(image, *_header(inside(self.images, image)), {})
        if assume is not None:
            return Photo(image, *assume, {"size": "assumed"})
        ends = [(x2, y2) for _, _, x2, y2 in boxes if 0 < x2 < MOST_SIDE and 0 < y2 < MOST_SIDE]
        if not ends:
            raise RelataError(f"the annotation does not give the size of {name}; name the folder of photos")
        width, height = (math.ceil(max(side)) for side in zip(*ends))
        return Photo(image, width, height, {"size": "boxes"})

    @cached_property
    def _index(self) -> dict[str, str]:
        assert self.images is not None
        found: dict[str, str] = {}
        twice = set()
        for folder, folders, names in os.walk(self.images):
            folders.sort()
            for name in sorted(names):
                path = (Path(folder) / name).relative_to(self.images).as_posix()
                if found.setdefault(_key(name), path) != path and coco_number(name) is None:
                    twice.add(_key(name))  # the same name in two folders may be two photos: no guessing
        return {key: path for key, path in found.items() if key not in twice}


def scaled(box: Sequence[float], width: int, height: int) -> tuple[float, float, float, float]:
    """A box in shares of the image (0..1) in pixels."""
    x1, y1, x2, y2 = box
    return x1 * width, y1 * height, x2 * width, y2 * height


def pixels(size: str) -> tuple[int, int] | None:
    """The option `size`, `640x480`, as width and height; None if it is not given.

    Raises:
        RelataError: if it is written otherwise.
    """
    if not size:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", size)
    if match is None:
        raise RelataError(f"option size is {size!r}; write width x height in pixels, e.g. 640x480")
    return int(match[1]), int(match[2])


def _key(name: str) -> str:
    return coco_number(name) or PurePosixPath(name).name


def _header(path: Path) -> tuple[int, int]:
    from PIL import Image

    if not os.path.isfile(path):
        raise RelataError(f"photo {path} does not exist, and the annotation does not give its size")
    try:
        with Image.open(path, formats=FORMATS) as image:  # reads the header only; pixels are decoded on access
            return image.size
    except (OSError, Image.DecompressionBombError) as error:
        raise RelataError(f"photo {path} cannot be opened ({error}), so its size is unknown") from error
