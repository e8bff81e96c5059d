"""`vcoco`: human-object interactions of V-COCO as pairs of boxes (`instances_vcoco_*.json`).

Four lists run in parallel: interaction k has `boxes_h[k]`, `boxes_o[k]` (x1, y1, x2, y2 in pixels), `actions[k]` (an
index into `classes`) and `objects[k]` (an index into the file's `objects`, where 0 is the background). Photos carry
their 2014 names. The same box with the same name is one region; ids are given in order of appearance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import each, load, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos

FILES = ("*vcoco*.json",)

#: An action's name ends in the role of the object, `obj` or `instr` (what it is done with). As words between a person
#: and that object:
PREDICATES = {
    "hold obj": "holding",
    "sit instr": "sitting on",
    "ride instr": "riding",
    "look obj": "looking at",
    "hit instr": "hitting with",
    "hit obj": "hitting",
    "eat obj": "eating",
    "eat instr": "eating with",
    "jump instr": "jumping on",
    "lay instr": "lying on",
    "talk_on_phone instr": "talking on",
    "carry obj": "carrying",
    "throw obj": "throwing",
    "catch obj": "catching",
    "cut instr": "cutting with",
    "cut obj": "cutting",
    "work_on_computer instr": "working on",
    "ski instr": "skiing on",
    "surf instr": "surfing on",
    "skateboard instr": "skateboarding on",
    "drink instr": "drinking from",
    "kick obj": "kicking",
    "read obj": "reading",
    "snowboard instr": "snowboarding on",
}

Xyxy = tuple[float, float, float, float]


class _Image(msgspec.Struct):
    file_name: str
    boxes_h: list[Xyxy]
    boxes_o: list[Xyxy]
    actions: list[int]
    objects: list[int]

    @property
    def title(self) -> str:
        return f"image {self.file_name}"


class _File(msgspec.Struct):
    annotations: list[msgspec.Raw]
    classes: list[str]
    objects: list[str]


def read(annotations: Path, images: Path | None, *, published: bool = False) -> Records:
    """Scenes of one file of V-COCO.

    Args:
        published: keep actions as published, `work_on_computer instr`, instead of `working on`.
    """
    file = load(annotations, _File)
    predicates = [name if published else PREDICATES.get(name, name) for name in file.classes]
    photos = Photos(images)

    def make(image: _Image, where: str) -> Item:
        draft = Draft(where, "vcoco")
        _fill(draft, image, predicates, file.objects)
        photo = photos.look_up(image.file_name, boxes=image.boxes_h + image.boxes_o)
        return draft.finish(Path(image.file_name).stem, photo, short(annotations))

    return (yield from each(annotations, file.annotations, _Image, make))


def _fill(draft: Draft, image: _Image, predicates: Sequence[str], names: Sequence[str]) -> None:
    lengths = [len(image.boxes_h), len(image.boxes_o), len(image.actions), len(image.objects)]
    if len(set(lengths)) > 1:
        raise RelataError(f"boxes_h, boxes_o, actions and objects have {lengths} entries; they need as many each")
    ids: dict[tuple[str, Xyxy], int] = {}
    for human, other, action, thing in zip(image.boxes_h, image.boxes_o, image.actions, image.objects):
        if not (0 <= action < len(predicates) and 0 < thing < len(names)):
            draft.no_relation(
                f"has action {action} and object {thing}, but the file names actions 0 to {len(predicates) - 1} and"
                f" objects 1 to {len(names) - 1}"
            )
            continue
        pair = []
        for key in (("person", human), (names[thing], other)):
            if key not in ids:
                ids[key] = len(ids)
                draft.region(ids[key], *key)
            pair.append(ids[key])
        draft.relation(pair[0], predicates[action], pair[1])
