"""What the results of a Label Studio annotation mean, for the reader and for the writer, who has to agree with it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from typing import Literal, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.geometry import rle_encode, rle_from_polygons
from relata.readers._brush import decode as strokes
from relata.readers._draft import Draft
from relata.readers._photos import Photo
from relata.readers._pixels import tight
from relata.scene import Box, Mask, Region, Relation, Scene

#: Where the original task lies in a scene's provenance.
KEY = "label_studio"
#: Where the scene that a task was written from lies in the task's data: Label Studio gives those back untouched.
BEFORE = "relata"

#: The predicate of an arrow that nobody labelled.
UNLABELLED = "related to"

#: Corners of the polygon that stands for an ellipse.
_CORNERS = 64

Point = tuple[float, float]

T = TypeVar("T")


class Value(msgspec.Struct, frozen=True):
    """A shape in percent of the image's sides, and what is said of it."""

    x: float | None = None
    y: float | None = None
    width: float = 0
    height: float = 0
    rotation: float = 0
    radiusX: float = 0
    radiusY: float = 0
    points: list[Point] = []
    rle: msgspec.Raw = msgspec.Raw(b"")
    format: str = ""
    labels: list[str] = []
    rectanglelabels: list[str] = []
    polygonlabels: list[str] = []
    ellipselabels: list[str] = []
    brushlabels: list[str] = []
    choices: list[str] = []
    text: list[str] | str = []

    @property
    def names(self) -> list[str]:
        return self.rectanglelabels + self.polygonlabels + self.ellipselabels + self.brushlabels + self.labels

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else self.text


class Meta(msgspec.Struct, frozen=True):
    text: list[str] | str = []

    @property
    def texts(self) -> list[str]:
        return [self.text] if isinstance(self.text, str) else self.text


class Result(msgspec.Struct):
    """One entry of an annotation's `result`: a shape, an answer, or an arrow between shapes."""

    type: str
    id: str = ""
    value: Value = Value()
    meta: Meta = Meta()
    score: float | None = None
    original_width: int | None = None
    original_height: int | None = None
    image_rotation: float = 0
    from_id: str = ""
    to_id: str = ""
    direction: Literal["right", "left", "bi"] | None = None
    labels: list[str] | None = None

    @property
    def shape(self) -> str:
        """`rectangle`, `polygon`, `ellipse`, `brush`; empty for what has no outline."""
        value = self.value
        if value.points:
            return "polygon"
        if value.rle:
            return "brush"
        if value.x is None or value.y is None:
            return ""
        return "ellipse" if value.radiusX or value.radiusY else "rectangle" if value.width or value.height else ""

    @property
    def arrows(self) -> list[tuple[str, str, str]]:
        """Subject, predicate and object of an arrow, by the shapes' ids: several labels are several relations, an arrow
        to the left runs back, one both ways runs both ways."""
        there = [(self.from_id, words, self.to_id) for words in self.labels or [UNLABELLED]]
        back = [(end, words, start) for start, words, end in there]
        return {"left": back, "bi": there + back}.get(self.direction or "right", there)


def numbers(results: Sequence[Result]) -> dict[str, int]:
    """Region ids by the shapes' ids: those that we gave (`r7` is 7); others are counted on from there in order of
    appearance, from 0 where none is ours."""
    shapes = list(dict.fromkeys(result.id for result in results if result.shape))
    ours = {id: int(id[1:]) for id in shapes if re.fullmatch(r"r(0|[1-9][0-9]{0,17})", id)}
    free = itertools.count(max(ours.values(), default=-1) + 1)
    return {id: ours[id] if id in ours else next(free) for id in shapes}


def triple(relation: Relation) -> tuple[int, str, int]:
    return relation.subject, relation.predicate, relation.object


def alike(one: Region, other: Region) -> bool:
    """Whether two regions are the same in all that Label Studio shows."""
    return _words(one) == _words(other) and _close(one.box, other.box)


def restored(now: Scene, before: Scene) -> Scene:
    """A scene as it was annotated, with what Label Studio has no place for, as far as it still holds: a region that
    nobody changed is the one from before, with its mask; one that was changed keeps its identity; a relation that is
    still said keeps its kind, score and source."""
    known = {region.id: region for region in before.regions}
    regions = tuple(_kept(region, known[region.id]) if region.id in known else region for region in now.regions)
    said: dict[tuple[int, str, int], list[Relation]] = {}
    for relation in before.relations:
        said.setdefault(triple(relation), []).append(relation)
    relations = tuple(kept for relation in now.relations for kept in said.get(triple(relation), [relation]))
    return now.replace(
        regions=_ordered(regions, before.regions),
        relations=_ordered(relations, before.relations),
        labels=_ordered(now.labels, before.labels),
        captions=_ordered(now.captions, before.captions),
        provenance=before.provenance | {KEY: now.provenance[KEY]},
    )


