"""`localized_narratives`: captions spoken while a mouse pointed (JSON Lines of COCO, Flickr30k, ADE20K, Open Images).

One scene per image, with the captions of all its narrators, whichever of the files they are in. Where the mouse was
while a few words were spoken can become a region: the box around the points of the trace, in shares of the image.
Such a box is what the narrator pointed at, not a drawn box; points outside the image count as its edge. Sizes of
photos are not published: name the folder of photos, or give the option `size`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, short
from relata.readers._lines import line_at, lines
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photo, Photos, pixels, scaled

FILES = ("*localized_narratives*.jsonl", "*.jsonl")


class _Key(msgspec.Struct):
    dataset_id: str
    image_id: str


class _Spoken(msgspec.Struct):
    utterance: str
    start_time: float
    end_time: float


class _Point(msgspec.Struct, gc=False):
    x: float
    y: float
    t: float


class _Narrative(_Key):
    caption: str
    timed_caption: list[_Spoken] = []
    traces: msgspec.Raw = msgspec.Raw(b"[]")  # long, and needed for regions only


class _Place(NamedTuple):
    """Where a narrative stands: which file, which record, and where its line begins."""

    file: int
    number: int
    offset: int


def join(files: Sequence[Path], images: Path | None, *, traces: bool = False, size: str = "") -> Records:
    """Scenes of files of narratives.

    Args:
        traces: make a region of each timed utterance, labelled with its words.
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos, assumed = Photos(images), pixels(size)
    narratives: dict[tuple[str, str], list[_Place]] = {}
    lost = 0
    for index, path in enumerate(files):
        for number, (offset, line) in enumerate(lines(path)):
            try:
                key = decode(line, _Key)
                image = (sys.intern(key.dataset_id), key.image_id)
                narratives.setdefault(image, []).append(_Place(index, number, offset))
            except RelataError as error:
                lost += 1
                yield Rejected(f"{short(path)}: record {number}", str(error))
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(path.open("rb")) for path in files]
        for (dataset, id), places in narratives.items():
            file = "; ".join(dict.fromkeys(short(files[place.file]) for place in places))
            draft = Draft(f"{file}: image {id}", "localized_narratives")
            own = [(place.number, line_at(opened[place.file], place.offset)) for place in places]
            try:
                photo = photos.look_up(_photo(dataset, id), assume=assumed)
                yield _scene(draft, dataset, id, own, photo, traces, file)
            except RelataError as error:
                yield Rejected(draft.where, str(error))
    return lost + len(narratives)


def _scene(
    draft: Draft, dataset: str, id: str, own: Sequence[tuple[int, bytes]], photo: Photo, traces: bool, file: str
) -> Item:
    captions = []
    for number, raw in own:
        try:
            narrative = decode(raw, _Narrative)
            captions.append(narrative.caption.strip())
            if traces:
                _regions(draft, number, narrative, photo)
        except RelataError as error:
            draft.problem(f"in record {number}", str(error))
    if not captions:
        raise RelataError(draft.problems[0].reason)
    said = tuple(dict.fromkeys(filter(None, captions)))
    return draft.finish(id, photo, file, captions=said, provenance={"dataset": dataset})


def _regions(draft: Draft, number: int, narrative: _Narrative, photo: Photo) -> None:
    strokes = decode(narrative.traces, list[list[_Point]])
    points = [point for stroke in strokes for point in stroke]
    for place, spoken in enumerate(narrative.timed_caption):
        words = spoken.utterance.strip(" .,;:!?\"'")
        here = [point for point in points if spoken.start_time <= point.t <= spoken.end_time]
        if not words or not here:
            continue  # the mouse rested outside: nothing was pointed at
        xs = [min(max(point.x, 0.0), 1.0) for point in here]
        ys = [min(max(point.y, 0.0), 1.0) for point in here]
        if min(xs) < max(xs) and min(ys) < max(ys):
            box = scaled((min(xs), min(ys), max(xs), max(ys)), photo.width, photo.height)
            draft.region(draft.free(), words, box)
        else:
            draft.problem(
                f"utterance {place} of record {number} ({words})", "its trace has no extent, so it has no box"
            )


def _photo(dataset: str, id: str) -> str:
    """COCO's photos are numbered; the others are named by their id."""
    return f"{id:>012}.jpg" if dataset.startswith("mscoco") else f"{id}.jpg"
