"""Groups out of scenes: pairs of images with sentences about them, and frames of clips."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import Titled, each, pieces, short
from relata.readers._outcome import GroupItem, Partial, PartialGroup, Records, Rejected
from relata.readers._photos import Photo, Photos, pixels
from relata.scene import Group, Link, Scene


def grouped(
    id: str, scenes: Sequence[Scene | Partial], file: str, source: str, problems: Sequence[Rejected] = (), **rest: Any
) -> Group | PartialGroup:
    """The scenes as a group, with the problems of all of them; `rest` are further fields of the group.

    Regions that share an identity are linked, each to the next scene that shows it.

    Raises:
        RelataError: on fewer than two scenes.
    """
    drawn = tuple(scene.scene if isinstance(scene, Partial) else scene for scene in scenes)
    found = [problem for scene in scenes if isinstance(scene, Partial) for problem in scene.problems]
    provenance = {"format": source, "file": file, **rest.pop("provenance", {})}
    group = Group(id, drawn, links=_followed(drawn), provenance=provenance, **rest)
    return PartialGroup(group, (*problems, *found)) if problems or found else group


def pair(
    id: str, photos: Sequence[Photo], file: str, source: str, problems: Sequence[Rejected] = (), **rest: Any
) -> Group | PartialGroup:
    """A group of images of which only texts are known; a scene's id is the image's path."""
    scenes = [Draft(file, source).finish(photo.image, photo, file) for photo in photos]
    return grouped(id, scenes, file, source, problems, **rest)


class Told(Titled, Protocol):
    """A published record of a pair and what is said of it."""

    @property
    def id(self) -> str: ...

    @property
    def images(self) -> tuple[str, str]:
        """Names of the two photos."""
        ...

    @property
    def texts(self) -> Sequence[str]: ...


def told(annotations: Path, images: Path | None, size: str, source: str, record: type[Told]) -> Records:
    """Groups of one file of pairs with sentences, which become the captions; `size` as option of the readers."""
    photos, assumed, file = Photos(images), pixels(size), short(annotations)

    def make(record: Told, where: str) -> GroupItem:
        captions = tuple(filter(None, map(str.strip, record.texts)))
        if not captions:
            raise RelataError("has no sentence, so nothing is said of the pair; leave the record out")
        shown = [photos.look_up(name, assume=assumed) for name in record.images]
        return pair(record.id, shown, file, source, captions=captions)

    return (yield from each(annotations, pieces(annotations), record, make))


def beside(path: Path, images: Path | None, root: Path) -> Photo:
    """A photo that lies among its annotations: path relative to the folder of images, or to `root` if none was named;
    size from its header.

    Raises:
        RelataError: if there is no such photo, or its size cannot be told.
    """
    below, base = (Path(os.path.abspath(place)) for place in (path, root if images is None else images))
    if images is not None and not below.is_relative_to(base):
        return Photos(images).look_up(path.name)  # the annotations lie elsewhere
    return Photos(base).look_up(below.relative_to(base).as_posix())


def _followed(scenes: Sequence[Scene]) -> tuple[Link, ...]:
    last: dict[str, tuple[int, int]] = {}
    links = []
    for index, scene in enumerate(scenes):
        for region in scene.regions:
            if region.identity is not None:
                if region.identity in last:
                    links.append(Link(last[region.identity], (index, region.id)))
                last[region.identity] = (index, region.id)
    return tuple(links)
