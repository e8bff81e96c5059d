"""`own`: your own annotations, in a plain form that is easily written by hand or by a script.

A JSON list, or JSON Lines:

    {"image": "kitchen.jpg", "width": 640, "height": 480, "boxes": "xywh",
     "objects": [{"name": "dog", "box": [10, 20, 30, 40], "attributes": ["brown"], "description": "a sleeping dog"},
                 {"name": "rug", "box": [0, 50, 90, 40]}],
     "relations": [["dog", "lying on", "rug"]], "captions": ["A dog on a rug."], "labels": ["indoor"]}

How boxes are written has to be said, in the record or as an option: `xyxy` (left, top, right, bottom), `xywh` (left,
top, width, height), or `cxcywh` (centre, width, height), in pixels; with `/1`, `/100` or `/1000` behind (`xyxy/1`), in
shares of the image. A relation names its ends by `id`, if objects have one, or by a name that only one object has.
Width and height can be left out where photos are at hand. Fields that are not known are refused: they are misspelt, or
would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos, scaled

FILES = ("*.json", "*.jsonl")

Side4 = tuple[float, float, float, float]
Boxes = Literal[
    "xyxy", "xywh", "cxcywh", "xyxy/1", "xywh/1", "cxcywh/1", "xyxy/100", "xywh/100", "cxcywh/100",
    "xyxy/1000", "xywh/1000", "cxcywh/1000",
]  # fmt: skip


class _Object(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    box: Side4
    id: int | None = None
    attributes: list[str] = []
    description: str | None = None


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    image: str
    id: str | int | None = None
    width: int | None = None
    height: int | None = None
    boxes: Boxes | None = None
    objects: list[_Object] = []
    relations: list[tuple[str | int, str, str | int]] = []
    captions: list[str] = []
    labels: list[str] = []

    @property
    def title(self) -> str:
        return f"image {self.image}"


def read(annotations: Path, images: Path | None, *, boxes: Boxes | None = None) -> Records:
    """Scenes of one file.

    Args:
        boxes: how boxes are written in records that do not say it themselves.
    """
    photos = Photos(images)

    def make(record: _Record, where: str) -> Item:
        if not Path(record.image).name:
            raise RelataError(f"image is {record.image!r}, which names no file; name the photo")
        draft = Draft(where, "own")
        size = (record.width, record.height) if record.width and record.height else None
        photo = photos.look_up(record.image, size)
        written = record.boxes or boxes
        if record.objects and written is None:
            raise RelataError(f'does not say how boxes are written; add "boxes": one of {", ".join(get_args(Boxes))}')
        ids = _ids(record.objects)
        for number, thing in zip(ids, record.objects):
            box = _pixels(thing.box, written or "xyxy", photo.width, photo.height)
            draft.region(number, thing.name.strip(), box, tuple(thing.attributes), thing.description)
        for subject, predicate, object in record.relations:
            try:
                draft.relation(_end(subject, ids, record), predicate.strip(), _end(object, ids, record))
            except RelataError as error:
                draft.no_relation(f"[{subject!r}, {predicate!r}, {object!r}] {error}")
        id = str(record.id) if record.id is not None else Path(record.image).with_suffix("").as_posix()
        texts = {"captions": tuple(record.captions), "labels": tuple(record.labels)}
        return draft.finish(id, photo, short(annotations), **texts)

    return (yield from each(annotations, pieces(annotations), _Record, make))


def _ids(objects: Sequence[_Object]) -> list[int]:
    """The objects' own ids if all have one, or else their positions."""
    given = [thing.id for thing in objects if thing.id is not None]
    if given and len(given) < len(objects):
        raise RelataError(f"{len(given)} of {len(objects)} objects have an id; give one to all, or to none")
    return given or list(range(len(objects)))


def _end(end: str | int, ids: Sequence[int], record: _Record) -> int:
    if isinstance(end, int):
        return end
    named = [id for id, thing in zip(ids, record.objects) if thing.name == end]
    if len(named) != 1:
        raise RelataError(f"names {end!r}, which {len(named) or 'no'} object{'s have' if named else ' has'}; use ids")
    return named[0]


def _pixels(box: Side4, written: str, width: int, height: int) -> Side4:
    form, _, whole = written.partition("/")
    a, b, c, d = box
    if form == "xywh":
        box = (a, b, a + c, b + d)
    elif form == "cxcywh":
        box = (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
    return scaled([side / float(whole) for side in box], width, height) if whole else box
