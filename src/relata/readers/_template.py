"""`template`: copy this file to `readers/<format>.py`, and say here how the format writes boxes, names and relations.

It reads a made-up format: a JSON list (or JSON Lines) of
`{"photo": "a.jpg", "width": 640, "height": 480, "things": [{"name": "dog", "xywh": [10, 20, 30, 40]}],
"facts": [[0, "on", 1]], "text": "A dog on a rug."}`. Region ids are positions in `things`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.readers._draft import Draft
from relata.readers._json import each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos

#: What to take when the user names a folder.
FILES = ("*.json", "*.jsonl")


# The record as published. Fields that are not named here are skipped; a record that does not fit is rejected with the
# field and its value.
class _Thing(msgspec.Struct):
    name: str
    xywh: tuple[float, float, float, float]


class _Record(msgspec.Struct):
    photo: str
    width: int
    height: int
    things: list[_Thing] = []
    facts: list[tuple[int, str, int]] = []
    text: str = ""

    @property
    def title(self) -> str:
        """How somebody would look the record up in the file; it goes into every rejection."""
        return f"photo {self.photo}"


def read(annotations: Path, images: Path | None, *, captions: bool = True) -> Records:
    """Scenes of one file. The arguments after the star are the format's options.

    Args:
        captions: keep the text as a caption.
    """
    photos = Photos(images)

    def make(record: _Record, where: str) -> Item:
        # the draft leaves out what does not fit (boxes outside the image, relations to nothing) and reports it
        draft = Draft(where, "template")
        for number, thing in enumerate(record.things):
            x, y, w, h = thing.xywh
            draft.region(number, thing.name, (x, y, x + w, y + h))
        for subject, predicate, object in record.facts:
            draft.relation(subject, predicate, object)
        photo = photos.look_up(record.photo, (record.width, record.height))
        texts = (record.text,) if captions and record.text else ()
        return draft.finish(record.photo, photo, short(annotations), captions=texts)

    return (yield from each(annotations, pieces(annotations), _Record, make))
