"""`nlvr`: NLVR (the first one), rendered images of three boxes of shapes with a statement that is true or false.

A record is `{sentence, label, identifier, directory, structured_rep: [[{x_loc, y_loc, size, type, color}]] * 3}`; JSON
Lines. Items are given in pixels by their left, top and side within their box; the image is 400 x 100, boxes are 100
wide and 50 apart. The image is the first of six arrangements, `<directory>/<split>-<identifier>-0.png`. The boxes are
regions 0 to 2, the items follow. A true statement is a caption; the statement and its label are always in the
provenance (`statement`, `label`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos

FILES = ("train.json", "dev.json", "test.json")

_SIZE = (400, 100)
_SIDE = 100
_STEP = 150
_COLOURS = {"#0099ff": "blue"}
_SIZES = {10: "small", 20: "medium", 30: "large"}


class _Shape(msgspec.Struct):
    x_loc: float
    y_loc: float
    size: float
    type: str
    color: str


class _Record(msgspec.Struct):
    sentence: str
    label: Literal["true", "false"]
    identifier: str
    directory: str
    structured_rep: tuple[list[_Shape], list[_Shape], list[_Shape]]

    @property
    def title(self) -> str:
        return f"statement {self.identifier}"


def read(annotations: Path, images: Path | None, *, split: str = "") -> Records:
    """Scenes of one file.

    Args:
        split: the word that image names begin with, if it is not the file's name (`dev` of `dev.json`).
    """
    photos = Photos(images)

    def make(record: _Record, where: str) -> Item:
        draft = Draft(where, "nlvr")
        for number, left in enumerate((0, _STEP, 2 * _STEP)):
            draft.region(number, "box", (left, 0, left + _SIDE, _SIDE), ("grey",))
        items = ((box, shape) for box, shapes in enumerate(record.structured_rep) for shape in shapes)
        for number, (box, shape) in enumerate(items, start=3):
            x, y = box * _STEP + shape.x_loc, shape.y_loc
            words = (_SIZES.get(int(shape.size), ""), _COLOURS.get(shape.color.lower(), shape.color.lower()))
            draft.region(number, shape.type, (x, y, x + shape.size, y + shape.size), tuple(filter(None, words)))
        name = f"{record.directory}/{split or annotations.stem}-{record.identifier}-0.png"
        captions = (record.sentence.strip(),) if record.label == "true" else ()
        told = {"statement": record.sentence.strip(), "label": record.label}
        photo = photos.look_up(name, _SIZE)
        return draft.finish(record.identifier, photo, short(annotations), captions=captions, provenance=told)

    return (yield from each(annotations, pieces(annotations), _Record, make))
