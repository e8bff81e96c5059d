"""`lvis`: LVIS instances, v0.5 and v1: COCO's photos and layout with 1203 classes.

Boxes are x, y, width, height in pixels. Class names are written as `teddy_bear` and `bat_(animal)`. Not every object of
a class is annotated in every photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relata.readers._coco import scenes
from relata.readers._outcome import Records
from relata.readers._words import clean

FILES = ("lvis_*.json",)


def join(files: Sequence[Path], images: Path | None, *, masks: bool = False, clean_labels: bool = False) -> Records:
    """Scenes of LVIS files.

    Args:
        masks: read masks from the polygons.
        clean_labels: `bat_(animal)` becomes `bat`, `teddy_bear` becomes `teddy bear`.
    """
    return (yield from scenes("lvis", files, images, clean if clean_labels else str, masks, crowd=True))
