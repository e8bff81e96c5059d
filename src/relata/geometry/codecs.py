"""Codecs: how a model family writes a box as numbers, as data. A family is a setting here, never a subclass.

Every codec states its own precision: `error` is the most that reading a written box can move a coordinate, and `bound`
the IoU that follows from it. The property tests hold every codec to its bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from relata.geometry.frames import ORIGINAL, Frame, Placement
from relata.scene import Box, Record

#: Added before rounding down, in steps, so that a number that was read is written as the same number again.
HAIR = 1e-6


class Decoded(NamedTuple):
    """A box read from a model's numbers, or None, and the kinds of problem met on the way."""

    box: Box | None
    problems: tuple[str, ...] = ()


class Codec(Record, frozen=True):
    """Four numbers for a box: how far each reaches, how it is rounded, in which order they stand."""

    frame: Frame = ORIGINAL
    full: float | None = None
    """The number that stands for the frame's whole side; None: pixels of the frame."""
    last: float | None = None
    """The largest number written, where it is not the whole side: 1023 of 1024 bins."""
    rounding: Literal["nearest", "down"] = "nearest"
    """`nearest` rounds a half up; `down` truncates, as `int()` does."""
    digits: int = 0
    """Digits after the point."""
    order: Literal["xyxy", "yxyx"] = "xyxy"

    def encode(self, box: Box, width: int, height: int) -> tuple[float, ...]:
        """The numbers written for a box in an image of this size (pixels). A box is never written with a zero side:
        one that is thinner than a step is written one step wide."""
        place = self.frame.place(width, height)
        full_x, full_y = self.full or place.width, self.full or place.height
        unit_x, unit_y = place.scale_x * full_x / place.width, place.scale_y * full_y / place.height
        x1, x2 = self._steps((box.x1 + place.left) * unit_x, (box.x2 + place.left) * unit_x, self.last or full_x)
        y1, y2 = self._steps((box.y1 + place.top) * unit_y, (box.y2 + place.top) * unit_y, self.last or full_y)
        return (y1, x1, y2, x2) if self.order == "yxyx" else (x1, y1, x2, y2)

    def _steps(self, low: float, high: float, last: float) -> tuple[float, float]:
        many = 10**self.digits
        nudge = 0.5 if self.rounding == "nearest" else HAIR
        most = math.floor(last * many + HAIR)
        a = min(max(math.floor(low * many + nudge), 0), most)
        b = min(max(math.floor(high * many + nudge), 0), most)
        if a >= b:  # the step that holds it, which is never wholly in the padding
            a = min(max(math.floor(low * many + HAIR), 0), most - 1)
            b = a + 1
        return (a / many, b / many) if self.digits else (a, b)

    def decode(self, numbers: Sequence[float], width: int, height: int) -> Decoded:
        """The box that a model's numbers mean in an image of this size (pixels).

        Swapped corners are put right, numbers out of range and boxes that reach outside the image are clipped; what has
        no area left, or is not four finite numbers, is no box.
        """
        if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
            return Decoded(None, ("bad-box",))
        x1, y1, x2, y2 = (numbers[1], numbers[0], numbers[3], numbers[2]) if self.order == "yxyx" else numbers
        if x1 == x2 or y1 == y2:
            return Decoded(None, ("flat-box",))
        problems: tuple[str, ...] = ()
        if x1 > x2 or y1 > y2:
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            problems = ("swapped-corners",)
        place = self.frame.place(width, height)
        unit_x, unit_y = self._pixels(place)
        box = [x1 * unit_x - place.left, y1 * unit_y - place.top, x2 * unit_x - place.left, y2 * unit_y - place.top]
        if box[0] < 0 or box[1] < 0 or box[2] > width or box[3] > height:
            problems += self._clip(box, unit_x, unit_y, width, height)
        if box[0] >= box[2] or box[1] >= box[3]:
            return Decoded(None, (*problems, "flat-box"))
        return Decoded(Box(*box), problems)

    def _pixels(self, place: Placement) -> tuple[float, float]:
        """Pixels of the original image per written unit."""
        return (
            place.width / (self.full or place.width) / place.scale_x,
            place.height / (self.full or place.height) / place.scale_y,
        )

    def _clip(self, box: list[float], unit_x: float, unit_y: float, width: int, height: int) -> tuple[str, ...]:
        """Clip in place. Up to one step outside is rounding and no problem."""
        step_x, step_y = unit_x / 10**self.digits, unit_y / 10**self.digits
        over_x, over_y = max(-box[0], box[2] - width), max(-box[1], box[3] - height)
        box[0], box[2] = min(max(box[0], 0.0), width), min(max(box[2], 0.0), width)
        box[1], box[3] = min(max(box[1], 0.0), height), min(max(box[3], 0.0), height)
        return ("out-of-range",) if over_x > step_x or over_y > step_y else ()

    def error(self, width: int, height: int) -> tuple[float, float]:
        """The most that writing and reading moves an x and a y, in pixels of the original image: half a step when
        rounding to the nearest, a step when rounding down, or what lies beyond the last number."""
        unit_x, unit_y = self._pixels(self.frame.place(width, height))
        steps = (0.5 if self.rounding == "nearest" else 1.0 + HAIR) / 10**self.digits
        beyond = 0.0 if self.last is None or self.full is None else self.full - self.last
        return max(steps, beyond) * unit_x, max(steps, beyond) * unit_y

    def bound(self, box: Box, width: int, height: int) -> float:
        """The IoU of a box with what is read back is never below this: both sides of each axis moved inwards by
        `error`, which is the worst that they can do."""
        return _bound(box, self.error(width, height))


