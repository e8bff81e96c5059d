"""`yolo`: a text file per photo, a line `class cx cy w h` per object: centre and sides in shares of the image.

Classes are named by the data set's YAML file, `names:` as a list or by number; it lies in the folder of the text files
or up to two folders above. A text file has the name of its photo. Region ids are line numbers, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Records, Rejected
from relata.readers._photos import Photo, Photos, pixels, scaled

FILES = ("*.txt", "*/*.txt")


def join(files: Sequence[Path], images: Path | None, *, size: str = "") -> Records:
    """One scene per text file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos = Photos(images)
    assumed = pixels(size)
    names: dict[Path, dict[int, str]] = {}
    for path in files:
        if path.parent not in names:
            names[path.parent] = _names(path.parent)
        draft = Draft(short(path), "yolo")
        try:
            photo = photos.look_up(f"{path.stem}.jpg", assume=assumed)
            for number, line in enumerate(path.read_text("utf-8").splitlines()):
                _line(draft, number, line, names[path.parent], photo)
            yield draft.finish(path.stem, photo, short(path))
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return len(files)


def _line(draft: Draft, number: int, line: str, names: dict[int, str], photo: Photo) -> None:
    if not line.strip():
        return
    try:
        index, (cx, cy, w, h) = int(line.split()[0]), map(float, line.split()[1:])
    except ValueError:
        draft.problem(f"line {number}", f"{line!r} is not written as: class cx cy w h")
        return
    if index in names:
        box = scaled((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2), photo.width, photo.height)
        draft.region(number, names[index], box)
    else:
        draft.problem(f"line {number}", f"has class {index}, but the YAML file names {len(names)} classes")


def _names(folder: Path) -> dict[int, str]:
    for place in [folder, *folder.parents][:3]:
        for path in sorted([*place.glob("*.yaml"), *place.glob("*.yml")]):
            names = (yaml.safe_load(path.read_text("utf-8")) or {}).get("names")
            if names:
                return dict(enumerate(names)) if isinstance(names, list) else {int(k): v for k, v in names.items()}
    raise RelataError(f"no YAML file with `names:` in {folder} or above it; put the data set's own beside the labels")
