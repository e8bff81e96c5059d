"""Which convention boxes are written in, told from the numbers alone.

Each reading of four numbers (order, unit, frame) makes boxes of the image of them. The right one makes boxes that lie
within the image, that often end just at its borders, and that spread over the whole of it; a wrong one puts some
outside or upside down, or leaves a part of the image empty. All that is one likelihood, with Occam's factor: of two
readings into which all boxes fit, the tighter one is likelier. Width and height taken for each other keep all that;
there the shape of things tells (people are tall, ground is wide and low), and what the text says is left or above.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from relata.geometry import Codec

Floats = npt.NDArray[np.float64]
Order = Literal["xyxy", "xywh", "yxyx", "cxcywh"]

#: Boxes looked at; more add nothing.
MOST = 20_000
#: With fewer boxes nothing is said.
LEAST = 20
#: A reading is wrong if another one is likelier by so many nats in all, and by so many a box.
MARGIN, PER_BOX = 4.0, 0.03
#: Where only the shape of things speaks: so much a box, less so many times the root of their number (photos of COCO
#: have 0.47 a box, with a deviation of 0.88).
_SHAPE_PER_BOX, _SHAPE_ROOT = 0.1, 0.8
#: Shapes tell nothing where fewer boxes than this share are clearly wider than high or higher than wide: drawn worlds.
_VARIED, _CLEARLY = 0.5, 0.25
#: Units that differ by less than this share, as 999 and 1,024, are not told apart: all would have to be one.
_CLOSE = 0.05
#: A box that follows no rule: its share, and its density (numbers spread over a thousand either way).
_STRAY = math.log(1e-3) - 4 * math.log(1000.0)
#: A side ends at a border up to this share of the image's side, as rounding and annotators have it.
_EDGE = 0.004
#: And where numbers are rounded coarsely, up to this share.
_COARSE = 0.02
#: How often an interval along an axis ends at the lower border, at the upper one, or at both (COCO: 8 to 15 %).
_LOW, _HIGH, _BOTH = 0.1, 0.1, 0.03
#: The thinnest boxes that count, in shares of the image's side.
_THIN = 0.002
#: Evidence of one relation that is said, e.g. `left of`: right nine times out of ten.
_SAID = math.log(9.0)


class Convention(NamedTuple):
    """One reading of four numbers."""

    order: Order
    full: float | None
    """The number that stands for the whole side; None: pixels."""
    square: bool = False
    """Relative to the image padded to a square."""

    def __str__(self) -> str:
        units: dict[float | None, str] = {None: "pixels", 1: "shares (0 to 1)", 100: "percent", 1000: "thousandths"}
        unit = units.get(self.full, f"1/{self.full:g}" if self.full else "")
        return f"{self.order}, {unit} of the {'image padded to a square' if self.square else 'original image'}"


#: Every reading that is tried.
ALL = tuple(
    Convention(order, full, square)
    for order in ("xyxy", "xywh", "yxyx", "cxcywh")
    for full in (None, 1.0, 100.0, 1000.0)
    for square in (False, True)
)
#: The only convention inside the package.
PIXELS = Convention("xyxy", None)

#: What tells a box from one with width and height exchanged, and its weight, by logistic regression over 2,477 boxes of
#: 214 photos of COCO: higher than wide (-1 to 1), ends at the bottom, at the top, at a side, its width and that squared
#: (shares of the image). People are tall; what is wide spans the image; less is cut off above and below than sideways.
_WEIGHTS = (0.73, -0.9, -0.98, -0.21, 0.86, 1.24)
#: Ends at a border, here: wide enough for numbers of two digits.
_BORDER = 0.01


class Boxes(NamedTuple):
    """Numbers as they were written, with the images that they belong to."""

    numbers: Floats
    """Shape (count, 4)."""
    sizes: Floats
    """Width and height in pixels, shape (count, 2)."""
    relations: Sequence[tuple[str, int, int]] = ()
    """What the text says of two of them: `left of`, `right of`, `above` or `under`, and their positions."""


class Verdict(NamedTuple):
    """What the numbers tell."""

    likely: Convention
    """The likeliest of all."""
    expected: Convention
    """The likeliest of those that would be right."""
    wrong: bool
    """Whether the former rules out the latter."""
    sure: bool = True
    """Whether numbers or relations say so; otherwise only the shape of things does."""


def convention(codec: Codec) -> Convention:
    """The convention of a dialect's codec; a resized image has about the pixels of the original one."""
    return Convention(codec.order, codec.full, codec.frame.square)


