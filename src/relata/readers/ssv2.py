"""`ssv2`: Something-Something v2, clips of somebody doing something with things, and the sentence that says what.

Labels are `[{id, label, template, placeholders}]` (the test set has ids alone, which is not enough). A clip becomes a
group of frames, evenly spread and in the order of time (`Group.order`), whose caption is the label. Frames are looked
for in `<id>/`; see docs/read-groups.md for the line that extracts them.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._clips import Clips, Frames, Length, spread
from relata.readers._draft import Draft
from relata.readers._groups import grouped
from relata.readers._json import each, pieces, short
from relata.readers._outcome import GroupItem, Records

FILES = ("*train*.json", "*validation*.json")


class _Record(msgspec.Struct):
    id: str
    label: str
    template: str = ""
    placeholders: list[str] = []

    @property
    def title(self) -> str:
        return f"clip {self.id}"


def read(
    annotations: Path, images: Path | None, *, frames: Frames = 4, n_frames: Length = 0, size: str = ""
) -> Records:
    """Groups of one file of labels.

    Args:
        frames: how many frames of a clip to take, at most.
        n_frames: how many frames each clip has, where no folder of frames is named (they are then `<id>/000001.jpg`).
        size: e.g. `427x240`: the size in pixels to assume where no frame tells it (provenance `size: assumed`).
    """
    clips, file = Clips(images, n_frames, size), short(annotations)

    def make(record: _Record, where: str) -> GroupItem:
        if not record.label.strip():
            raise RelataError("its label is empty, so nothing is said of the clip; leave the record out")
        taken = spread(list(clips.frames(record.id).items()), frames)
        draft = Draft(where, "ssv2")
        scenes = [clips.scene(draft, record.id, number, path, file) for number, path in taken]
        template = record.template.replace("[", "").replace("]", "")
        about = {"label": template, "placeholders": "; ".join(record.placeholders)}
        provenance = {"relation": "same order", "clip": record.id} | {k: v for k, v in about.items() if v}
        order, captions = tuple(range(len(scenes))), (record.label.strip(),)
        return grouped(record.id, scenes, file, "ssv2", order=order, captions=captions, provenance=provenance)

    return (yield from each(annotations, pieces(annotations), _Record, make))
