"""`spot_the_diff`: Spot-the-Diff, pairs of frames of a still camera with sentences about what differs.

A record is `{img_id, sentences}`; its images are `<img_id>.png` and `<img_id>_2.png`. It becomes a group of two scenes
whose captions are the sentences. Sizes are not published: name the folder of photos, or give `size`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._groups import pair
from relata.readers._json import each, pieces, short
from relata.readers._outcome import GroupItem, Records
from relata.readers._photos import Photos, pixels

FILES = ("train.json", "val.json", "test.json")


class _Record(msgspec.Struct):
    img_id: str
    sentences: list[str]

    @property
    def title(self) -> str:
        return f"pair {self.img_id}"


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos, assumed = Photos(images), pixels(size)

    def make(record: _Record, where: str) -> GroupItem:
        captions = tuple(filter(None, map(str.strip, record.sentences)))
        if not captions:
            raise RelataError("has no sentence, so nothing is said of the pair; leave the record out")
        names = f"{record.img_id}.png", f"{record.img_id}_2.png"
        shown = [photos.look_up(name, assume=assumed) for name in names]
        return pair(record.img_id, shown, short(annotations), "spot_the_diff", captions=captions)

    return (yield from each(annotations, pieces(annotations), _Record, make))