def judge(boxes: Boxes, expected: Sequence[Convention]) -> Verdict:
    """How the boxes are written, and whether that is one of the conventions expected."""
    return choose(boxes, expected, scores(boxes, expected))


def scores(boxes: Boxes, expected: Sequence[Convention] = ()) -> dict[Convention, float]:
    """Log-likelihood of every reading of `ALL`, and of those expected."""
    return {one: _score(one, boxes) for one in dict.fromkeys((*expected, *ALL))}


def choose(boxes: Boxes, expected: Sequence[Convention], scores: Mapping[Convention, float]) -> Verdict:
    """`judge` by scores that are known."""
    right = max(expected, key=scores.__getitem__)
    best = max(scores, key=scores.__getitem__)
    if (
        best.full
        and right.full
        and best._replace(full=right.full) == right
        and abs(best.full / right.full - 1) < _CLOSE
    ):
        best = right
    count = len(boxes.numbers)
    ahead = scores[best] - scores[right]
    wrong = count >= LEAST and ahead > max(MARGIN, PER_BOX * count)
    if wrong and best._replace(square=right.square) == right:  # only the frame differs
        return Verdict(best, right, _reaches(best, right, boxes))
    if wrong and best._replace(order=right.order) == right and not _rules_out(best, right, boxes):
        return Verdict(best, right, ahead > _SHAPE_PER_BOX * count - _SHAPE_ROOT * math.sqrt(count), sure=False)
    return Verdict(best, right, wrong)