class PatchCodec(Record, frozen=True):
    """Two numbers for a box: the cells of a `side` x `side` grid that hold its corners, counted row by row.

    Kosmos-2's rule, and RelationVLM's: the upper left corner is floored, the lower right one is `ceil(v * side - 1)`.
    Read back, a corner is the centre of its cell; where both lie in one row or one column, the cells' outer edges.
    """

    side: int = 32

    def encode(self, box: Box, width: int, height: int) -> tuple[float, ...]:
        """The two cells of a box in an image of this size (pixels)."""
        side = self.side

        def cell(x: float, y: float) -> int:
            return min(max(int(y), 0), side - 1) * side + min(max(int(x), 0), side - 1)

        upper = cell(math.floor(box.x1 / width * side + HAIR), math.floor(box.y1 / height * side + HAIR))
        lower = cell(math.ceil(box.x2 / width * side - 1 - HAIR), math.ceil(box.y2 / height * side - 1 - HAIR))
        # a box thinner than HAIR of a cell may end before it starts
        column, row = max(lower % side, upper % side), max(lower // side, upper // side)
        return (upper, row * side + column)

    def decode(self, numbers: Sequence[float], width: int, height: int) -> Decoded:
        """The box that two cells mean; a cell beyond the grid counts as its last row."""
        side = self.side
        if len(numbers) != 2 or not all(0 <= number < math.inf for number in numbers):
            return Decoded(None, ("bad-box",))
        problems: tuple[str, ...] = ("out-of-range",) if max(numbers) >= side * side else ()
        (row1, x1), (row2, x2) = (divmod(int(number), side) for number in numbers)
        y1, y2 = min(row1, side - 1), min(row2, side - 1)
        if x1 > x2 or y1 > y2:
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
            problems = (*problems, "swapped-corners")
        edge = 0.0 if x1 == x2 or y1 == y2 else 0.5
        x_unit, y_unit = width / side, height / side
        box = Box((x1 + edge) * x_unit, (y1 + edge) * y_unit, (x2 + 1 - edge) * x_unit, (y2 + 1 - edge) * y_unit)
        return Decoded(box, problems)

    def error(self, width: int, height: int) -> tuple[float, float]:
        """The most that writing and reading moves an x and a y, in pixels: a cell (half of one, where the box spans
        more than a row and more than a column)."""
        return width / self.side, height / self.side

    def bound(self, box: Box, width: int, height: int) -> float:
        """The IoU of a box with what is read back is never below this."""
        return _bound(box, self.error(width, height))


def _bound(box: Box, error: tuple[float, float]) -> float:
    return max(0.0, 1 - 2 * error[0] / box.width) * max(0.0, 1 - 2 * error[1] / box.height)
