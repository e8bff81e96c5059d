"""Worlds as pixels, and the exact mask of every object."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from relata.synth.rules import SIZE
from relata.synth.shapes import interior, stencil

if TYPE_CHECKING:
    from relata.synth.world import World

#: In the order of `COLOURS`.
PAINT = (
    (214, 40, 40),
    (46, 150, 60),
    (45, 85, 214),
    (238, 205, 40),
    (140, 60, 170),
    (240, 130, 30),
    (60, 195, 210),
    (128, 78, 42),
)
LINE_COLOUR = 15

Pixels = NDArray[np.uint8]


def render(world: World) -> Pixels:
    """The picture, (96, 96, 3) RGB: a plain light ground, black lines between what is attached, the objects over it.

    Every object has a darker outline, so that one can see which of two is in front, and a small one in a large one.
    """
    pixels = np.empty((SIZE, SIZE, 3), np.uint8)
    pixels[:] = world.background
    for first, second in world.links:
        _line(pixels, world.boxes[first], world.boxes[second])
    for index in world.order:
        x, y, right, bottom = map(int, world.boxes[index])
        colours, where = _sprite(world.shapes[index], right - x, world.colours[index], world.textures[index])
        np.copyto(pixels[y:bottom, x:right], colours, where=where)
    return pixels


def masks(world: World) -> list[NDArray[np.bool_]]:
    """The visible pixels of every object, (96, 96) each."""
    owner = np.full((SIZE, SIZE), -1, np.int8)
    for index in world.order:
        x, y, right, bottom = map(int, world.boxes[index])
        owner[y:bottom, x:right][stencil(world.shapes[index], right - x)] = index
    return [owner == index for index in range(len(world))]


@cache
def _sprite(shape: int, side: int, colour: int, texture: int) -> tuple[Pixels, NDArray[np.bool_]]:
    """An object's pixels in its box, and which of them belong to it. Stripes are two pixels high."""
    paint = np.array(PAINT[colour], np.uint8)
    pixels = np.empty((side, side, 3), np.uint8)
    pixels[:] = paint
    if texture:
        pixels[np.arange(side) // 2 % 2 == 1] = 255 - (255 - paint) // 5
    pixels[~interior(shape, side)] = paint // 5 * 2
    return pixels, stencil(shape, side)[:, :, None]


def _line(pixels: Pixels, first: tuple[float, ...], second: tuple[float, ...]) -> None:
    """A black line, two pixels thick, from centre to centre; the objects are drawn over its ends."""
    x1, y1 = int(first[0] + first[2]) // 2, int(first[1] + first[3]) // 2
    x2, y2 = int(second[0] + second[2]) // 2, int(second[1] + second[3]) // 2
    steps = max(abs(x2 - x1), abs(y2 - y1))
    along = np.arange(steps + 1)
    xs = x1 + ((x2 - x1) * along * 2 + steps) // (2 * steps)
    ys = y1 + ((y2 - y1) * along * 2 + steps) // (2 * steps)
    pixels[ys, xs] = pixels[ys - 1, xs] = pixels[ys, xs - 1] = LINE_COLOUR