def _kept(now: Region, before: Region) -> Region:
    if alike(now, before):
        return before
    if _close(now.box, before.box):
        return now.replace(box=before.box, mask=now.mask or before.mask, identity=before.identity)
    return now.replace(identity=before.identity)


def _words(region: Region) -> tuple[list[str], str]:
    return list(dict.fromkeys((region.label, *region.attributes))), region.description or ""


def _close(one: Box, other: Box) -> bool:
    """Boxes may differ by the rounding of percents."""
    return max(abs(a - b) for a, b in zip(one.tuple(), other.tuple())) < 1e-3


def _ordered(now: tuple[T, ...], before: tuple[T, ...]) -> tuple[T, ...]:
    """The same things are in the order of before."""
    return before if len(now) == len(before) and all(item in before for item in now) else now


def fill(draft: Draft, results: Sequence[Result], photo: Photo, masks: bool) -> tuple[list[str], list[str]]:
    """Regions and relations into the draft; gives what is said of the whole image: labels and captions."""
    ids = numbers(results)
    labels: list[str] = []
    captions: list[str] = []
    for id, number in ids.items():
        _region(draft, number, [result for result in results if result.id == id], photo, masks)
    for result in results:
        if result.type == "relation":
            for start, words, end in result.arrows:
                if start in ids and end in ids:
                    draft.relation(ids[start], words, ids[end])
                else:
                    missing = start if start not in ids else end
                    draft.no_relation(f"{words!r} points to {missing!r}, which is no region")
        elif result.id not in ids:
            labels += result.value.choices
            captions += result.value.texts
            if not result.value.choices and not result.value.texts:
                draft.problem(f"result {result.id}", f"is of type {result.type!r}, which a scene has no place for")
    return list(dict.fromkeys(filter(None, labels))), [text for text in dict.fromkeys(captions) if text.strip()]


def _region(draft: Draft, number: int, results: Sequence[Result], photo: Photo, masks: bool) -> None:
    names = list(dict.fromkeys(name for result in results for name in result.value.names))
    words = [word for result in results for word in result.value.choices]
    texts = [text for result in results for text in (*result.value.texts, *result.meta.texts) if text]
    first = next(result for result in results if result.shape)
    try:
        if first.image_rotation:
            raise RelataError(
                f"was drawn on an image turned by {first.image_rotation:g} degrees; turn it back and save"
            )
        box, mask = _placed(first, photo, masks)
    except RelataError as error:
        draft.no_region(number, str(error), names[0] if names else "")
        return
    attributes = tuple(dict.fromkeys([*names[1:], *words]))
    description = "; ".join(dict.fromkeys(texts)) or None
    draft.region(number, names[0] if names else "", box, attributes, description, mask)
    if number in draft.regions and first.score is not None:
        draft.regions[number] = draft.regions[number].replace(score=first.score)


def _placed(result: Result, photo: Photo, masks: bool) -> tuple[Point | tuple[float, ...], Mask | None]:
    """The box of a shape, and its mask if asked for and if it says more than the box."""
    if result.shape == "brush":
        try:
            packed = msgspec.json.decode(result.value.rle, type=list[int])
        except msgspec.DecodeError as error:
            raise RelataError(f"brush: the strokes are no list of bytes ({error}); export the file again") from error
        painted = strokes(packed, photo.width, photo.height)
        if not painted.any():
            raise RelataError("brush: no pixel is painted; remove it, or paint")
        return tight(painted).tuple(), rle_encode(painted) if masks else None
    corners = outline(result, photo.width, photo.height)
    (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    plain = result.shape == "rectangle" and not result.value.rotation
    drawn = rle_from_polygons([corners.ravel().tolist()], photo.height, photo.width) if masks and not plain else None
    return (x1, y1, x2, y2), drawn


def outline(result: Result, width: int, height: int) -> npt.NDArray[np.float64]:
    """Corners of a rectangle, polygon or ellipse in pixels, shape (corners, 2). A rectangle turns about its first
    corner, an ellipse about its centre, both clockwise."""
    value, side = result.value, np.array((width, height)) / 100
    if result.shape == "polygon":
        return np.array(value.points) * side
    if result.shape == "ellipse":
        steps = np.arange(_CORNERS) * (2 * math.pi / _CORNERS)
        corners = np.stack((np.cos(steps) * value.radiusX, np.sin(steps) * value.radiusY), axis=1) * side
    else:
        corners = np.array([(0, 0), (value.width, 0), (value.width, value.height), (0, value.height)]) * side
    turn = math.radians(value.rotation)
    matrix = np.array([(math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))])
    moved: npt.NDArray[np.float64] = corners @ matrix.T if value.rotation else corners
    return moved + np.array((value.x, value.y)) * side


def percent(box: Box, width: int, height: int) -> dict[str, float]:
    """A box as Label Studio writes it: left, top, width and height in percent of the image's sides."""
    x, y = 100 * box.x1 / width, 100 * box.y1 / height
    return {"x": x, "y": y, "width": 100 * box.width / width, "height": 100 * box.height / height, "rotation": 0}
