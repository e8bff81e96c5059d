"""`label_studio`: images annotated in Label Studio, its JSON export: shapes, and arrows between them.

Shapes are in percent of the image: rectangles (x, y, width, height, also turned), polygons, ellipses and brush strokes;
a box is the extent of its shape. The first label is the region's, further ones and choices about it are attributes,
texts about it its description; choices and texts about the whole image are labels and captions. An arrow with two
labels is two relations; one drawn to the left runs back; one both ways is two relations. Every annotation of a task is
a scene, called `task` or, where a task has several, `task/annotation`. Region ids are positions. The task as exported
goes along in the provenance, so that `formats/label_studio.py` can write it back without loss; a task that was written
there holds its scene, so what Label Studio has no place for comes back, too.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import decode, pieces, short
from relata.readers._label_studio import BEFORE, KEY, Result, fill, restored
from relata.readers._outcome import Item, Partial, Records, Rejected
from relata.readers._photos import Photos
from relata.scene import Scene, encode

FILES = ("*.json",)

#: Label Studio puts eight letters and a dash before the name of an uploaded file.
_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")


class _Annotation(msgspec.Struct):
    id: int | str = ""
    was_cancelled: bool = False
    result: list[msgspec.Raw] = []


class _Task(msgspec.Struct):
    data: dict[str, msgspec.Raw]
    annotations: list[msgspec.Raw]
    id: int | str = ""


def read(annotations: Path, images: Path | None, *, masks: bool = False) -> Records:
    """Scenes of one export, a scene per annotation; a task that nobody has annotated is a scene without regions.

    Args:
        masks: read masks of polygons, ellipses, strokes and turned rectangles too.
    """
    photos, file, total = Photos(images), short(annotations), 0
    for number, raw in enumerate(pieces(annotations)):
        where = f"{file}: record {number}"
        try:
            task = decode(raw, _Task)
            whole = decode(raw, dict[str, Any])
        except RelataError as error:
            total += 1
            yield Rejected(where, str(error))
            continue
        own = task.annotations or [msgspec.Raw(b"{}")]
        total += len(own)
        for place, one in enumerate(own):
            id = _text(task.data, "scene") or str(task.id if task.id != "" else number)
            spot = f"{file}: task {id}" + (f" annotation {place}" if len(own) > 1 else "")
            try:
                annotation = decode(one, _Annotation)
                if annotation.was_cancelled:
                    raise RelataError("was skipped by its annotator; it holds nothing to keep")
                if len(own) > 1:
                    id += f"/{annotation.id if annotation.id != '' else place}"
                origin = whole | {"annotations": whole["annotations"][place : place + 1]}
                yield _scene(id, task, annotation, Draft(spot, "label_studio"), photos, file, encode(origin), masks)
            except RelataError as error:
                yield Rejected(spot, str(error))
    return total


def _scene(
    id: str, task: _Task, annotation: _Annotation, draft: Draft, photos: Photos, file: str, origin: bytes, masks: bool
) -> Item:
    results, before = decoded(annotation.result, draft), _before(task, draft)
    sizes = ((r.original_width, r.original_height) for r in results)
    size = next(((width, height) for width, height in sizes if width and height), None)
    if before is not None:
        size = size or (before.width, before.height)
    photo = photos.look_up(_image(task.data, photos) if before is None else before.image, size)
    labels, captions = fill(draft, results, photo, masks)
    more = {KEY: origin.decode()}
    item = draft.finish(id, photo, file, labels=tuple(labels), captions=tuple(captions), provenance=more)
    if before is None:
        return item
    if isinstance(item, Partial):
        return Partial(restored(item.scene, before), item.problems)
    return restored(item, before)


def _before(task: _Task, draft: Draft) -> Scene | None:
    """The scene that the task was written from."""
    if BEFORE not in task.data:
        return None
    try:
        return decode(task.data[BEFORE], Scene)
    except RelataError as error:
        draft.problem(f"data.{BEFORE}", str(error))
        return None


def decoded(raws: Sequence[msgspec.Raw], draft: Draft) -> list[Result]:
    """The results that can be read; the others are reported to the draft."""
    results = []
    for number, raw in enumerate(raws):
        try:
            results.append(decode(raw, Result))
        except RelataError as error:
            draft.problem(f"result {number}", str(error))
    return results


def _text(data: dict[str, msgspec.Raw], name: str) -> str:
    """The text under a name; empty if there is none, or something else."""
    try:
        return msgspec.json.decode(data.get(name, b'""'), type=str)
    except msgspec.DecodeError:
        return ""


def _image(data: dict[str, msgspec.Raw], photos: Photos) -> str:
    """The photo of a task: `image`, or else the only text of its data, as a path without Label Studio's own ways."""
    texts = {name: text for name in data if (text := _text(data, name))}
    if "image" not in texts and len(texts) != 1:
        raise RelataError(
            f"data has no `image`, and {len(texts)} texts that could be its path; call the right one `image`"
        )
    address = texts.get("image") or next(iter(texts.values()), "")
    parts = urllib.parse.urlsplit(address)
    path = urllib.parse.parse_qs(parts.query).get("d", [""])[0] if parts.path.startswith("/data/local-files") else ""
    if not path:
        path = urllib.parse.unquote(parts.path) if parts.scheme or parts.path.startswith("/data/") else address
        path = path.rsplit("/", 1)[-1] if parts.scheme or path.startswith("/data/") else path
    if not path:
        raise RelataError(f"the image's address {address!r} names no file; mend it in the file")
    bare = _UPLOADED.sub("", path, count=1) if parts.path.startswith("/data/upload") else path
    found = photos.path(path)
    return found if found != path or photos.images is None or (photos.images / path).is_file() else photos.path(bare)
