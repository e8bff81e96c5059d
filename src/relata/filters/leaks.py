"""`leaks`: keeps images of a benchmark out of training data.

Images are compared by id and file name, in every spelling under which one photo goes about: `val2017/000000143961.jpg`,
`COCO_val2014_000000143961.jpg` and `143961` are the same. Two data sets that number their images alike collide; such a
scene is left out too, for a lost scene costs less than a leaked one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from relata.errors import RelataError
from relata.filters import Rejection
from relata.scene import Scene

_COCO = re.compile(r"^coco_[a-z]+\d{4}_(?=\d)")
_IMAGE = re.compile(r"\.(jpe?g|png|gif|bmp|webp|tiff?)$")


def key(name: str) -> str:
    """The spelling under which an image's id or file name is compared."""
    stem = _IMAGE.sub("", name.strip().replace("\\", "/").rpartition("/")[2].lower())
    stem = _COCO.sub("", stem)
    return stem.lstrip("0") or "0" if stem.isdigit() else stem


def keys(exclude: str | os.PathLike[str] | Iterable[str | int]) -> frozenset[str]:
    """The images to leave out: a list of ids or file names, or a text file with one per line.

    Raises:
        RelataError: if the file does not exist.
    """
    if isinstance(exclude, (str, os.PathLike)):
        path = Path(exclude)
        if not path.is_file():
            raise RelataError(
                f"exclude: {path} is no file; give a text file with one image id or file name per line, or a list"
            )
        exclude = path.read_text(encoding="utf-8").splitlines()
    return frozenset(key(name) for name in map(str, exclude) if name.strip())


def check(scene: Scene, excluded: frozenset[str]) -> Rejection | None:
    """Reject a scene whose image is excluded."""
    if excluded:
        for name in (scene.image, scene.id):
            if key(name) in excluded:
                return Rejection("excluded", name, id=scene.id)
    return None
