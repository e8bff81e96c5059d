"""`merge` and `read_many`: what several sources say about one photo, as one scene."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from relata.errors import RelataError, unknown
from relata.names import component
from relata.readers._join import joined
from relata.readers._outcome import Records, Rejected
from relata.readers._photos import same_photo
from relata.readers._reading import Reading, options_of, read
from relata.scene import Group, Scene


def merge(readings: Iterable[Iterable[Scene | Group]], by: Callable[[Scene], str] = same_photo) -> Reading[Scene]:
    """One scene per photo. All scenes are held in memory until the last source has been read.

    Sources that come first have the say: their labels, boxes and sizes stay. Regions that coincide become one, which
    keeps the attributes and the description of both; relations follow their regions, and the same relation said by two
    sources is kept once; captions are kept once each. Provenance names every source. A scene whose size disagrees with
    the photo's first one is rejected. Rejections and problems of the sources come along.

    Args:
        readings: what `read` gave, or any scenes.
        by: what tells photos apart; it becomes the id of the scene. The default is COCO's twelve digits, which the 2014
            and 2017 names of a photo share, or else the image's path.

    Raises:
        RelataError: while reading, on a source that gives groups: two texts about a pair do not add up to one.
    """
    sources = tuple(readings)
    return Reading("merge", lambda: _merged(sources, by))


def read_many(specs: Sequence[str], images: str | os.PathLike[str] | None = None, **options: Any) -> Reading[Scene]:
    """One scene per photo from several annotations, each written `format=path`, e.g. `["coco=coco/", "psg=psg.json"]`.

    An option goes to every reader that has it.

    Raises:
        RelataError: on a spec that is not `format=path`, an option that none of the readers has, and as `read`.
    """
    pairs = [_pair(spec) for spec in specs]
    known = {format: options_of(component("readers", format)) for format, _ in pairs}
    everywhere = {name for names in known.values() for name in names}
    for name in options:
        if name not in everywhere:
            unknown(f"option of {', '.join(known)}", name, everywhere)
    return merge(
        read(format, path, images, **{name: value for name, value in options.items() if name in known[format]})
        for format, path in pairs
    )


def _pair(spec: str) -> tuple[str, str]:
    format, mark, path = spec.partition("=")
    if not (format and mark and path):
        raise RelataError(f"annotations are named format=path, e.g. psg=data/psg.json, not {spec!r}")
    return format, path


def _merged(sources: Sequence[Iterable[Scene | Group]], by: Callable[[Scene], str]) -> Records:
    photos: dict[str, list[Scene]] = {}
    rejected = 0
    for source in sources:
        for item in source.items() if isinstance(source, Reading) else source:
            if isinstance(item, Group):
                raise RelataError(f"group {item.id} cannot be merged: only scenes of one photo can; read it by itself")
            if isinstance(item, Scene):
                photos.setdefault(by(item), []).append(item)
            else:
                rejected += not item.part
                yield item
    total = len(photos)
    for key in list(photos):
        agreed: list[Scene] = []
        for outcome in _one_size(photos.pop(key)):
            if isinstance(outcome, Scene):
                agreed.append(outcome)
            else:
                rejected += 1
                yield outcome
        yield joined(agreed).replace(id=key)
    return total + rejected


def _one_size(scenes: Sequence[Scene]) -> Iterator[Scene | Rejected]:
    """The scenes that agree on the photo's size. One that was guessed from boxes gives way to one that is known."""
    known = [scene for scene in scenes if "size" not in scene.provenance]
    width = known[0].width if known else max(scene.width for scene in scenes)
    height = known[0].height if known else max(scene.height for scene in scenes)
    for scene in scenes:
        where = f"{scene.provenance.get('file', 'scene')}: image {scene.id}"
        if (scene.width, scene.height) == (width, height):
            yield scene
        elif "size" in scene.provenance:
            try:
                provenance = {key: value for key, value in scene.provenance.items() if key != "size"}
                yield scene.replace(width=width, height=height, provenance=provenance if known else scene.provenance)
            except RelataError as error:
                yield Rejected(where, str(error))
        else:
            yield Rejected(
                where,
                f"{scene.image} is {scene.width} x {scene.height} here, but {width} x {height} in"
                f" {known[0].provenance.get('file', known[0].id)}; leave out the source whose photo was resized",
            )
