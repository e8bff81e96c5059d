"""`llava`: conversations in LLaVA's layout, AS-V2's relation conversations included, and LLaVA's symbolic images.

A record is `{id, image, conversations: [{from, value}]}`, with width and height where boxes need them. Boxes in the
text become regions, named by the phrase that mentions them first; predicates become relations. A box that only a
predicate names is `Unknown`. A conversation of one answer keeps its words as the caption. A symbolic image is
`{image, captions, instances: [{category, bbox}]}` with boxes x1, y1, x2, y2 in shares of the image. JSON lists and
JSON Lines are both read. Region ids are given in order of appearance.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.chat import ImageRef
from relata.dialects import Dialect, dialect
from relata.errors import RelataError
from relata.graph import UNKNOWN, read_graph
from relata.grounded import Span, plain
from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photo, Photos, pixels, scaled

FILES = ("*.json", "*.jsonl")


class _Turn(msgspec.Struct, rename={"role": "from"}):
    role: str
    value: str


class _Instance(msgspec.Struct):
    category: str
    bbox: tuple[float, float, float, float]


class _Record(msgspec.Struct):
    id: int | str = ""
    image: str | list[str] = ""
    width: int | None = None
    height: int | None = None
    conversations: list[_Turn] = []
    captions: list[str] = []
    instances: list[_Instance] = []

    @property
    def title(self) -> str:
        return f"record {self.id} (image {self.image})" if self.id != "" else f"image {self.image}"


def read(annotations: Path, images: Path | None, *, markup: str = "", size: str = "") -> Records:
    """Scenes of one file of conversations.

    Args:
        markup: the dialect that boxes are written in; `asmv2` (relative to the padded square) if not given, or
            `asmv2:original` for a file whose name says `wo_square_pad`.
        size: e.g. `640x480`: the size in pixels to assume where neither record nor photo tells it (provenance
            `size: assumed`).
    """
    photos = Photos(images)
    assumed = pixels(size)
    written = dialect(markup or ("asmv2:original" if "wo_square_pad" in annotations.name else "asmv2"))

    def make(record: _Record, where: str) -> Item:
        if not isinstance(record.image, str) or not record.image:
            raise RelataError(f"has {record.image or 'no image'}; a scene is about one image")
        if not (record.conversations or record.captions or record.instances):
            raise RelataError("has neither conversations, captions nor instances; is it a file of annotations?")
        known = (record.width, record.height) if record.width is not None and record.height is not None else None
        photo = photos.look_up(record.image, known, assume=assumed)
        draft = Draft(where, "llava")
        for number, thing in enumerate(record.instances):
            draft.region(number, thing.category, scaled(thing.bbox, photo.width, photo.height))
        captions = [*record.captions, *_conversation(draft, record, photo, written)]
        return draft.finish(str(record.id or record.image), photo, short(annotations), captions=tuple(captions))

    return (yield from each(annotations, pieces(annotations), _Record, make))


def _conversation(draft: Draft, record: _Record, photo: Photo, written: Dialect) -> list[str]:
    """Regions and relations of all turns into the draft; gives the words of a single answer."""
    spans: list[Span] = []
    answers = []
    for number, turn in enumerate(record.conversations):
        said, problems = written.read(turn.value, [ImageRef(photo.image, photo.width, photo.height)])
        for problem in problems:
            draft.problem(f"turn {number} character {problem.at}", f"{problem.kind}: {problem.text!r}")
        spans += said
        if turn.role in ("gpt", "assistant"):
            answers.append(plain(said).strip())
    graph = read_graph(spans)
    ids = {box: len(record.instances) + number for number, box in enumerate(graph.names)}
    for box, phrases in graph.names.items():
        draft.region(ids[box], phrases[0] if phrases else UNKNOWN, box.tuple())
    for subject, predicate, object in graph.triplets:
        draft.relation(ids[subject], predicate, ids[object])
    return answers if len(answers) == 1 else []
