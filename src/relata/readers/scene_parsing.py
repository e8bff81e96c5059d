"""`scene_parsing`: ADE20K for scene parsing: a PNG of 150 labels per photo, `annotations/training/*.png`.

The value of a pixel is a line number of `objectInfo150.txt`, which lies up to three folders above; 0 is nothing. Each
connected part of a label is a region with its mask: touching objects of one kind are one region, and a wall cut by a
column is two. Of a name with synonyms the first is the label. The kind of scene (`sceneCategories.txt`) is a label of
the image. Region ids are positions, label by label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from relata.errors import RelataError
from relata.geometry import rle_area
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos
from relata.readers._pixels import blobs, label_map

FILES = ("annotations/*/*.png", "*/*.png", "*.png")

_NAMES = "objectInfo150.txt"


def join(files: Sequence[Path], images: Path | None, *, smallest: int = 1) -> Records:
    """One scene per PNG.

    Args:
        smallest: leave out parts of fewer pixels; borders are full of specks.
    """
    photos = Photos(images)
    roots = {folder: _root(folder) for folder in dict.fromkeys(path.parent for path in files)}
    names = {root: _names(root / _NAMES) for root in dict.fromkeys(roots.values())}
    kinds = {root: _kinds(root / "sceneCategories.txt") for root in names}
    for path in files:
        root = roots[path.parent]
        try:
            yield _scene(path, names[root], kinds[root].get(path.stem), photos, smallest)
        except RelataError as error:
            yield Rejected(short(path), str(error))
    return len(files)


def _scene(path: Path, names: Mapping[int, str], kind: str | None, photos: Photos, smallest: int) -> Item:
    draft = Draft(short(path), "scene_parsing")
    labels = label_map(path)
    if labels.ndim != 2:
        raise RelataError(f"{path} has colours, not one label per pixel; take the PNGs of the scene parsing benchmark")
    number = 0
    for value in np.unique(labels).tolist():
        if value == 0:
            continue
        if value not in names:
            draft.problem(f"label {value}", f"{_NAMES} names {len(names)} labels, and not this one")
            continue
        for box, mask in blobs(labels == value):
            if rle_area(mask) >= smallest:
                draft.region(number, names[value], box.tuple(), mask=mask)
                number += 1
    name = f"images/{path.parent.name}/{path.stem}.jpg"
    photo = photos.look_up(name, (labels.shape[1], labels.shape[0]))
    return draft.finish(path.stem, photo, short(path), labels=(kind,) if kind else ())


def _root(folder: Path) -> Path:
    for place in [folder, *folder.parents][:4]:
        if (place / _NAMES).is_file():
            return place
    raise RelataError(f"no {_NAMES} in {folder} or above it; it names the labels, put it back")


def _names(path: Path) -> dict[int, str]:
    """Columns: number, share, training photos, validation photos, stuff, names."""
    found = {}
    for line in path.read_text("utf-8", errors="backslashreplace").splitlines():
        fields = line.split("\t")
        if len(fields) >= 6 and fields[0].strip().isdigit():
            found[int(fields[0])] = fields[5].replace(";", ",").split(",")[0].strip()
    if not found:
        raise RelataError(f"{path}: no line has six fields with tabs between them; fetch the file again")
    return found


def _kinds(path: Path) -> dict[str, str]:
    """The kind of scene by photo; not all releases have it."""
    if not path.is_file():
        return {}
    pairs = (line.split() for line in path.read_text("utf-8", errors="backslashreplace").splitlines())
    return {pair[0]: pair[1].replace("_", " ") for pair in pairs if len(pair) == 2}
