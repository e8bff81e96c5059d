"""The transform synthesiser: an object is cut out of its photo, transformed and put back, and the hole is filled.

RelationVLM makes its geometric data so: horizontal and vertical flip, brightness, rotation, scale, move (section 3.2);
one to three of them here, in the order in which they are listed. The ranges are ours, the paper gives none.

Signs: a positive rotation is clockwise on the screen, as the paper's example has it (-20.74 degrees is said to be
counter-clockwise). A move is in pixels, x to the right, y down. A scale or a brightness is a factor. Flips, rotation
and scale are about the middle of the object's box, which a move takes along.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from relata.inpaint import fill
from relata.scene import Box, Record, decode, encode

Pixels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

#: Least and most: rotation in degrees either way, factors, moves as shares of the image's sides.
ROTATION = (5.0, 45.0)
SHRINK, GROW = (0.5, 0.85), (1.15, 2.0)
DIM, BRIGHTEN = (0.6, 0.85), (1.15, 1.4)
MOVE = (0.1, 0.5)
#: Pixels by which the hole is larger than the object, so that none of its edge stays behind.
EDGE = 3
#: Pixels around a shrunk object for its edge to be smoothed into.
_ROOM = 3
#: Steps are seen if without them the object's pixels would differ by so many grey levels on average.
_SEEN = 10.0


class Flip(Record, frozen=True, tag="flip", tag_field="kind"):
    """Mirrored: `horizontal` exchanges left and right, `vertical` top and bottom."""

    direction: str


class Brightness(Record, frozen=True, tag="brightness", tag_field="kind"):
    factor: float


class Rotation(Record, frozen=True, tag="rotation", tag_field="kind"):
    """Positive is clockwise on the screen."""

    degrees: float


class Scale(Record, frozen=True, tag="scale", tag_field="kind"):
    factor: float


class Move(Record, frozen=True, tag="move", tag_field="kind"):
    """Pixels, to the right and down."""

    x: float
    y: float


Step = Flip | Brightness | Rotation | Scale | Move


class _Placed(NamedTuple):
    """A transformed object."""

    pixels: Floats
    """Colours multiplied by opacity, the fourth channel; shape (height, width, 4)."""
    left: int
    """The pixel of the picture at which its left upper corner comes to lie."""
    top: int


class Made(NamedTuple):
    """A transformed picture."""

    pixels: Pixels
    mask: Bools
    """Of the object as far as it lies in the picture."""
    visible: float
    """Share of the object that lies in the picture."""

    @property
    def box(self) -> Box:
        """The tight box around the mask.

        Raises:
            RelataError: if nothing of the object is left.
        """
        xs, ys = np.flatnonzero(self.mask.any(axis=0)), np.flatnonzero(self.mask.any(axis=1))
        left, top, right, bottom = (xs[0], ys[0], xs[-1] + 1, ys[-1] + 1) if len(xs) else (0, 0, 0, 0)
        return Box(float(left), float(top), float(right), float(bottom))


def draw(rng: random.Random, width: int, height: int, most: int = 3) -> tuple[Step, ...]:
    """One to `most` steps of different kinds, in random order, for a picture of this size in pixels."""
    makers: list[Callable[[], Step]] = [
        lambda: Flip("horizontal"),
        lambda: Flip("vertical"),
        lambda: Brightness(_factor(rng, DIM, BRIGHTEN)),
        lambda: Rotation(round(rng.choice((-1, 1)) * rng.uniform(*ROTATION), 2)),
        lambda: Scale(_factor(rng, SHRINK, GROW)),
        lambda: _move(rng, width, height),
    ]
    return tuple(make() for make in rng.sample(makers, rng.randint(1, most)))


def _factor(rng: random.Random, less: tuple[float, float], more: tuple[float, float]) -> float:
    return round(rng.uniform(*(less if rng.random() < 0.5 else more)), 2)


def _move(rng: random.Random, width: int, height: int) -> Move:
    """Far enough to be seen, along at least one side."""
    angle, far = rng.uniform(0, 2 * math.pi), rng.uniform(*MOVE)
    return Move(float(round(far * width * math.cos(angle))), float(round(far * height * math.sin(angle))))


def to_json(steps: Sequence[Step]) -> str:
    """The exact parameters, as a link's `transform` holds them: `[{"kind":"rotation","degrees":-20.74}, ...]`."""
    return encode(list(steps)).decode()


def from_json(text: str) -> tuple[Step, ...]:
    """The steps of a link's `transform`.

    Raises:
        RelataError: if they are not such.
    """
    return decode(text, tuple[Step, ...], "transform")


def linear(steps: Sequence[Step]) -> Floats:
    """What the steps do to a vector (x, y) from the object's middle: a matrix of shape (2, 2)."""
    matrix = np.eye(2)
    for step in steps:
        if isinstance(step, Flip):
            matrix = np.diag((-1.0, 1.0) if step.direction == "horizontal" else (1.0, -1.0)) @ matrix
        elif isinstance(step, Rotation):
            turn = math.radians(step.degrees)  # y points down, so a turn of the usual sign is clockwise
            matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]) @ matrix
        elif isinstance(step, Scale):
            matrix = matrix * step.factor
    return matrix


def offset(steps: Sequence[Step]) -> tuple[float, float]:
    """Where the steps move the object's middle, in pixels."""
    moves = [step for step in steps if isinstance(step, Move)]
    return sum(move.x for move in moves), sum(move.y for move in moves)


