"""`svg`: graphs of Synthetic Visual Genome: by image id, a line per image, or rows of the released data set.

- A mapping of image id to graph, or JSON Lines of graphs with `file_name` (the form for detection): `objects` by id,
  with `name`, `attributes`, `relations` and a `bbox` of x1, y1, x2, y2 in pixels.
- Rows with `scene_graph`, whose objects are phrases and whose relations are [subject, object, predicate] by position
  from 0, beside `regions` in the same order, with a `bbox` of x, y, width, height, as region proposals have it.

Masks are COCO's run lengths. Region ids are the objects' numbers, or positions.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import Piece, decode, load, pieces, short
from relata.readers._masks import segmentation
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photo, Photos
from relata.scene import Mask

FILES = ("*.json", "*.jsonl", "*.parquet")

_NO_MASK = msgspec.Raw(b"[]")

#: Fields of a graph, by which a line is told from a mapping of many graphs.
_ONE = {"objects", "scene_graph"}


class _Relation(msgspec.Struct):
    object: str | int
    name: str


class _Object(msgspec.Struct):
    name: str
    bbox: tuple[float, float, float, float]
    attributes: list[str] = []
    relations: list[_Relation | str | list[Any] | None] = []  # others than the first are mistakes of whoever wrote them
    segmentation: msgspec.Raw = _NO_MASK


class _Graph(msgspec.Struct):
    width: int
    height: int
    objects: dict[str, _Object]
    file_name: str = ""
    image_id: int | str = ""


class _Region(msgspec.Struct):
    bbox: tuple[float, float, float, float]
    segmentation: msgspec.Raw = _NO_MASK


class _Size(msgspec.Struct, frozen=True):
    width: int | None = None
    height: int | None = None


class _Texts(msgspec.Struct):
    objects: list[str]
    relations: list[tuple[int, int, str]] = []


class _Row(msgspec.Struct):
    image_id: int | str
    scene_graph: _Texts | str  # published as text that is JSON
    regions: list[_Region]
    metadata: _Size = _Size()
    width: int | None = msgspec.field(default=None, name="metadata/width")
    height: int | None = msgspec.field(default=None, name="metadata/height")


def read(annotations: Path, images: Path | None, *, masks: bool = False) -> Records:
    """Scenes of one file of graphs.

    Args:
        masks: read masks too.
    """
    photos, file, total = Photos(images), short(annotations), 0
    for id, raw in _records(annotations):
        total += 1
        where = f"{file}: image {id}" if id else f"{file}: record {total - 1}"
        try:
            fields = decode(raw, dict[str, msgspec.Raw])
            if "scene_graph" in fields:
                yield _row(decode(raw, _Row), file, photos, masks)
            else:
                yield _graph(id, decode(raw, _Graph), Draft(where, "svg"), file, photos, masks)
        except RelataError as error:
            yield Rejected(where, str(error))
    return total


def _records(path: Path) -> Iterator[tuple[str, Piece]]:
    """The id under which a graph stands, if there is one, and the graph."""
    with path.open("rb") as file:
        first = file.readline().strip()
    lines = first.startswith(b"[") or path.suffix == ".parquet"
    # otherwise there is no whole object on the first line: one mapping over many lines, or a damaged line
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        lines = lines or bool(_ONE & msgspec.json.decode(first, type=dict[str, msgspec.Raw]).keys())
    if not lines:
        try:
            yield from load(path, dict[str, msgspec.Raw]).items()
            return
        except RelataError:
            if not re.search(rb'"(file_name|scene_graph)"', first):
                raise
    for raw in pieces(path):
        yield "", raw


def _graph(id: str, graph: _Graph, draft: Draft, file: str, photos: Photos, masks: bool) -> Item:
    name = graph.file_name or (f"{id or graph.image_id}.jpg" if id or graph.image_id != "" else "")
    if not name:
        raise RelataError("has neither file_name nor image_id; add one of them")
    photo = photos.look_up(name, (graph.width, graph.height))
    counted = all(re.fullmatch(r"\d{1,18}", key) for key in graph.objects)
    ids = {key: int(key) if counted else place for place, key in enumerate(graph.objects)}
    for key, thing in graph.objects.items():
        words = tuple(dict.fromkeys(word.strip() for word in thing.attributes if word.strip()))
        mask = _mask(draft, ids[key], thing.segmentation, photo) if masks else None
        draft.region(ids[key], thing.name.strip(), thing.bbox, words, None, mask)
    for key, thing in graph.objects.items():
        for relation in thing.relations:
            if not isinstance(relation, _Relation):
                draft.no_relation(f"{relation!r} of {key} is not written as {{object, name}}; mend it in the file")
            elif (end := ids.get(str(relation.object))) is None:
                draft.no_relation(f"{relation.name!r} of {key} points to {relation.object!r}, which is no object")
            else:
                draft.relation(ids[key], relation.name.strip(), end)
    own = id or str(graph.image_id) or Path(name).stem
    return draft.finish(own, photo, file)


def _row(row: _Row, file: str, photos: Photos, masks: bool) -> Item:
    texts = row.scene_graph
    graph = decode(texts.encode(), _Texts) if isinstance(texts, str) else texts
    id = str(row.image_id).removesuffix(".jpg")
    draft = Draft(f"{file}: image {id}", "svg")
    boxes = [(x, y, x + w, y + h) for x, y, w, h in (region.bbox for region in row.regions)]
    width, height = row.width or row.metadata.width, row.height or row.metadata.height
    photo = photos.look_up(f"{id}.jpg", (width, height) if width and height else None, boxes)
    for place, words in enumerate(graph.objects):
        if place < len(boxes):
            mask = _mask(draft, place, row.regions[place].segmentation, photo) if masks else None
            draft.region(place, words.strip(), boxes[place], mask=mask)
        else:
            draft.no_region(place, f"has no box: the row holds {len(boxes)} regions", words)
    for subject, object, predicate in graph.relations:
        draft.relation(subject, predicate.strip(), object)
    return draft.finish(id, photo, file)


def _mask(draft: Draft, id: int, raw: msgspec.Raw, photo: Photo) -> Mask | None:
    try:
        return None if bytes(raw).strip() == b"{}" else segmentation(raw, photo.width, photo.height)
    except RelataError as error:
        draft.problem(f"mask of region {id}", str(error))
        return None
