"""`action_genome`: Action Genome, what a person does with the things around, in frames of Charades clips.

Two files, pickles as published or the same as JSON, each by `<clip>/<frame>`: `object_bbox_and_relationship` holds the
objects, `{class, bbox: x, y, w, h, attention_relationship, spatial_relationship, contacting_relationship, visible}`;
`person_bbox` the person, `{bbox: [[x1, y1, x2, y2]], bbox_size: [width, height]}`. The person looks at and touches an
object; an object is in front of or beneath the person, so spatial relations run the other way. One scene per frame; the
person is region 0, objects are numbered from 1 as published, and those that cannot be seen in the frame have no box and
are no region. A scene's provenance names clip and frame, so the way `frames` makes groups of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, keyed, load, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photos
from relata.readers._pickles import load_pickle

FILES = tuple(f"{name}.{end}" for name in ("object_bbox_and_relationship", "person_bbox") for end in ("pkl", "json"))

#: Says that the annotator could not tell, or that no word fits.
_VAGUE = {"unsure", "other_relationship"}
_WORDS = {"have_it_on_the_back": "carrying on the back"}

Box4 = tuple[float, float, float, float]


class _Meta(msgspec.Struct, frozen=True):
    set: str = ""


class _Object(msgspec.Struct, rename={"label": "class"}):
    label: str
    bbox: Box4 | None = None
    attention_relationship: list[str] | None = None
    spatial_relationship: list[str] | None = None
    contacting_relationship: list[str] | None = None
    visible: bool = True
    metadata: _Meta = _Meta()


class _Person(msgspec.Struct):
    bbox: list[Box4]
    bbox_size: tuple[int, int]


def join(
    files: Sequence[Path],
    images: Path | None,
    *,
    split: Literal["all", "train", "test"] = "all",
    vague: bool = False,
) -> Records:
    """Scenes of the objects' files, with the persons of the others.

    Args:
        split: only frames of this part.
        vague: keep `unsure` and `other relationship`.
    """
    persons: dict[str, bytes | msgspec.Raw] = {}
    for path in files:
        if "person" in path.name:
            persons |= _frames(path)
    objects = [path for path in files if "person" not in path.name]
    if not (persons and objects):
        raise RelataError(f"Action Genome needs two files, {FILES[0]} and {FILES[2]}; name both, or their folder")
    photos, total = Photos(images), 0
    for path in objects:
        frames = {frame: raw for frame, raw in _frames(path).items() if split in ("all", _split(raw))}
        make = partial(_scene, persons=persons, photos=photos, file=short(path), vague=vague)
        total += yield from keyed(path, frames, "frame", list[_Object], make)
    return total


def _frames(path: Path) -> dict[str, bytes | msgspec.Raw]:
    """What a file holds, undecoded, by frame."""
    if path.suffix == ".json":
        return dict(load(path, dict[str, msgspec.Raw]))
    held = load_pickle(path)
    if not (isinstance(held, dict) and all(isinstance(key, str) for key in held)):
        raise RelataError(f"{path}: no mapping of frames. Is it a file of another format?")
    return {frame: _json(path, value) for frame, value in held.items()}


def _json(path: Path, value: Any) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=lambda array: array.tolist())
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise RelataError(f"{path}: holds what is no plain data ({error}). Is it a file of another format?") from error


def _split(raw: bytes | msgspec.Raw) -> str:
    try:
        return next((thing.metadata.set for thing in decode(raw, list[_Object])), "")
    except RelataError:
        return ""  # a damaged record is of no split; it is reported when it is read


def _scene(
    frame: str,
    things: list[_Object],
    where: str,
    *,
    persons: Mapping[str, bytes | msgspec.Raw],
    photos: Photos,
    file: str,
    vague: bool,
) -> Item:
    if frame not in persons:
        raise RelataError(
            "person_bbox does not hold this frame, so its size is not known; take the file of the release"
        )
    person = decode(persons[frame], _Person)
    draft = Draft(where, "action_genome")
    if person.bbox:
        draft.region(0, "person", person.bbox[0])  # the most confident one; relations are about nobody else
    else:
        draft.no_region(0, "was not found in this frame, so relations to it are left out", "person")
    for number, thing in enumerate(things, start=1):
        if thing.visible and thing.bbox is not None:
            x, y, w, h = thing.bbox
            draft.region(number, thing.label.replace("/", " or ").replace("_", " "), (x, y, x + w, y + h))
            _relations(draft, number, thing, vague)
    clip, _, name = frame.rpartition("/")
    number_in_clip = Path(name).stem
    provenance = {"clip": clip, **({"frame": number_in_clip} if number_in_clip.isdigit() else {})}
    return draft.finish(frame, photos.look_up(frame, person.bbox_size), file, provenance=provenance)


def _relations(draft: Draft, number: int, thing: _Object, vague: bool) -> None:
    """Everything that is said of the person and one object."""
    for said in (thing.attention_relationship, thing.contacting_relationship):
        for name in said or ():
            if vague or name not in _VAGUE:
                draft.relation(0, _WORDS.get(name, name.replace("_", " ")), number, "interactional")
    for name in thing.spatial_relationship or ():
        draft.relation(number, name.replace("_", " "), 0, "spatial")
