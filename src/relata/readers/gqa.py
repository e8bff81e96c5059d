"""`gqa`: scene graphs of GQA, `train_sceneGraphs.json` and `val_sceneGraphs.json`.

One large object: image id to graph. Boxes are x, y, w, h in pixels of a Visual Genome photo. Region ids are object ids.
Location and weather become labels of the image.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, load, short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos

FILES = ("*sceneGraphs*.json",)


class _Relation(msgspec.Struct):
    object: str
    name: str


class _Object(msgspec.Struct):
    name: str
    x: float
    y: float
    w: float
    h: float
    attributes: list[str] = []
    relations: list[_Relation] = []


class _Graph(msgspec.Struct):
    width: int
    height: int
    objects: dict[int, _Object]
    location: str = ""
    weather: str = ""


def read(annotations: Path, images: Path | None) -> Records:
    """Scenes of one file of scene graphs."""
    photos = Photos(images)
    graphs = load(annotations, dict[str, msgspec.Raw])
    for id, raw in graphs.items():
        where = f"{short(annotations)}: image {id}"
        try:
            yield _scene(id, decode(raw, _Graph), Draft(where, "gqa"), photos, short(annotations))
        except RelataError as error:
            yield Rejected(where, str(error))
    return len(graphs)


def _scene(id: str, graph: _Graph, draft: Draft, photos: Photos, file: str) -> Item:
    for number, thing in graph.objects.items():
        box = (thing.x, thing.y, thing.x + thing.w, thing.y + thing.h)
        draft.region(number, thing.name.strip(), box, tuple(dict.fromkeys(thing.attributes)))
    for number, thing in graph.objects.items():
        for relation in thing.relations:
            if re.fullmatch(r"\d{1,18}", relation.object):
                draft.relation(number, relation.name, int(relation.object))
            else:
                draft.no_relation(f"{relation.name!r} of {number} points to {relation.object!r}, which is no id")
    labels = tuple(word for word in (graph.location, graph.weather) if word)
    photo = photos.look_up(f"{id}.jpg", (graph.width, graph.height))
    return draft.finish(id, photo, file, labels=labels)
