"""The records that everything else speaks in: Box, Mask, Region, Relation, Scene, Link, Group.

All are frozen and checked once, when they are built, whether by hand or from JSON. What an annotator said, what a
teacher said and what a model said are the same type, so all can be compared, drawn, filtered, edited and trained on.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import msgspec

from relata.errors import RelataError

Kind = Literal["spatial", "interactional", "functional", "social", "emotional"]

#: A box may leave its image by this many pixels, or by this share of the image's side, and is then clipped;
#: one that leaves it further is refused. Published annotations are often off by one pixel, rarely by more.
CLIP_PIXELS = 2.0
CLIP_SHARE = 0.01


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every record: immutable, strict, JSON in and out."""

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, checked again."""
        return msgspec.structs.replace(self, **changes)


class Box(msgspec.Struct, frozen=True, array_like=True, order=True):
    """A rectangle in pixels of the original image: left, top, right, bottom. The only convention inside the package.

    Written to JSON as `[x1, y1, x2, y2]`.

    Raises:
        RelataError: on a coordinate that is not finite, or an area of zero.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        # one chained comparison decides the common case: NaN fails every comparison, infinity fails the last
        if not (self.x1 < self.x2 < math.inf and self.y1 < self.y2 < math.inf and self.x1 > -math.inf < self.y1):
            finite = all(math.isfinite(v) for v in (self.x1, self.y1, self.x2, self.y2))
            what = "needs x1 < x2 and y1 < y2" if finite else "has a coordinate that is not finite"
            raise RelataError(f"box [{self.x1}, {self.y1}, {self.x2}, {self.y2}] {what}")
        if not (type(self.x1) is type(self.y1) is type(self.x2) is type(self.y2) is float):
            for name in ("x1", "y1", "x2", "y2"):  # equal boxes must give equal bytes, so 3 and 3.0 may not both live
                msgspec.structs.force_setattr(self, name, float(getattr(self, name)))

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def tuple(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)

    @classmethod
    def xywh(cls, x: float, y: float, w: float, h: float) -> Box:
        """From left, top, width, height: COCO, Visual Genome, GQA."""
        return cls(x, y, x + w, y + h)


class Mask(Record, frozen=True):
    """A run-length mask as COCO writes it: `size` is [height, width], `counts` the compressed string."""

    size: tuple[int, int]
    counts: str


class Region(Record, frozen=True):
    """An object of a scene."""

    id: int
    label: str
    box: Box
    mask: Mask | None = None
    attributes: tuple[str, ...] = ()
    description: str | None = None
    identity: str | None = None
    """The same string in two scenes means the same individual."""
    score: float | None = None


class Relation(Record, frozen=True):
    """`subject` and `object` are region ids of the scene that holds the relation."""

    subject: int
    predicate: str
    object: int
    kind: Kind | None = None
    score: float | None = None
    source: str | None = None
    """Who said so: a data set, a teacher or a model."""


