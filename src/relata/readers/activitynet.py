"""`activitynet`: ActivityNet Captions, long clips with sentences about what happens when.

A file is `{clip: {duration, timestamps: [[start, end]], sentences}}`, in seconds. A clip becomes a group with one frame
per event, from the middle of its time, in the order of time (`Group.order`), with the sentence as that frame's caption.
Frames have to be extracted evenly over the whole clip, at any rate: a moment is found by its share of the duration. Of
events that meet in one frame, the first is kept. A clip with fewer than two events has no order and is rejected.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._clips import Clips, Length
from relata.readers._draft import Draft
from relata.readers._groups import grouped
from relata.readers._json import keyed, load, short
from relata.readers._outcome import GroupItem, Records, Rejected

FILES = ("train.json", "val_1.json", "val_2.json")


class _Clip(msgspec.Struct):
    duration: float
    timestamps: list[tuple[float, float]]
    sentences: list[str]


def read(annotations: Path, images: Path | None, *, n_frames: Length = 0, size: str = "") -> Records:
    """Groups of one file.

    Args:
        n_frames: how many frames each clip has, where no folder of frames is named (`<clip>/000001.jpg`).
        size: e.g. `320x240`: the size in pixels to assume where no frame tells it (provenance `size: assumed`).
    """
    clips, file = Clips(images, n_frames, size), short(annotations)

    def make(id: str, clip: _Clip, where: str) -> GroupItem:
        problems: list[Rejected] = []
        frames = list(clips.frames(id).items())
        draft, at = Draft(where, "activitynet"), dict[int, str]()
        for number, (middle, text) in enumerate(sorted(_events(clip, where, problems))):
            position = min(int(middle / clip.duration * len(frames)), len(frames) - 1)
            if position in at:
                what = f"{text!r} is at second {middle:g}, of which another event has the frame; extract more frames"
                problems.append(Rejected(f"{where} event {number} in time", what, part=True))
            else:
                at[position] = text
        if len(at) < 2:
            raise RelataError(f"has {len(at)} event(s) in frames of their own; an order needs two")
        scenes = [clips.scene(draft, id, *frames[position], file, captions=(text,)) for position, text in at.items()]
        provenance = {"relation": "same order", "clip": id}
        order = tuple(range(len(scenes)))
        return grouped(id, scenes, file, "activitynet", problems, order=order, provenance=provenance)

    return (yield from keyed(annotations, load(annotations, dict[str, msgspec.Raw]), "clip", _Clip, make))


def _events(clip: _Clip, where: str, problems: list[Rejected]) -> list[tuple[float, str]]:
    """Middle in seconds and sentence of every event that is in the clip."""
    if clip.duration <= 0:
        raise RelataError(f"duration is {clip.duration:g} s; mend it in the file")
    if len(clip.timestamps) != len(clip.sentences):
        count = f"{len(clip.timestamps)} timestamps, but {len(clip.sentences)} sentences"
        raise RelataError(f"has {count}; mend them in the file")
    events = []
    for number, ((start, end), text) in enumerate(zip(clip.timestamps, clip.sentences)):
        middle = (start + end) / 2
        if not text.strip():
            problems.append(Rejected(f"{where} sentence {number}", "is empty; write it or leave it out", part=True))
        elif not 0 <= middle <= clip.duration:
            what = f"lasts from second {start:g} to {end:g}, but the clip {clip.duration:g} s; mend it in the file"
            problems.append(Rejected(f"{where} sentence {number}", what, part=True))
        else:
            events.append((middle, text.strip()))
    return events
