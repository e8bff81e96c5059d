"""The layout of COCO's files, and everything that several of them say, gathered by image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._json import decode, load, short
from relata.readers._outcome import Rejected

Xywh = tuple[float, float, float, float]


class Category(msgspec.Struct):
    id: int
    name: str


class File(msgspec.Struct):
    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: list[Category] = []


class Image(msgspec.Struct):
    id: int
    width: int
    height: int
    file_name: str = ""
    coco_url: str = ""

    @property
    def name(self) -> str:
        """LVIS v1 names a photo by its address alone: `.../val2017/000000397133.jpg`."""
        return self.file_name or "/".join(self.coco_url.split("/")[-2:])


class Caption(msgspec.Struct, gc=False):
    image_id: int
    caption: str


class Instance(msgspec.Struct, gc=False):
    id: int
    image_id: int
    category_id: int
    bbox: Xywh
    iscrowd: int = 0
    segmentation: msgspec.Raw = msgspec.Raw(b"[]")


class Segment(msgspec.Struct, gc=False):
    id: int
    category_id: int
    bbox: Xywh
    iscrowd: int = 0


class Panoptic(msgspec.Struct):
    image_id: int
    file_name: str
    segments_info: list[Segment]


Annotation = Caption | Instance | Panoptic

#: The field that tells what a file holds.
_TELLTALE: dict[str, type[Annotation]] = {"caption": Caption, "segments_info": Panoptic, "bbox": Instance}


class Source(msgspec.Struct):
    """What an annotation needs to know of its file."""

    path: Path
    labels: dict[int, str]


class Entry:
    """What all files say about one image; `refused` tells why it cannot become a scene."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.files: dict[str, None] = {}  # in order, once each
        self.annotations: list[tuple[Annotation, Source]] = []
        self.problems: list[Rejected] = []
        self.refused = ""

    @property
    def file(self) -> str:
        """Everything that names the image, as it goes into provenance and problems."""
        return "; ".join(self.files)

    @property
    def where(self) -> str:
        return f"{self.file}: image {self.image.id}"

    def seen(self, image: Image, file: str) -> None:
        """One more file names the image."""
        if (image.width, image.height) != (self.image.width, self.image.height):
            self.refused = (
                f"{file} says the photo is {image.width} x {image.height}, but {next(iter(self.files))} says"
                f" {self.image.width} x {self.image.height}; leave out the file whose photos were resized"
            )
        self.files[file] = None


def gather(path: Path, entries: dict[int, Entry], rename: Callable[[str], str]) -> Iterator[Rejected]:
    """Add a file to the entries. Gives the images that cannot be read, and annotations that belong to no image.

    Raises:
        RelataError: if the file is not laid out like COCO's.
    """
    file, name = load(path, File), short(path)
    kind = _kind(path, file.annotations)
    for number, raw in enumerate(file.images):
        try:
            image = decode(raw, Image)
        except RelataError as error:
            yield Rejected(f"{name}: images, record {number}", str(error))
            continue
        if image.id not in entries:
            entries[image.id] = Entry(image)
        entries[image.id].seen(image, name)
    source = Source(path, {category.id: rename(category.name) for category in file.categories})
    for number, raw in enumerate(file.annotations):
        lost = _file_under(number, raw, kind, source, entries)
        if lost is not None:
            yield lost


def _kind(path: Path, annotations: Sequence[msgspec.Raw]) -> type[Annotation]:
    """Files are told apart by the fields of their first annotations, not by their names."""
    for raw in annotations[:100]:
        try:
            fields = decode(raw, dict[str, msgspec.Raw])
        except RelataError:
            continue  # it is reported when it is read
        for name, kind in _TELLTALE.items():
            if name in fields:
                return kind
    if annotations:
        raise RelataError(f"{path}: no annotation has any of {', '.join(_TELLTALE)}. Is it a file of another format?")
    return Instance


def _file_under(
    number: int, raw: msgspec.Raw, kind: type[Annotation], source: Source, entries: dict[int, Entry]
) -> Rejected | None:
    """Add the annotation, or what is wrong with it, to the entry of its image; gives what belongs to none."""
    try:
        annotation = decode(raw, kind)
        entry = entries.get(annotation.image_id)
        if entry is not None:
            entry.annotations.append((annotation, source))
            return None
        reason = f"is about image {annotation.image_id}, which `images` does not hold"
    except RelataError as error:
        entry = entries.get(_owner(raw))
        reason = str(error)
    problem = Rejected(f"{short(source.path)}: annotations, record {number}", reason, part=True)
    if entry is None:
        return problem
    entry.problems.append(problem)
    return None


class _Owner(msgspec.Struct):
    image_id: int = -1


def _owner(raw: msgspec.Raw) -> int:
    try:
        return decode(raw, _Owner).image_id
    except RelataError:
        return -1  # nobody's
