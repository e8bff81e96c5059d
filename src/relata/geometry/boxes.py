"""Boxes against boxes: overlap, containment, the box around several. Pixels of the original image throughout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.scene import Box

Floats = npt.NDArray[np.float64]


def intersection(a: Box, b: Box) -> float:
    """Square pixels that two boxes share."""
    width = min(a.x2, b.x2) - max(a.x1, b.x1)
    height = min(a.y2, b.y2) - max(a.y1, b.y1)
    return width * height if width > 0 and height > 0 else 0.0


def iou(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1; no pixel is added to a side, as COCO and the referring benchmarks compute it."""
    shared = intersection(a, b)
    return shared / (a.area + b.area - shared)


def containment(inner: Box, outer: Box) -> float:
    """The share of `inner` that lies inside `outer`, 0 to 1."""
    return intersection(inner, outer) / inner.area


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box around all of `boxes`.

    Raises:
        RelataError: if there is none.
    """
    if not boxes:
        raise RelataError("the union of no boxes is no box")
    return Box(
        min(box.x1 for box in boxes),
        min(box.y1 for box in boxes),
        max(box.x2 for box in boxes),
        max(box.y2 for box in boxes),
    )


def array(boxes: Sequence[Box]) -> Floats:
    """Boxes as an array of shape (count, 4)."""
    return np.array([box.tuple() for box in boxes], dtype=np.float64).reshape(-1, 4)


def iou_matrix(a: Sequence[Box] | Floats, b: Sequence[Box] | Floats) -> Floats:
    """IoU of every box of `a` with every one of `b`, shape (len(a), len(b)); records or arrays of shape (count, 4)."""
    left = a if isinstance(a, np.ndarray) else array(a)
    right = b if isinstance(b, np.ndarray) else array(b)
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:], right[None, :, 2:])
    shared: Floats = np.clip(high - low, 0, None).prod(axis=2)
    return shared / (_areas(left)[:, None] + _areas(right)[None, :] - shared)


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return areas
