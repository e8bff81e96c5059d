"""`spot_the_diff`: Spot-the-Diff, pairs of frames of a still camera with sentences about what differs.

A record is `{img_id, sentences}`; its images are `<img_id>.png` and `<img_id>_2.png`. It becomes a group of two scenes
whose captions are the sentences. Sizes are not published: name the folder of photos, or give `size`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.readers._groups import told
from relata.readers._outcome import Records

FILES = ("train.json", "val.json", "test.json")


class _Record(msgspec.Struct, rename={"id": "img_id", "texts": "sentences"}):
    id: str
    texts: list[str]

    @property
    def title(self) -> str:
        return f"pair {self.id}"

    @property
    def images(self) -> tuple[str, str]:
        return f"{self.id}.png", f"{self.id}_2.png"


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    return told(annotations, images, size, "spot_the_diff", _Record)
