"""Frames: what a box is relative to. The original image, the image padded to a square, the image as it was resized."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from relata.scene import Record


class Resize(Record, frozen=True):
    """Qwen-VL's resize: sides that are multiples of `factor`, pixels between two bounds, the aspect nearly kept.

    The rule of transformers (`smart_resize` of Qwen2-VL's image processor). The bounds must be those of the processor
    that feeds the model; the defaults are those of the published Qwen2.5-VL checkpoints.
    """

    factor: int = 28
    min_pixels: int = 56 * 56
    max_pixels: int = 16384 * 28 * 28

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height after the resize."""
        step = self.factor
        new = (round(width / step) * step, round(height / step) * step)
        if new[0] * new[1] > self.max_pixels:
            shrink = math.sqrt(width * height / self.max_pixels)
            return max(step, math.floor(width / shrink / step) * step), max(
                step, math.floor(height / shrink / step) * step
            )
        if new[0] * new[1] < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (width * height))
            return math.ceil(width * grow / step) * step, math.ceil(height * grow / step) * step
        return new


class Placement(NamedTuple):
    """Where one image lies in its frame: `x_in_frame = (x + left) * scale_x`, and likewise for y."""

    left: int
    """Padding on the left, in pixels of the original image."""
    top: int
    scale_x: float
    scale_y: float
    width: float
    """Width of the frame, in the frame's own pixels."""
    height: float


class Frame(Record, frozen=True):
    """What a box is relative to, as steps applied to the original image: pad to a square, then resize."""

    square: bool = False
    """Padded to its longer side, the image in the middle; an odd pixel of padding goes to the right or bottom, as in
    LLaVA's `expand2square`."""
    resize: Resize | None = None

    def place(self, width: int, height: int) -> Placement:
        """Where an image of this size (pixels) lies in the frame."""
        return _place(self, width, height)


ORIGINAL = Frame()
SQUARE = Frame(square=True)


@lru_cache(maxsize=4096)
def _place(frame: Frame, width: int, height: int) -> Placement:
    side = max(width, height)
    padded = (side, side) if frame.square else (width, height)
    size = frame.resize.size(*padded) if frame.resize else padded
    return Placement(
        left=(padded[0] - width) // 2,
        top=(padded[1] - height) // 2,
        scale_x=size[0] / padded[0],
        scale_y=size[1] / padded[1],
        width=float(size[0]),
        height=float(size[1]),
    )
