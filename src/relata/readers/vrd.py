"""`vrd`: Visual Relationship Detection, `annotations_train.json` and `annotations_test.json`.

One large object: photo to list of relations. Boxes are [ymin, ymax, xmin, xmax] in pixels. Objects and predicates are
numbers into `objects.json` and `predicates.json`, which lie beside. The same class with the same box is one region,
numbered in order of appearance. Sizes of photos are not published: name the folder of photos, or else the extent of the
boxes stands in (provenance `size: boxes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, load, short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos

FILES = ("*annotations*.json",)

Box4 = tuple[float, float, float, float]


class _Object(msgspec.Struct):
    category: int
    bbox: Box4

    @property
    def key(self) -> tuple[int, Box4]:
        top, bottom, left, right = self.bbox
        return self.category, (left, top, right, bottom)


class _Relation(msgspec.Struct):
    predicate: int
    subject: _Object
    object: _Object


def read(annotations: Path, images: Path | None) -> Records:
    """Scenes of one file of annotations."""
    records = load(annotations, dict[str, msgspec.Raw])
    objects, predicates = (_words(annotations, name) for name in ("objects.json", "predicates.json"))
    photos = Photos(images)
    for name, raw in records.items():
        draft = Draft(f"{short(annotations)}: image {name}", "vrd")
        try:
            relations = decode(raw, list[_Relation])
            yield _scene(name, relations, draft, objects, predicates, photos, short(annotations))
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return len(records)


def _words(annotations: Path, name: str) -> list[str]:
    path = annotations.parent / name
    if not path.is_file():
        raise RelataError(f"{annotations}: its numbers are named by {name}, which is not beside it; put it there")
    return load(path, list[str])


def _scene(
    name: str,
    relations: Sequence[_Relation],
    draft: Draft,
    objects: Sequence[str],
    predicates: Sequence[str],
    photos: Photos,
    file: str,
) -> Item:
    ids: dict[tuple[int, Box4], int] = {}
    for relation in relations:
        for end in (relation.subject.key, relation.object.key):
            if end in ids:
                continue
            ids[end] = len(ids)
            category, box = end
            if 0 <= category < len(objects):
                draft.region(ids[end], objects[category], box)
            else:
                draft.no_region(ids[end], f"has category {category}, but objects.json names {len(objects)}")
        if 0 <= relation.predicate < len(predicates):
            words = predicates[relation.predicate]
            draft.relation(ids[relation.subject.key], words, ids[relation.object.key])
        else:
            draft.no_relation(f"has predicate {relation.predicate}, but predicates.json names {len(predicates)}")
    photo = photos.look_up(name, boxes=[box for _, box in ids])
    return draft.finish(name.rpartition(".")[0] or name, photo, file)
