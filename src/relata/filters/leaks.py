"""`leaks`: keeps images of a benchmark out of training data, by id and by what they look like.

Images are compared by id and file name, in every spelling under which one photo goes about: `val2017/000000143961.jpg`,
`COCO_val2014_000000143961.jpg` and `143961` are the same. Two data sets that number their images alike collide; such a
scene is left out too, for a lost scene costs less than a leaked one.

A photo that was renamed, resized or encoded anew is found by its perceptual hash (see `phash`), given the benchmark's
pictures; docs/filters.md has the rates that were measured.

Reasons: `excluded` (by name), `looks-alike` (by hash).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from relata import phash
from relata.errors import RelataError
from relata.filters import Rejection
from relata.scene import Scene

#: Hashes of 64 bits that differ in no more bits than this are of one photo.
BITS = 8

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


def check(
    scene: Scene,
    exclude: frozenset[str] | str = frozenset(),
    *,
    pictures: str = "",
    images: str = "",
    bits: int = BITS,
    mirror: bool = False,
) -> Rejection | None:
    """Reject a scene whose image is excluded.

    Args:
        exclude: what `keys` gave, or a text file of ids and file names.
        pictures: a folder of a benchmark's images; scenes that bear their names, or show them, are rejected.
        images: the folder that the scenes' image paths are relative to; needed with `pictures`.
        bits: the most bits in which the hashes of one photo differ.
        mirror: find mirrored copies too.

    Raises:
        RelataError: on a file or folder that is not there, or a picture that cannot be read.
    """
    if pictures and not images:
        raise RelataError("leaks: to compare pictures, name the folder of the scenes' images too")
    excluded = _listed(exclude) if isinstance(exclude, str) else exclude
    shown = _benchmark(pictures, bits) if pictures else None
    for name in (scene.image, scene.id) if excluded or shown else ():
        if key(name) in excluded or (shown and key(name) in shown.keys):
            return Rejection("excluded", name, id=scene.id)
    if shown:
        grey = phash.read(scene.image, Path(images))
        near = shown.hashes.near([phash.bits(grey), *([phash.bits(grey, mirror=True)] if mirror else [])])
        if near:
            return Rejection("looks-alike", f"{near.name}: {near.distance} of 64 bits differ", id=scene.id)
    return None


class _Benchmark(NamedTuple):
    keys: frozenset[str]
    hashes: phash.Index


@lru_cache(maxsize=4)
def _listed(exclude: str) -> frozenset[str]:
    return keys(exclude) if exclude else frozenset()


@lru_cache(maxsize=4)
def _benchmark(pictures: str, radius: int) -> _Benchmark:
    """The pictures of a folder, by name and by hash; read once."""
    folder = Path(pictures)
    if not folder.is_dir():
        raise RelataError(f"pictures: {folder} is no folder; give the folder of the benchmark's images")
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if _IMAGE.search(p.name.lower()))
    if not names:
        raise RelataError(f"pictures: {folder} holds no images; give the folder of the benchmark's images")
    greys = ((name, phash.read(name, folder)) for name in names)
    hashes = [(name, phash.bits(grey, part)) for name, grey in greys for part in (phash.WHOLE, *phash.CROPS)]
    return _Benchmark(frozenset(map(key, names)), phash.Index(hashes, radius))
