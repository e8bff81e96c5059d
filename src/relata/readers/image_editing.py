"""`image_editing`: Image Editing Request, photos before and after an edit with sentences that ask for it.

A record is `{uid, img0, img1, sents}`. It becomes a group of two scenes, before and after, whose captions are the
sentences. Sizes are not published: name the folder of photos, or give `size`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.readers._groups import told
from relata.readers._outcome import Records

FILES = ("train.json", "valid.json", "test.json")


class _Record(msgspec.Struct, rename={"id": "uid", "before": "img0", "after": "img1", "texts": "sents"}):
    id: str
    before: str
    after: str
    texts: list[str]

    @property
    def title(self) -> str:
        return f"pair {self.id}"

    @property
    def images(self) -> tuple[str, str]:
        return self.before, self.after


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    return told(annotations, images, size, "image_editing", _Record)
