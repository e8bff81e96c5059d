"""`vidvrd`: relations in video, ImageNet-VidVRD and VidOR (a JSON file per clip), and lists of relations without boxes.

A clip is `{video_id, width, height, subject/objects: [{tid, category}], trajectories: [[{tid, bbox: {xmin, ymin, xmax,
ymax}}]], relation_instances: [{subject_tid, object_tid, predicate, begin_fid, end_fid}]}`, trajectories by frame, the
end of a relation not included. It becomes a group of frames, evenly spread over those with boxes and in the order of
time (`Group.order`). Region ids are the `tid`, and the same `tid` is the same individual. A relation is in every frame
between its begin and end.

A list, as vRGV publishes it, is `[[clip, frames, width, height, "dog-stand_behind-frisbee"]]`; the relations of a clip
become the captions of its group, whose frames have no regions. Frames are looked for in `<clip>/`.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._clips import Clips, Frames, Length, spread
from relata.readers._draft import Draft
from relata.readers._groups import grouped
from relata.readers._json import decode, load, short
from relata.readers._outcome import GroupItem, Records, Rejected

FILES = ("*.json", "*/*.json")


class _Thing(msgspec.Struct):
    tid: int
    category: str


class _Corners(msgspec.Struct, gc=False):
    xmin: float
    ymin: float
    xmax: float
    ymax: float


class _Seen(msgspec.Struct, gc=False):
    tid: int
    bbox: _Corners


class _Relation(msgspec.Struct, gc=False):
    subject_tid: int
    object_tid: int
    predicate: str
    begin_fid: int
    end_fid: int


class _Clip(msgspec.Struct, rename={"things": "subject/objects"}):
    video_id: str
    width: int
    height: int
    things: list[_Thing]
    trajectories: list[list[_Seen]]
    relation_instances: list[_Relation]
    video_path: str = ""

    @property
    def folders(self) -> tuple[str, ...]:
        """Where frames may lie: VidOR keeps its videos in folders of their own."""
        return self.video_id, *([self.video_path.rpartition(".")[0]] if self.video_path else [])


class _Line(msgspec.Struct, array_like=True):
    clip: str
    frames: Length
    width: int
    height: int
    relation: str


def read(annotations: Path, images: Path | None, *, frames: Frames = 4) -> Records:
    """The group of one clip, or those of a list.

    Args:
        frames: how many frames of a clip to take, at most.
    """
    clips, file = Clips(images), short(annotations)
    try:
        held = load(annotations, msgspec.Raw)
        if bytes(held).startswith(b"["):
            return (yield from _listed(decode(held, list[msgspec.Raw]), clips, frames, file))
        yield _group(decode(held, _Clip), clips, frames, file)
    except RelataError as error:
        yield Rejected(file, str(error))
    return 1


def _group(clip: _Clip, clips: Clips, most: int, file: str) -> GroupItem:
    labels = {thing.tid: _words(thing.category) for thing in clip.things}
    found = clips.frames(*clip.folders, length=len(clip.trajectories))
    with_boxes = [number for number, seen in enumerate(clip.trajectories) if seen and number in found]
    scenes = []
    for number in spread(with_boxes, most):
        draft = Draft(f"{file}: frame {number}", "vidvrd")
        for seen in clip.trajectories[number]:
            box = seen.bbox
            corners = (box.xmin, box.ymin, box.xmax, box.ymax)
            if seen.tid in labels:
                draft.region(seen.tid, labels[seen.tid], corners, identity=f"{clip.video_id}/{seen.tid}")
            else:
                draft.no_region(seen.tid, "has a box, but no category in `subject/objects`")
        for relation in clip.relation_instances:
            if relation.begin_fid <= number < relation.end_fid:
                draft.relation(relation.subject_tid, _words(relation.predicate), relation.object_tid)
        size = clip.width, clip.height
        scenes.append(clips.scene(draft, clip.video_id, number, found[number], file, size))
    provenance = {"relation": "same order", "clip": clip.video_id}
    return grouped(clip.video_id, scenes, file, "vidvrd", order=tuple(range(len(scenes))), provenance=provenance)


def _listed(lines: list[msgspec.Raw], clips: Clips, most: int, file: str) -> Records:
    said: dict[tuple[str, int, int, int], dict[str, None]] = {}  # sentences in order, once each
    for number, raw in enumerate(lines):
        try:
            line = decode(raw, _Line)
            if line.relation.count("-") != 2:
                raise RelataError(f"{line.relation!r} is not written as subject-predicate-object; mend it in the file")
        except RelataError as error:
            yield Rejected(f"{file}: record {number}", str(error), part=True)
        else:
            clip = line.clip, line.frames, line.width, line.height
            said.setdefault(clip, {})[_words(line.relation.replace("-", " "))] = None
    for (id, length, width, height), sentences in said.items():
        where = f"{file}: clip {id}"
        try:
            taken = spread(list(clips.frames(id, length=length).items()), most)
            draft = Draft(where, "vidvrd")
            scenes = [clips.scene(draft, id, number, path, file, (width, height)) for number, path in taken]
            provenance = {"relation": "same order", "clip": id}
            order, captions = tuple(range(len(scenes))), tuple(sentences)
            yield grouped(id, scenes, file, "vidvrd", order=order, captions=captions, provenance=provenance)
        except RelataError as error:
            yield Rejected(where, str(error))
    return len(said)


def _words(name: str) -> str:
    return name.replace("_", " ").strip()
