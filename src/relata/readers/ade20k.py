"""`ade20k`: the full ADE20K: `*.json` (2021) or `*_atr.txt` with `*_seg.png` (2016), in the folders of its photos.

The 2021 files hold polygons in pixels; a box is the extent of its polygon. The 2016 files hold a list of objects, and
their pixels in PNGs: the n-th object of a level is the n-th value, from the lowest above 0, of the blue channel of
`_seg.png` (level 0) or `_parts_1.png` (its parts), `_parts_2.png` (parts of parts). Of a name with synonyms (`car,
auto, automobile`) the first is the label. Parts stand in the relation `part of`. The words for the scene become labels
of the image. Region ids are the published ones (2021), or positions (2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.geometry import rle_encode, rle_from_polygons
from relata.readers._draft import Draft
from relata.readers._json import decode, short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photo, Photos
from relata.readers._pixels import label_map, tight
from relata.scene import Mask

FILES = ("**/ADE_*.json", "**/*_atr.txt")

_PART = "part of"

Numbers = list[float] | float  # a list of one is published without its brackets


class _Polygon(msgspec.Struct):
    x: Numbers
    y: Numbers


class _Parts(msgspec.Struct, frozen=True):
    ispartof: list[int] | int = []


class _Object(msgspec.Struct):
    id: int
    name: str
    polygon: _Polygon
    raw_name: str = ""
    attributes: list[str] | str = []
    parts: _Parts = _Parts()


class _Annotation(msgspec.Struct):
    filename: str
    imsize: list[int]
    object: list[_Object] | _Object
    folder: str = ""
    scene: list[str] | str = []


class _File(msgspec.Struct):
    annotation: _Annotation


def join(files: Sequence[Path], images: Path | None, *, masks: bool = False) -> Records:
    """One scene per file.

    Args:
        masks: read masks too.
    """
    photos = Photos(images)
    for path in files:
        draft = Draft(short(path), "ade20k")
        try:
            make = _listed if path.name.endswith("_atr.txt") else _drawn
            yield make(path, draft, photos, masks)
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return len(files)


def _drawn(path: Path, draft: Draft, photos: Photos, masks: bool) -> Item:
    """The scene of a file of polygons."""
    data = path.read_bytes()
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        data = data.decode("latin-1").encode()  # some names are published so
    annotation = decode(data, _File).annotation
    if len(annotation.imsize) < 2:
        raise RelataError(
            f"annotation.imsize is {annotation.imsize}, not [height, width, channels]; mend it in the file"
        )
    height, width = annotation.imsize[:2]
    things = annotation.object if isinstance(annotation.object, list) else [annotation.object]
    photo = photos.look_up(f"{annotation.folder}/{annotation.filename}".lstrip("/"), (width, height))
    for thing in things:
        points = list(zip(_list(thing.polygon.x), _list(thing.polygon.y)))
        if not points:
            draft.no_region(thing.id, "has a polygon without points", _first(thing.name))
            continue
        xs, ys = zip(*points)
        mask = _mask(draft, thing.id, points, photo) if masks else None
        label = _first(thing.name) or thing.raw_name.strip()
        draft.region(thing.id, label, (min(xs), min(ys), max(xs), max(ys)), _words(thing.attributes), None, mask)
    for thing in things:
        for whole in _list(thing.parts.ispartof):
            draft.relation(thing.id, _PART, int(whole))
    labels = tuple(dict.fromkeys(word for word in _list(annotation.scene) if word))
    return draft.finish(path.stem, photo, short(path), labels=labels)


def _mask(draft: Draft, id: int, points: Iterable[tuple[float, float]], photo: Photo) -> Mask | None:
    try:
        return rle_from_polygons([[value for point in points for value in point]], photo.height, photo.width)
    except RelataError as error:
        draft.problem(f"mask of region {id}", str(error))
        return None


def _listed(path: Path, draft: Draft, photos: Photos, masks: bool) -> Item:
    """The scene of a list of objects and the PNGs beside it."""
    stem = path.name.removesuffix("_atr.txt")
    maps: list[npt.NDArray[np.int64]] = []  # by level, the place of each pixel's object among those of its level
    ids: list[list[int]] = []  # by level, the region ids of its objects
    photo = photos.look_up(f"{stem}.jpg", _size(path.with_name(f"{stem}_seg.png")))
    try:
        lines = path.read_text("utf-8", errors="backslashreplace").splitlines()
    except OSError as error:
        raise RelataError(f"{path} cannot be read ({error})") from error
    rows = [(number, _row(line)) for number, line in enumerate(filter(str.strip, lines))]
    for number, row in rows:
        if row is None:
            draft.problem(
                f"line {number}", "is not written as: number # level # cropped # name # raw name # attributes"
            )
    for level in range(1 + max((row[0] for _, row in rows if row is not None), default=0)):
        name = f"{stem}_parts_{level}.png" if level else f"{stem}_seg.png"
        blue = label_map(path.with_name(name), (photo.width, photo.height), "RGB")[..., 2]
        values, places = np.unique(np.append(blue.ravel(), 0), return_inverse=True)
        maps.append(places[:-1].reshape(blue.shape))
        ids.append([-1])
        for number, row in rows:
            if row is None or row[0] != level:
                continue
            ids[level].append(number)
            here = maps[level] == len(ids[level]) - 1
            if len(ids[level]) > len(values):
                draft.no_region(number, f"has no pixel in {name}", row[1])
                continue
            draft.region(number, row[1], tight(here).tuple(), row[2], None, rle_encode(here) if masks else None)
            if level:
                below = np.bincount(maps[level - 1][here], minlength=1)
                whole = int(below[1:].argmax()) + 1 if below[1:].any() else 0
                if 0 < whole < len(ids[level - 1]):
                    draft.relation(number, _PART, ids[level - 1][whole])
    return draft.finish(stem, photo, short(path))


def _row(line: str) -> tuple[int, str, tuple[str, ...]] | None:
    """Level, label and attributes of a line of the list."""
    fields = [field.strip() for field in line.split("#")]
    if len(fields) < 6 or not fields[1].isdigit() or int(fields[1]) > 9:
        return None
    return int(fields[1]), _first(fields[3]) or fields[4], _words("#".join(fields[5:]).strip('"'))


def _size(path: Path) -> tuple[int, int]:
    height, width = label_map(path, mode="RGB").shape[:2]
    return width, height


def _first(name: str) -> str:
    word = name.split(",")[0].strip()
    return "" if word == "-" else word


def _words(attributes: list[str] | str) -> tuple[str, ...]:
    texts = [attributes] if isinstance(attributes, str) else attributes
    return tuple(dict.fromkeys(word.strip() for text in texts for word in text.split(",") if word.strip()))


def _list(value: list[str] | str | Numbers | list[int] | int) -> list:  # type: ignore[type-arg]
    return value if isinstance(value, list) else [value]
