"""Where a label goes so that it covers as little as possible: shared by pictures and graphs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle of a drawing, in its own units: left, top, right, bottom."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def area(self) -> float:
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def moved(self, dx: float, dy: float) -> Rect:
        return Rect(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def within(self, width: float, height: float) -> Rect:
        """The same rectangle moved to lie in a canvas, as far as it fits."""
        dx = max(0.0, -self.x1) - max(0.0, self.x2 - width)
        dy = max(0.0, -self.y1) - max(0.0, self.y2 - height)
        return self.moved(dx, dy)


def around(x: float, y: float, width: float, height: float) -> Rect:
    """The rectangle of a size whose centre is (x, y)."""
    return Rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def overlap(a: Rect, b: Rect) -> float:
    """The area that two rectangles share."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return width * height if width > 0 and height > 0 else 0.0


def covered(rect: Rect, taken: Iterable[Rect]) -> float:
    """The area of `rect` under other rectangles; what lies under two counts twice."""
    return sum(overlap(rect, other) for other in taken)


def freest(candidates: Iterable[Rect], taken: Sequence[Rect], better_free: Sequence[Rect] = ()) -> Rect:
    """The candidate that covers least of what is `taken`, and then of what is `better_free`; else the first."""
    return min(candidates, key=lambda rect: (round(covered(rect, taken)), round(covered(rect, better_free))))
