"""`psg`: panoptic scene graphs, the `psg.json` of OpenPSG.

Boxes are x1, y1, x2, y2 in pixels (`bbox_mode` 0; 1 is x, y, width, height). `category_id` counts through
`thing_classes` and then `stuff_classes`, from 0. A relation is [subject, object, predicate], by position. Region ids
are positions in `annotations`, which `segments_info` follows.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, each, load, short
from relata.readers._masks import segments
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photo, Photos
from relata.readers._words import clean
from relata.scene import Mask

FILES = ("*psg*.json",)


class _Object(msgspec.Struct, gc=False):
    bbox: tuple[float, float, float, float]
    category_id: int
    bbox_mode: Literal[0, 1] = 0

    @property
    def box(self) -> tuple[float, float, float, float]:
        x, y, a, b = self.bbox
        return self.bbox if self.bbox_mode == 0 else (x, y, x + a, y + b)


class _Segment(msgspec.Struct, gc=False):
    id: int


class _Image(msgspec.Struct):
    image_id: int | str
    file_name: str
    height: int
    width: int
    annotations: list[_Object]
    relations: list[tuple[int, int, int]]
    pan_seg_file_name: str = ""
    segments_info: msgspec.Raw = msgspec.Raw(b"[]")  # long, and needed for masks only

    @property
    def title(self) -> str:
        return f"image {self.image_id}"


class _File(msgspec.Struct):
    data: list[msgspec.Raw]
    thing_classes: list[str]
    stuff_classes: list[str]
    predicate_classes: list[str]
    test_image_ids: list[int | str] = []


class _Id(msgspec.Struct):
    image_id: int | str


def read(
    annotations: Path,
    images: Path | None,
    *,
    split: Literal["all", "train", "test"] = "all",
    clean_labels: bool = False,
    masks: bool = False,
) -> Records:
    """Scenes of one `psg.json`.

    Args:
        split: only the images named in `test_image_ids`, or only the others.
        clean_labels: `sky-other-merged` becomes `sky`.
        masks: take masks from the panoptic PNGs, looked for below the annotations' and the photos' folder.
    """
    file = load(annotations, _File)
    labels = [clean(name) if clean_labels else name for name in file.thing_classes + file.stuff_classes]
    photos = Photos(images)

    def make(image: _Image, where: str) -> Item:
        draft = Draft(where, "psg")
        photo = photos.look_up(image.file_name, (image.width, image.height))
        shapes = _shapes(draft, image, photo, (annotations.parent, images or annotations.parent)) if masks else {}
        _fill(draft, image, labels, file.predicate_classes, shapes)
        return draft.finish(str(image.image_id), photo, short(annotations))

    return (yield from each(annotations, _chosen(file, split), _Image, make))


def _chosen(file: _File, split: str) -> Sequence[msgspec.Raw]:
    if split == "all":
        return file.data
    test = set(map(str, file.test_image_ids))
    return [raw for raw in file.data if (_id(raw) in test) == (split == "test")]


def _id(raw: msgspec.Raw) -> str:
    try:
        return str(decode(raw, _Id).image_id)
    except RelataError:
        return ""  # a damaged record is of no split; it is reported when it is read


def _fill(
    draft: Draft, image: _Image, labels: Sequence[str], predicates: Sequence[str], shapes: dict[int, Mask]
) -> None:
    for position, thing in enumerate(image.annotations):
        if 0 <= thing.category_id < len(labels):
            draft.region(position, labels[thing.category_id], thing.box, mask=shapes.get(position))
        else:
            draft.no_region(position, f"has category {thing.category_id}, but the file names {len(labels)} classes")
    for subject, object, index in image.relations:
        if 0 <= index < len(predicates):
            draft.relation(subject, predicates[index], object)
        else:
            draft.no_relation(f"has predicate {index}, but the file names {len(predicates)}")


def _shapes(draft: Draft, image: _Image, photo: Photo, roots: Sequence[Path]) -> dict[int, Mask]:
    """Masks by position, from the first of the roots that holds the PNG."""
    ids = [segment.id for segment in decode(image.segments_info, list[_Segment])]
    name = image.pan_seg_file_name
    root = next((root for root in roots if os.path.isfile(root / name)), roots[0])
    found = segments(draft, root / name, root, ids, photo)
    return {position: found[id] for position, id in enumerate(ids) if id in found}