class Scene(Record, frozen=True):
    """One image with what is known about it.

    Boxes that leave the image by no more than `CLIP_PIXELS` or `CLIP_SHARE` of the side are clipped.

    Raises:
        RelataError: naming the scene and the value, on duplicate region ids, relations to regions that do not exist,
            boxes further outside the image, or a size that is not positive.
    """

    id: str
    image: str
    """Path of the image, as given; relative paths are relative to the folder of images the user names."""
    width: int
    height: int
    regions: tuple[Region, ...] = ()
    relations: tuple[Relation, ...] = ()
    captions: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Labels of the whole image, with no box."""
    provenance: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise RelataError(f"scene {self.id}: image size {self.width} x {self.height} is not positive")
        ids = {region.id for region in self.regions}
        if len(ids) != len(self.regions):
            seen: set[int] = set()
            twice = next(r.id for r in self.regions if r.id in seen or seen.add(r.id))  # type: ignore[func-returns-value]
            raise RelataError(f"scene {self.id}: region id {twice} occurs more than once; ids must be unique")
        for relation in self.relations:
            if relation.subject not in ids or relation.object not in ids:
                missing = relation.subject if relation.subject not in ids else relation.object
                raise RelataError(
                    f"scene {self.id}: relation '{relation.predicate}' points to region {missing}, "
                    f"but the scene has {_some(sorted(ids))}"
                )
        if any(self._outside(region.box) for region in self.regions):
            regions = tuple(self._clipped(region) for region in self.regions)
            msgspec.structs.force_setattr(self, "regions", regions)

    def _outside(self, box: Box) -> bool:
        return box.x1 < 0 or box.y1 < 0 or box.x2 > self.width or box.y2 > self.height

    def _clipped(self, region: Region) -> Region:
        box = region.box
        if not self._outside(box):
            return region
        spare_x = max(CLIP_PIXELS, CLIP_SHARE * self.width)
        spare_y = max(CLIP_PIXELS, CLIP_SHARE * self.height)
        over_x = max(-box.x1, box.x2 - self.width)
        over_y = max(-box.y1, box.y2 - self.height)
        x1, y1 = max(box.x1, 0.0), max(box.y1, 0.0)
        x2, y2 = min(box.x2, float(self.width)), min(box.y2, float(self.height))
        if over_x > spare_x or over_y > spare_y or x1 >= x2 or y1 >= y2:
            raise RelataError(
                f"scene {self.id}: box {list(box.tuple())} of region {region.id} ({region.label}) leaves the "
                f"{self.width} x {self.height} image by {max(over_x, over_y):.1f} px; "
                f"up to {max(spare_x, spare_y):.1f} px is clipped. Is the box in another convention or frame?"
            )
        return region.replace(box=Box(x1, y1, x2, y2))

    def region(self, id: int) -> Region:
        """The region with this id.

        Raises:
            RelataError: if the scene has no such region.
        """
        for region in self.regions:
            if region.id == id:
                return region
        raise RelataError(f"scene {self.id}: no region {id}; it has {_some([r.id for r in self.regions])}")


class Link(Record, frozen=True):
    """The same individual in two scenes of a group, and what was done to it in between.

    `first` and `second` are (scene index, region id); `transform` is None when nothing changed.
    """

    first: tuple[int, int]
    second: tuple[int, int]
    transform: str | None = None


class Group(Record, frozen=True):
    """Two or more scenes in order, with what is known across them.

    Raises:
        RelataError: on fewer than two scenes, or a link or order that points outside the group.
    """

    id: str
    scenes: tuple[Scene, ...]
    links: tuple[Link, ...] = ()
    order: tuple[int, ...] | None = None
    """For frames: the true position of each scene."""
    provenance: dict[str, str] = {}
    captions: tuple[str, ...] = ()
    """Texts about the whole group: what differs, what happens."""

    def __post_init__(self) -> None:
        if len(self.scenes) < 2:
            raise RelataError(f"group {self.id}: has {len(self.scenes)} scene(s); a group needs two or more")
        for link in self.links:
            for index, region in (link.first, link.second):
                if not 0 <= index < len(self.scenes):
                    raise RelataError(f"group {self.id}: link to scene {index}, but it has {len(self.scenes)} scenes")
                self.scenes[index].region(region)
        if self.order is not None and sorted(self.order) != list(range(len(self.scenes))):
            raise RelataError(f"group {self.id}: order {self.order} is not a permutation of its scenes")


def _some(ids: list[int], most: int = 8) -> str:
    if not ids:
        return "no regions"
    shown = ", ".join(map(str, ids[:most]))
    return f"regions {shown}" + (f" ... ({len(ids)} in all)" if len(ids) > most else "")


T = TypeVar("T")


def decode(data: bytes | str, type: type[T], where: str = "record") -> T:
    """A record from JSON; `where` names file and line in the error.

    Raises:
        RelataError: if the JSON is damaged or the record breaks a rule.
    """
    try:
        return msgspec.json.decode(data, type=type)
    except msgspec.DecodeError as error:
        raise RelataError(f"{where}: {error}") from error


def encode(record: Any) -> bytes:
    """One line of JSON, without the line break. Equal records give equal bytes."""
    return msgspec.json.encode(record, order="deterministic")


def resolve(image: str, images: Path | None) -> Path:
    """The path of a scene's image under the folder of images the user named."""
    path = Path(image)
    return path if images is None or path.is_absolute() else images / path
