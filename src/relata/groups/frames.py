"""`frames`: a few frames of one clip, in the order of time.

R = 1 where scenes are frames of one clip, so named by `provenance["clip"]`, or, with `folders`, by the folder of the
image. Their order is `provenance["frame"]`, else the last number in the file's name. RelationVLM takes 4 per clip.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import PurePosixPath
from typing import Annotated

from msgspec import Meta

from relata.errors import RelataError
from relata.groups._collect import Count
from relata.scene import Group, Scene


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    size: Annotated[int, Meta(ge=2)] = 4,
    most: Count = 1,
    folders: bool = False,
) -> Iterator[Group]:
    """Groups of frames, evenly spread over their clip from a random start. A clip with fewer frames gives none.

    Args:
        size: frames per group.
        most: groups per clip, at most; they start at different frames.
        folders: each folder of pictures is a clip. Not taken for granted: most data sets keep unrelated photos in one.

    Raises:
        RelataError: if a scene does not say its clip, or the frames of a clip do not come one after the other, or have
            no order.
    """
    seen: set[str] = set()
    for clip, frames in groupby(scenes, key=lambda scene: clip_of(scene, folders)):
        if clip in seen:
            raise RelataError(f"the frames of clip {clip!r} do not come one after the other; sort the scenes by clip")
        seen.add(clip)
        ordered = sorted(frames, key=frame_of)
        step, spare = divmod(len(ordered), size)
        starts = range(step + spare if step else 0)  # every start from which `size` frames fit
        for start in sorted(rng.sample(starts, min(most, len(starts)))):
            chosen = ordered[start : start + step * size : step][:size]
            provenance = {"relation": "same order", "clip": clip, "label": ", ".join(chosen[0].labels)}
            yield Group(f"{clip}/{frame_of(chosen[0])}", tuple(chosen), (), tuple(range(size)), provenance)


def clip_of(scene: Scene, folders: bool) -> str:
    """The clip that a frame belongs to.

    Raises:
        RelataError: if it does not say so, and its folder does not tell either.
    """
    if clip := scene.provenance.get("clip"):
        return clip
    if folders:
        return str(PurePosixPath(scene.image).parent)
    raise RelataError(
        f"scene {scene.id} does not say of which clip it is a frame; give provenance 'clip', or the option "
        "folders=true where each folder of pictures is a clip"
    )


def frame_of(scene: Scene) -> int:
    """The number of a frame in its clip.

    Raises:
        RelataError: if it has none.
    """
    given = scene.provenance.get("frame") or next(iter(re.findall(r"\d+", PurePosixPath(scene.image).stem)[::-1]), "")
    if not given.isdigit():
        raise RelataError(
            f"scene {scene.id}: {scene.image} has no frame number; give provenance 'frame' or number the files"
        )
    return int(given)
