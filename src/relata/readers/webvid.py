"""`webvid`: WebVid, clips of stock video with a caption each; CSV with `videoid` and `name` (the caption).

A clip becomes a group of frames, evenly spread and in the order of time (`Group.order`), whose caption is the clip's.
RelationVLM takes 4 frames per clip (section 3.2). Frames are looked for in `<videoid>/` and `<page_dir>/<videoid>/`.
"""

from __future__ import annotations

from pathlib import Path

from relata.errors import RelataError, near
from relata.readers._clips import Clips, Frames, Length, spread
from relata.readers._draft import Draft
from relata.readers._groups import grouped
from relata.readers._json import short
from relata.readers._outcome import GroupItem, Records, Rejected
from relata.readers._tables import Row, columns, rows

FILES = ("*.csv",)


def read(
    annotations: Path, images: Path | None, *, frames: Frames = 4, n_frames: Length = 0, size: str = ""
) -> Records:
    """Groups of one CSV.

    Args:
        frames: how many frames of a clip to take, at most.
        n_frames: how many frames each clip has, where no folder of frames is named (`<videoid>/000001.jpg`).
        size: e.g. `596x336`: the size in pixels to assume where no frame tells it (provenance `size: assumed`).
    """
    names = columns(annotations)
    for wanted in ("videoid", "name"):
        if wanted not in names:
            raise RelataError(f"{annotations}: no column {wanted}; {near(wanted, names)}")
    clips, file = Clips(images, n_frames, size), short(annotations)
    count = 0
    for line, row in rows(annotations):
        count += 1
        where = f"{file}: line {line}"
        try:
            if isinstance(row, RelataError):
                raise row
            yield _group(row, clips, frames, where, file)
        except RelataError as error:
            yield Rejected(where, str(error))
    return count


def _group(row: Row, clips: Clips, most: int, where: str, file: str) -> GroupItem:
    id, text = row["videoid"], row["name"]
    if not (id and text):
        raise RelataError(f"videoid is {id!r}, name {text!r}; both are needed, mend the line in the file")
    folders = [f"{row['page_dir']}/{id}"] if row.get("page_dir") else []
    draft = Draft(f"{where} (clip {id})", "webvid")
    taken = spread(list(clips.frames(id, *folders).items()), most)
    scenes = [clips.scene(draft, id, number, path, file) for number, path in taken]
    about = {"relation": "same order", "clip": id, "duration": row.get("duration", "")}
    provenance = {key: value for key, value in about.items() if value}
    return grouped(id, scenes, file, "webvid", order=tuple(range(len(scenes))), captions=(text,), provenance=provenance)
