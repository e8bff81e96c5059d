"""`yolo`: a text file per photo, a line `class cx cy w h` per object: centre and sides in shares of the image.

Classes are named by the data set's YAML file, `names:` as a list or by number, or line by line by `classes.txt` or
`obj.names`; it lies in the folder of the text files or up to three folders above. A text file is named as its photo. A
line with more numbers is a polygon, x and y in turn; its box is the extent. Region ids are line numbers, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Records, Rejected
from relata.readers._photos import Photo, Photos, pixels, scaled

FILES = ("*.txt", "*/*.txt", "labels/*/*.txt")

_NAMES = ("classes.txt", "obj.names")
#: Texts that are no labels, and lie beside them.
_OTHERS = {
    *_NAMES,
    "train.txt",
    "val.txt",
    "test.txt",
    "autosplit_train.txt",
    "autosplit_val.txt",
    "autosplit_test.txt",
}
_PICTURES = ("jpg", "png", "jpeg", "JPG", "bmp", "webp")


def join(files: Sequence[Path], images: Path | None, *, size: str = "") -> Records:
    """One scene per text file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos = Photos(images)
    assumed = pixels(size)
    names: dict[Path, dict[int, str]] = {}
    labels = [path for path in files if path.name not in _OTHERS]
    for path in labels:
        if path.parent not in names:
            names[path.parent] = _names(path.parent)
        draft = Draft(short(path), "yolo")
        try:
            photo = photos.look_up(_picture(path.stem, photos), assume=assumed)
            for number, line in enumerate(_text(path).split("\n")):
                _line(draft, number, line, names[path.parent], photo)
            yield draft.finish(path.stem, photo, short(path))
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return len(labels)


def _picture(stem: str, photos: Photos) -> str:
    """The photo's name with the ending that it has, as far as photos are at hand."""
    names = [f"{stem}.{end}" for end in _PICTURES]
    return next((name for name in names if photos.has(name)), names[0])


def _line(draft: Draft, number: int, line: str, names: dict[int, str], photo: Photo) -> None:
    if not line.strip():
        return
    try:
        index, values = int(line.split()[0]), [float(word) for word in line.split()[1:]]
        box = _box(values)
    except ValueError:
        draft.problem(f"line {number}", f"{line!r} is not written as: class cx cy w h, or class and a polygon")
        return
    if index in names:
        draft.region(number, names[index], scaled(box, photo.width, photo.height))
    else:
        draft.problem(f"line {number}", f"has class {index}, but {len(names)} classes are named")


def _box(values: list[float]) -> tuple[float, float, float, float]:
    if len(values) >= 6 and len(values) % 2 == 0:
        xs, ys = values[::2], values[1::2]
        return min(xs), min(ys), max(xs), max(ys)
    cx, cy, w, h = values
    return cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def _names(folder: Path) -> dict[int, str]:
    for place in [folder, *folder.parents][:4]:
        for path in sorted([*place.glob("*.yaml"), *place.glob("*.yml")]):
            if named := _configured(path):
                return named
        for path in (place / name for name in _NAMES):
            if path.is_file():
                return dict(enumerate(filter(None, map(str.strip, _text(path).split("\n")))))
    raise RelataError(
        f"no YAML file with `names:`, and no {' or '.join(_NAMES)}, in {folder} or above it;"
        " put the data set's own beside the labels"
    )


def _configured(path: Path) -> dict[int, str]:
    """The names in a YAML file; none if it holds something else."""
    try:
        held = yaml.safe_load(_text(path))
        names = held.get("names") if isinstance(held, dict) else None
        return msgspec.convert(dict(enumerate(names)) if isinstance(names, list) else names or {}, dict[int, str])
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RelataError(f"{path}: names no classes ({error}); mend it, or fetch it again") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RelataError(f"{path}: no text in UTF-8 ({error}); fetch the file again") from error
