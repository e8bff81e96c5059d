"""Scenes out of files laid out like COCO's, for `coco` and `lvis`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from relata.errors import RelataError
from relata.readers._coco_files import Caption, Entry, Instance, Segment, Source, gather
from relata.readers._draft import Draft
from relata.readers._join import joined
from relata.readers._masks import segmentation, segments
from relata.readers._outcome import Item, Partial, Records, Rejected
from relata.readers._photos import Photo, Photos
from relata.scene import Mask


def scenes(
    source: str, files: Sequence[Path], images: Path | None, rename: Callable[[str], str], masks: bool, crowd: bool
) -> Records:
    """One scene per image that the files name, whatever they say about it.

    Args:
        source: name of the format.
        rename: what becomes of a label.
        masks: read masks too.
        crowd: keep the boxes around groups (`iscrowd`).
    """
    entries: dict[int, Entry] = {}
    lost = 0
    for path in files:
        for rejected in gather(path, entries, rename):
            lost += not rejected.part
            yield rejected
    photos = Photos(images)
    for entry in entries.values():
        try:
            yield _scene(entry, source, photos, masks, crowd)
        except RelataError as error:
            yield Rejected(entry.where, str(error))
    return len(entries) + lost


def _scene(entry: Entry, source: str, photos: Photos, masks: bool, crowd: bool) -> Item:
    if entry.refused:
        raise RelataError(entry.refused)
    photo = photos.look_up(entry.image.name, (entry.image.width, entry.image.height))
    things, stuff, captions = Draft(entry.where, source), Draft(entry.where, source), []
    things.problems += entry.problems
    for annotation, file in entry.annotations:
        if isinstance(annotation, Caption):
            captions.append(annotation.caption.strip())
        elif isinstance(annotation, Instance):
            if crowd or not annotation.iscrowd:
                _region(things, annotation, file, _polygons(things, annotation, photo) if masks else None)
        else:
            png = file.path.with_suffix("") / annotation.file_name  # COCO's folder of PNGs has the JSON file's name
            ids = [segment.id for segment in annotation.segments_info]
            shapes = segments(stuff, png, file.path.parent, ids, photo) if masks else {}
            for segment in annotation.segments_info:
                if crowd or not segment.iscrowd:
                    _region(stuff, segment, file, shapes.get(segment.id))
    if "" in captions:
        things.problem("captions", "one of them is empty")
    id = str(entry.image.id)
    first = things.finish(id, photo, entry.file, captions=tuple(filter(None, captions)))
    return _together(first, stuff.finish(id, photo, entry.file)) if stuff.regions or stuff.problems else first


def _region(draft: Draft, thing: Instance | Segment, file: Source, mask: Mask | None) -> None:
    label = file.labels.get(thing.category_id)
    if label is None:
        draft.no_region(thing.id, f"has category {thing.category_id}, which `categories` does not hold")
        return
    x, y, width, height = thing.bbox
    group = f"a group: {label}" if thing.iscrowd else None
    draft.region(thing.id, label, (x, y, x + width, y + height), description=group, mask=mask)


def _polygons(draft: Draft, thing: Instance, photo: Photo) -> Mask | None:
    try:
        return segmentation(thing.segmentation, photo.width, photo.height)
    except RelataError as error:
        draft.problem(f"mask of region {thing.id}", str(error))
        return None


def _together(*items: Item) -> Item:
    drawn = [item.scene if isinstance(item, Partial) else item for item in items if not isinstance(item, Rejected)]
    problems = tuple(problem for item in items if isinstance(item, Partial) for problem in item.problems)
    scene = joined(drawn)
    return Partial(scene, problems) if problems else scene
