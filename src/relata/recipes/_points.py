"""Points in an image that show one region and no other."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt

from relata.english import words
from relata.english.names import Names
from relata.english.talk import Turn
from relata.geometry import rle_decode
from relata.scene import Box, Scene

#: A point is a square of this share of the image's longer side: small, and no dialect rounds it away.
SPOT = 0.01
#: Pixels of a mask that are tried.
TRIES = 30

_POINT = (
    "What is at the point [](%d)?",
    "Somebody clicks on [](%d). What is there?",
    "Which object does the point [](%d) lie on?",
    "Name the thing under the point [](%d).",
)

Flags = npt.NDArray[np.bool_]


def point(scene: Scene, rng: random.Random, most: int) -> tuple[list[Turn], list[Box]]:
    """Questions about points, each with the box of its point, which they cite as the number after the last region.

    Only regions with a mask are asked for, at points where no other mask is.
    """
    masks = {k: rle_decode(region.mask) for k, region in enumerate(scene.regions) if region.mask}
    side = max(2, round(SPOT * max(scene.width, scene.height)))
    turns: list[Turn] = []
    spots: list[Box] = []
    if not masks:
        return turns, spots
    covered = np.sum(list(masks.values()), axis=0, dtype=np.int32)
    names = Names(scene)
    for k in rng.sample(sorted(masks), len(masks)):
        spot = _spot(masks[k] & (covered == 1), side, rng) if len(turns) < most else None
        if spot:
            number = len(scene.regions) + 1
            spots.append(spot)
            turns.append(Turn(rng.choice(_POINT) % number, words.sentence(names.known((k,)).text)))
    return turns, spots


def _spot(free: Flags, side: int, rng: random.Random) -> Box | None:
    """A square that lies wholly in what is free, or None if chance finds none."""
    ys, xs = np.nonzero(free)
    for at in rng.sample(range(len(xs)), min(TRIES, len(xs))):
        x, y = int(xs[at]), int(ys[at])
        square = free[y : y + side, x : x + side]
        if square.shape == (side, side) and square.all():
            return Box(x, y, x + side, y + side)
    return None
