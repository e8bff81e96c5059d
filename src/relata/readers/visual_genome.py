"""`visual_genome`: objects, attributes, relationships, region descriptions and scene graphs, joined by image.

Boxes are x, y and w, h (or width, height) in pixels. An object has a `name` or a list of `names`; both occur in one
file. Where files disagree about the box of an object, `objects` have the say over `attributes`, these over the ends of
relationships. Relationships that still point to an object which was merged into another (`merged_object_ids`) follow
it. Names and sizes of photos come from `image_data.json`; images that no other file mentions are not read. Region ids
are object ids.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import Piece, decode, pieces, short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos
from relata.readers._phrases import describe

FILES = (
    "objects*.json",
    "attributes*.json",
    "relationships*.json",
    "scene_graphs*.json",
    "region_descriptions*.json",
    "image_data*.json",
)


class _Object(msgspec.Struct, gc=False):
    object_id: int
    x: float
    y: float
    w: float
    h: float
    name: str = ""
    names: list[str] = []
    attributes: list[str] | None = None
    merged_object_ids: list[int] = []

    @property
    def label(self) -> str:
        return (self.name or next(iter(self.names), "")).strip()


class _Relationship(msgspec.Struct, gc=False):
    predicate: str
    subject: _Object | None = None
    object: _Object | None = None
    subject_id: int | None = None  # scene_graphs.json gives ids, relationships.json whole objects
    object_id: int | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """Ids of subject and object; -1, which no object has, for one that is not given."""
        subject = self.subject.object_id if self.subject is not None else self.subject_id
        object = self.object.object_id if self.object is not None else self.object_id
        return (-1 if subject is None else subject, -1 if object is None else object)


class _Phrase(msgspec.Struct, gc=False):
    x: float
    y: float
    width: float
    height: float
    phrase: str

    @property
    def box(self) -> tuple[float, float, float, float]:
        return self.x, self.y, self.x + self.width, self.y + self.height


class _Key(msgspec.Struct):
    image_id: int | None = None
    id: int | None = None  # what region_descriptions.json calls it


class _Record(_Key):
    """What one file says about one image; each file fills some of the fields."""

    width: int | None = None
    height: int | None = None
    url: str = ""
    coco_id: int | None = None
    objects: list[_Object] = []
    attributes: list[_Object] = []
    relationships: list[_Relationship] = []
    regions: list[_Phrase] = []


Part = tuple[Path, Piece]


def join(files: Sequence[Path], images: Path | None, *, phrases: bool = True, lower: bool = False) -> Records:
    """Scenes of any files of Visual Genome.

    Args:
        phrases: region descriptions that coincide with no object become regions labelled `region`, with the phrase as
            their description; otherwise they are left out. Those that coincide always describe their object.
        lower: write labels, attributes and predicates in lower case; they are published in both.
    """
    parts: dict[int, list[Part]] = {}
    total = yield from _sort(files, parts)
    photos = Photos(images)
    for id, own in parts.items():
        file = "; ".join(short(path) for path, _ in own)
        draft = Draft(f"{file}: image {id}", "visual_genome")
        records = _decoded(own, draft)
        if records and all(record.width is not None for record in records):
            continue
        total += 1
        if not records:
            yield Rejected(draft.where, draft.problems[0].reason)
            continue
        _graph(draft, records, str.lower if lower else str)
        describe(draft, [(p.box, p.phrase) for record in records for p in record.regions], phrases)
        try:
            yield _finished(draft, id, records, file, photos)
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return total


def _sort(files: Sequence[Path], parts: dict[int, list[Part]]) -> Generator[Rejected, None, int]:
    """Sort the records of all files by image; gives those that name no image, and their number."""
    lost = 0
    for path in files:
        for number, raw in enumerate(pieces(path)):
            try:
                key = decode(raw, _Key)
                id = key.image_id if key.image_id is not None else key.id
                if id is None:
                    raise RelataError("has neither image_id nor id; add the one of its image")
                parts.setdefault(id, []).append((path, raw))
            except RelataError as error:
                lost += 1
                yield Rejected(f"{short(path)}: record {number}", str(error))
    return lost


def _decoded(parts: Sequence[Part], draft: Draft) -> list[_Record]:
    records = []
    for path, raw in parts:
        try:
            records.append(decode(raw, _Record))
        except RelataError as error:
            draft.problem(f"in {path.name}", str(error))
    return records


def _graph(draft: Draft, records: Sequence[_Record], write: Callable[[str], str]) -> None:
    said = [relationship for record in records for relationship in record.relationships]
    things = [thing for record in records for thing in record.objects]
    things += [thing for record in records for thing in record.attributes]
    things += [end for relationship in said for end in (relationship.subject, relationship.object) if end is not None]
    now = {old: thing.object_id for thing in things for old in thing.merged_object_ids}
    found: dict[int, _Object] = {}
    attributes: dict[int, dict[str, None]] = {}
    for thing in things:
        id = now.get(thing.object_id, thing.object_id)
        found.setdefault(id, thing)
        if thing.attributes:
            attributes.setdefault(id, {}).update((write(word.strip()), None) for word in thing.attributes)
    for id, thing in found.items():
        box = (thing.x, thing.y, thing.x + thing.w, thing.y + thing.h)
        draft.region(id, write(thing.label), box, tuple(filter(None, attributes.get(id, ()))))
    for relationship in said:
        subject, object = relationship.ends
        draft.relation(now.get(subject, subject), write(relationship.predicate.strip()), now.get(object, object))


def _finished(draft: Draft, id: int, records: Sequence[_Record], file: str, photos: Photos) -> Item:
    data = next((record for record in records if record.width is not None), _Record())
    size = (data.width, data.height) if data.width is not None and data.height is not None else None
    name = "/".join(data.url.split("/")[-2:]) or f"{id}.jpg"
    photo = photos.look_up(name, size, [region.box.tuple() for region in draft.regions.values()])
    more = {} if data.coco_id is None else {"coco_id": str(data.coco_id)}
    return draft.finish(str(id), photo, file, provenance=more)
