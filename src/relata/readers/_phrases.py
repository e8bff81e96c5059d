"""Phrases about a part of a photo, as Visual Genome collects them beside its objects."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relata.errors import RelataError
from relata.geometry import iou_matrix
from relata.readers._draft import Draft
from relata.readers._join import IOU_SAME_LABEL
from relata.scene import Box

#: Label of a region that is known by its phrase only.
UNNAMED = "region"


def describe(draft: Draft, phrases: Iterable[tuple[Sequence[float], str]], keep: bool) -> None:
    """Make each phrase the description of the region that its box coincides with, if any.

    Args:
        phrases: box (x1, y1, x2, y2 in pixels) and text.
        keep: make regions labelled `region` of the others, instead of leaving them out.
    """
    said: list[tuple[Box, str]] = []
    for number, (corners, text) in enumerate(phrases):
        try:
            said.append((Box(*corners), text.strip()))
        except RelataError as error:
            draft.problem(f"phrase {number} ({text.strip()})", f"{error}; mend the box in the file")
    if not said:
        return
    regions = list(draft.regions.values())
    shared = iou_matrix([region.box for region in regions], [box for box, _ in said])
    free = draft.free()
    for column, (box, text) in enumerate(said):
        best = int(shared[:, column].argmax()) if regions else -1
        if regions and shared[best, column] >= IOU_SAME_LABEL:
            region = draft.regions[regions[best].id]
            words = f"{region.description}; {text}" if region.description else text
            draft.regions[region.id] = region.replace(description=words)
        elif keep:
            draft.region(free, UNNAMED, box.tuple(), description=text)
            free += 1
