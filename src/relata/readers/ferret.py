"""`ferret`: the contexts of Ferret-Bench, Visual Genome graphs of COCO photos as text (`context.jsonl`).

Lines such as `Object 3 : pole at [0.550, 0.589, 0.558, 0.724].` and `object 3 : pole -> beside -> object 13 : train.`;
boxes are x1, y1, x2, y2 in shares of the image. Objects relate to themselves, and relations are said twice, here and
there: both are left out and reported. Region ids are the objects' numbers.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photo, Photos, pixels, scaled
from relata.readers._phrases import describe

FILES = ("context.jsonl", "*/context.jsonl")

_OBJECT = re.compile(r"Object (\d{1,9}) : (.+) at \[(.+)\]\.")
_RELATION = re.compile(r"object (\d{1,9}) : .+? -> (.+) -> object (\d{1,9}) : .+\.")
_PHRASE = re.compile(r"Region Description at \[(.+)\] : (.+)\.")
_HEADS = ("Objects:", "Relationships:", "Region Description:", "Global Caption:")


class _Record(msgspec.Struct):
    image: str
    text: str
    question_id: int
    category: str = ""

    @property
    def title(self) -> str:
        return f"question {self.question_id} (image {self.image})"


def read(annotations: Path, images: Path | None, *, phrases: bool = False, size: str = "") -> Records:
    """Scenes of one file of contexts.

    Args:
        phrases: region descriptions that coincide with no object become regions labelled `region`; otherwise they are
            left out. Those that coincide always describe their object.
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos = Photos(images)
    assumed = pixels(size)

    def make(record: _Record, where: str) -> Item:
        photo = photos.look_up(record.image, assume=assumed)
        draft = Draft(where, "ferret")
        captions = _fill(draft, record.text, photo, phrases)
        return draft.finish(f"{record.category}_{record.question_id}", photo, short(annotations), captions=captions)

    return (yield from each(annotations, pieces(annotations), _Record, make))


def _fill(draft: Draft, text: str, photo: Photo, keep: bool) -> tuple[str, ...]:
    """Regions and relations into the draft; gives the captions."""
    said, captions, head = [], [], ""
    for number, line in enumerate(text.split("\n")):
        if line in _HEADS:
            head = line
        elif match := _OBJECT.fullmatch(line):
            draft.region(int(match[1]), match[2].strip(), _box(match[3], photo))
        elif match := _RELATION.fullmatch(line):
            draft.relation(int(match[1]), match[2].strip(), int(match[3]))
        elif match := _PHRASE.fullmatch(line):
            said.append((_box(match[1], photo), match[2]))
        elif head == "Global Caption:" and line.strip():
            captions.append(line.strip())
        elif line.strip():
            draft.problem(f"line {number}", f"{line!r} is neither an object, a relation nor a phrase")
    describe(draft, said, keep)
    return tuple(captions)


def _box(text: str, photo: Photo) -> tuple[float, float, float, float]:
    """Pixels; numbers that are missing or no numbers make a box that is refused, and so reported."""
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError:
        x1 = y1 = x2 = y2 = float("nan")
    return scaled((x1, y1, x2, y2), photo.width, photo.height)