def apply(pixels: Pixels, mask: Bools, steps: Sequence[Step], others: Bools | None = None) -> Made:
    """The picture with an object transformed, and the hole that it leaves filled.

    Args:
        pixels: shape (height, width, 3).
        mask: the object's pixels, at least one; shape (height, width).
        others: what the hole should rather not be filled with: other objects; shape (height, width).
    """
    moved, left, top = _warped(*_cut(pixels, mask, steps), linear(steps), offset(steps))
    ground = fill(pixels, ndimage.binary_dilation(mask, iterations=EDGE), others).astype(np.float64)
    height, width = mask.shape
    x1, y1 = max(left, 0), max(top, 0)
    x2, y2 = min(left + moved.shape[1], width), min(top + moved.shape[0], height)
    after = np.zeros_like(mask)
    whole = float(moved[..., 3].sum())
    if x1 >= x2 or y1 >= y2 or not whole:
        return Made(ground.round().astype(np.uint8), after, 0.0)
    part = moved[y1 - top : y2 - top, x1 - left : x2 - left]
    alpha = part[..., 3:]
    ground[y1:y2, x1:x2] = ground[y1:y2, x1:x2] * (1 - alpha) + part[..., :3]
    after[y1:y2, x1:x2] = alpha[..., 0] >= 0.5
    return Made(ground.round().clip(0, 255).astype(np.uint8), after, float(alpha.sum()) / whole)


def visible(mask: Bools, steps: Sequence[Step]) -> float:
    """The share of an object that `apply` would leave in the picture, about; without making the picture."""
    ys, xs = np.nonzero(mask)
    middle = np.array([(xs.min() + xs.max() + 1) / 2, (ys.min() + ys.max() + 1) / 2])
    points = (np.stack([xs, ys], axis=1) + 0.5 - middle) @ linear(steps).T + middle + offset(steps)
    return float(((points >= 0) & (points <= mask.shape[::-1])).all(axis=1).mean())


def told_apart(pixels: Pixels, mask: Bools, steps: Sequence[Step]) -> bool:
    """Whether every step can be seen: with any of them left out the object would look otherwise.

    A circle looks the same flipped or rotated, a black thing made darker, and a card flipped both ways.
    """

    def object(steps: Sequence[Step]) -> _Placed:
        return _warped(*_cut(pixels, mask, steps), linear(steps), offset(steps))

    whole = object(steps)
    fewer = chain.from_iterable(combinations(steps, count) for count in range(len(steps)))
    return all(_difference(whole, object(some)) >= _SEEN for some in fewer)


def _difference(one: _Placed, other: _Placed) -> float:
    """By how many grey levels two objects differ on average; where only one of them is, by as many as there are."""
    left, top = min(one.left, other.left), min(one.top, other.top)
    right, bottom = (
        max(placed.left + placed.pixels.shape[1] for placed in (one, other)),
        max(placed.top + placed.pixels.shape[0] for placed in (one, other)),
    )
    shown = np.zeros((2, bottom - top, right - left, 4))
    for k, placed in enumerate((one, other)):
        y, x = placed.top - top, placed.left - left
        shown[k, y : y + placed.pixels.shape[0], x : x + placed.pixels.shape[1]] = placed.pixels
    apart = np.abs(shown[0] - shown[1])
    levels = np.maximum(apart[..., :3].mean(axis=2), 255 * apart[..., 3])
    return float(levels.sum() / shown[..., 3].max(axis=0).sum())


def _cut(pixels: Pixels, mask: Bools, steps: Sequence[Step]) -> tuple[Floats, tuple[int, int, int, int]]:
    """The object alone, its colours multiplied by its opacity, the fourth channel; and the box that it was in."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    x1, y1, x2, y2 = int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1
    colours = pixels[y1:y2, x1:x2].astype(np.float64)
    for step in steps:
        if isinstance(step, Brightness):
            colours = (colours * step.factor).clip(0, 255)
    alpha = mask[y1:y2, x1:x2, None].astype(np.float64)
    return np.concatenate([colours * alpha, alpha], axis=2), (x1, y1, x2, y2)


def _warped(object: Floats, box: tuple[int, int, int, int], matrix: Floats, move: tuple[float, float]) -> _Placed:
    """The object after the steps."""
    x1, y1, x2, y2 = box
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    to = middle + move
    corners = np.array([(x, y) for x in (x1, x2) for y in (y1, y2)]) - middle
    reach = (corners @ matrix.T) + to
    left, top = (int(v) for v in np.floor(reach.min(axis=0) + 1e-9) - 1)
    right, bottom = (int(v) for v in np.ceil(reach.max(axis=0) - 1e-9) + 1)
    shrunk = 1 / math.sqrt(abs(float(np.linalg.det(matrix))))
    if shrunk > 1:  # else pixels would be skipped, and fine patterns turn coarse
        blur = (shrunk - 1) / 2
        object = np.pad(object, ((_ROOM, _ROOM), (_ROOM, _ROOM), (0, 0)))
        object = ndimage.gaussian_filter(object, (blur, blur, 0), mode="constant")
        x1, y1 = x1 - _ROOM, y1 - _ROOM
    # from the middle of a pixel of the result back to the middle of one of the object; rows come first
    back = np.linalg.inv(matrix)[::-1, ::-1]
    start = back @ (np.array([top, left]) + 0.5 - to[::-1]) + middle[::-1] - (y1, x1) - 0.5
    shape = (bottom - top, right - left)
    channels = [
        ndimage.affine_transform(object[..., k], back, start, shape, order=1, mode="grid-constant") for k in range(4)
    ]
    return _Placed(np.stack(channels, axis=2), left, top)