def some(boxes: Boxes) -> Boxes:
    """At most `MOST` of the boxes, from everywhere, and the relations between these."""
    step = -(-len(boxes.numbers) // MOST)
    if step <= 1:
        return boxes
    said = [(word, i // step, j // step) for word, i, j in boxes.relations if i % step == j % step == 0]
    return Boxes(boxes.numbers[::step], boxes.sizes[::step], said)


def placed(convention: Convention, numbers: Floats, sizes: Floats) -> Floats:
    """Boxes as x1, y1, x2, y2 in shares of the original image, by one reading; shape (count, 4)."""
    a, b, c, d = numbers.T
    if convention.order == "yxyx":
        a, b, c, d = b, a, d, c
    elif convention.order == "xywh":
        c, d = a + c, b + d
    elif convention.order == "cxcywh":
        a, b, c, d = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    left, top, unit_x, unit_y = _units(convention, sizes)
    return np.stack([a * unit_x - left, b * unit_y - top, c * unit_x - left, d * unit_y - top], 1)


def _units(convention: Convention, sizes: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Padding on the left and on top, and what one written unit is along x and y, in shares of the image's sides."""
    width, height = sizes.T
    side = np.maximum(width, height)
    across, down = (side, side) if convention.square else (width, height)
    left, top = (across - width) // 2 / width, (down - height) // 2 / height
    if convention.full is None:
        return left, top, 1 / width, 1 / height
    return left, top, across / convention.full / width, down / convention.full / height


def _score(one: Convention, boxes: Boxes) -> float:
    """Log-likelihood of the numbers."""
    numbers, sizes = boxes.numbers, boxes.sizes
    x1, y1, x2, y2 = placed(one, numbers, sizes).T
    _, _, unit_x, unit_y = _units(one, sizes)
    edge_x, edge_y = _edges(one, numbers, sizes)
    density = _along(x1, x2, edge_x) + _along(y1, y2, edge_y) + 2 * np.log(unit_x) + 2 * np.log(unit_y)
    density += (_shape(x1, y1, x2, y2, sizes) - _shape(y1, x1, y2, x2, sizes)) / 2
    return float(np.logaddexp(density, _STRAY).sum()) + _said(one, boxes)


def _said(one: Convention, boxes: Boxes) -> float:
    """Log-likelihood of the relations that are said."""
    x, y = placed(one, boxes.numbers, boxes.sizes).reshape(-1, 2, 2).sum(1).T
    total = 0.0
    for word, subject, other in boxes.relations:
        across, down = x[other] - x[subject], y[other] - y[subject]
        shown = {"left of": across, "right of": -across, "above": down, "under": -down}[word]
        total += _SAID if shown > 0 else -_SAID
    return total / 2


def _edges(one: Convention, numbers: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """How far from a border a side may lie that ends at it, along x and y: also what rounding moves it."""
    digits = next((d for d in range(4) if np.array_equal(numbers, np.round(numbers, d))), 4)
    _, _, unit_x, unit_y = _units(one, sizes)
    return np.clip(0.75 * unit_x / 10**digits, _EDGE, _COARSE), np.clip(0.75 * unit_y / 10**digits, _EDGE, _COARSE)


def _along(low: Floats, high: Floats, edge: Floats) -> Floats:
    """Log-density of intervals along one axis: sizes spread evenly over their logarithm, ends often at the borders."""
    size = high - low
    fits = (low > -edge) & (high < 1 + edge) & (size > 0)
    size = np.clip(size, _THIN, 1.0)
    sizes = 1 / (size * -math.log(_THIN))
    at_low, at_high = np.abs(low) < edge, np.abs(high - 1) < edge
    inner = (1 - _LOW - _HIGH - _BOTH) / (1 - size + 2 * edge)
    spiked = inner + at_low * _LOW / (2 * edge) + at_high * _HIGH / (2 * edge)
    both = _BOTH * (at_low & at_high) / (2 * edge) ** 2
    with np.errstate(divide="ignore"):
        logs: Floats = np.log(np.where(fits, spiked * sizes + both, 0.0))
    return logs


def _shape(x1: Floats, y1: Floats, x2: Floats, y2: Floats, sizes: Floats) -> Floats:
    """How much boxes look as things do; nothing where nearly all are square."""
    wide, high = np.clip(x2 - x1, _THIN, 1.0), np.clip(y2 - y1, _THIN, 1.0)
    shape = np.log(high * sizes[:, 1] / (wide * sizes[:, 0]))
    if (np.abs(shape) > _CLEARLY).mean() < _VARIED:
        return np.zeros(len(wide))
    side = (x1 < _BORDER) | (x2 > 1 - _BORDER)
    looks = np.stack([np.tanh(2 * shape), y2 > 1 - _BORDER, y1 < _BORDER, side, wide, wide * wide], 1)
    weighed: Floats = looks @ np.array(_WEIGHTS)
    return weighed


def _reaches(best: Convention, right: Convention, boxes: Boxes) -> bool:
    """Whether boxes lie outside the frame expected, or end at the borders of the other one: things that stand in the
    middle fit into both."""
    ends = _touches(best, boxes) & ~_touches(right, boxes)
    return _enough(ends) or _enough(_outside(right, boxes))


def _rules_out(best: Convention, right: Convention, boxes: Boxes) -> bool:
    """Whether boxes lie outside the image as expected, or what is said of them speaks for the other order."""
    return _enough(_outside(right, boxes)) or _said(best, boxes) - _said(right, boxes) > MARGIN


def _outside(one: Convention, boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Which boxes leave the image by far, or are upside down."""
    own = placed(one, boxes.numbers, boxes.sizes)
    edges = 3 * np.stack(_edges(one, boxes.numbers, boxes.sizes) * 2, 1)
    leaves, turned = (own < -edges) | (own > 1 + edges), own[:, :2] > own[:, 2:]
    outside: npt.NDArray[np.bool_] = np.any(np.concatenate([leaves, turned], 1), axis=1)
    return outside


def _enough(boxes: npt.NDArray[np.bool_]) -> bool:
    return bool(boxes.sum() >= max(3.0, 0.01 * len(boxes)))


def _touches(one: Convention, boxes: Boxes) -> npt.NDArray[np.bool_]:
    """Which boxes end at a border."""
    ends = placed(one, boxes.numbers, boxes.sizes) - np.array([0, 0, 1, 1])
    edges = np.stack(_edges(one, boxes.numbers, boxes.sizes) * 2, 1)
    touching: npt.NDArray[np.bool_] = (np.abs(ends) < edges).any(1)
    return touching
