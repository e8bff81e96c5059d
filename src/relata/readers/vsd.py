"""`vsd`: visual spatial description, v1 and v2.

Boxes are [ymin, ymax, xmin, xmax] in pixels. An `img_id` that is a number is a photo of Visual Genome, any other one is
a file name (SpatialSense's Flickr photos, NYU). A file may hold several triples on different pairs of objects; the same
name with the same box is one region, numbered in order of appearance. Left and right are the viewer's. Sizes of photos
are not published: name the folder of photos, or else the extent of the boxes stands in (provenance `size: boxes`).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos

FILES = ("*.json",)

#: The paper and the challenge's page write these in short.
_PREDICATES = {"left": "to the left of", "right": "to the right of", "next": "next to"}

Box4 = tuple[float, float, float, float]


class _Triple(msgspec.Struct):
    s: str
    o: str
    p: str
    s_bbox: Box4
    o_bbox: Box4


class _Record(msgspec.Struct):
    img_id: str
    triple_list: list[_Triple]
    captions: list[str] = []

    @property
    def title(self) -> str:
        return f"image {self.img_id}"


def read(annotations: Path, images: Path | None) -> Records:
    """Scenes of one file of VSD, with its descriptions as captions."""
    photos = Photos(images)

    def make(record: _Record, where: str) -> Item:
        draft = Draft(where, "vsd")
        ids: dict[tuple[str, Box4], int] = {}
        for triple in record.triple_list:
            ends = (triple.s, _xyxy(triple.s_bbox)), (triple.o, _xyxy(triple.o_bbox))
            for end in ends:
                if end not in ids:
                    ids[end] = len(ids)
                    draft.region(ids[end], *end)
            draft.relation(ids[ends[0]], _PREDICATES.get(triple.p, triple.p), ids[ends[1]], "spatial")
        name = record.img_id if Path(record.img_id).suffix else f"{record.img_id}.jpg"
        photo = photos.look_up(name, boxes=[box for _, box in ids])
        return draft.finish(record.img_id, photo, short(annotations), captions=tuple(record.captions))

    return (yield from each(annotations, pieces(annotations), _Record, make))


def _xyxy(box: Box4) -> Box4:
    top, bottom, left, right = box
    return left, top, right, bottom
