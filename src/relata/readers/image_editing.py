"""`image_editing`: Image Editing Request, photos before and after an edit with sentences that ask for it.

A record is `{uid, img0, img1, sents}`. It becomes a group of two scenes, before and after, whose captions are the
sentences. Sizes are not published: name the folder of photos, or give `size`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._groups import pair
from relata.readers._json import each, pieces, short
from relata.readers._outcome import GroupItem, Records
from relata.readers._photos import Photos, pixels

FILES = ("train.json", "valid.json", "test.json")


class _Record(msgspec.Struct):
    uid: str
    img0: str
    img1: str
    sents: list[str]

    @property
    def title(self) -> str:
        return f"pair {self.uid}"


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos, assumed = Photos(images), pixels(size)

    def make(record: _Record, where: str) -> GroupItem:
        captions = tuple(filter(None, map(str.strip, record.sents)))
        if not captions:
            raise RelataError("has no sentence, so nothing is said of the edit; leave the record out")
        shown = [photos.look_up(name, assume=assumed) for name in (record.img0, record.img1)]
        return pair(record.uid, shown, short(annotations), "image_editing", captions=captions)

    return (yield from each(annotations, pieces(annotations), _Record, make))
