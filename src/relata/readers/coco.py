"""`coco`: COCO instances, captions and panoptic segments, any of them together, joined by image id.

Boxes are x, y, width, height in pixels. What a file holds is seen from its annotations, not from its name, so person
keypoints and other files laid out like COCO's are read too. Region ids are annotation and segment ids. A panoptic
segment that coincides with an instance becomes one region with it (see `merge`). A box around a group (`iscrowd`) is
described as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relata.readers._coco import scenes
from relata.readers._outcome import Records
from relata.readers._words import clean

FILES = ("instances_*.json", "captions_*.json", "panoptic_*[0-9].json")


def join(
    files: Sequence[Path],
    images: Path | None,
    *,
    masks: bool = False,
    crowd: bool = True,
    clean_labels: bool = False,
) -> Records:
    """Scenes of any files of COCO.

    Args:
        masks: read masks: polygons and run lengths of instances, PNGs of panoptic segments (from the folder beside the
            JSON file that has its name).
        crowd: keep boxes around groups.
        clean_labels: `sky-other-merged` becomes `sky`.
    """
    return (yield from scenes("coco", files, images, clean if clean_labels else str, masks, crowd))
