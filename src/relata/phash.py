"""Perceptual hashes: 64 bits that stay nearly the same when a picture is resized, re-encoded or slightly cropped.

The signs of the lowest frequencies of the brightness (a cosine transform of 32 x 32 pixels, 8 x 8 of it kept, compared
with their median), as in the public pHash method. A crop moves all frequencies, so that the pictures to be found are
hashed as a whole and in a few crops.

An index over many hashes answers "which are within r bits of this one?" by looking at few of them: 64 bits are cut into
four parts, and two such hashes have a part in common but for r / 4 bits, rounded down (multi-index hashing, Norouzi and
others, arXiv 1307.2982).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from relata import images
from relata.errors import RelataError

_SIDE = 32
_KEPT = 8
_BITS = _KEPT * _KEPT
_PARTS = 4
_PART = _BITS // _PARTS
_MASK = (1 << _PART) - 1

Places = npt.NDArray[np.int64]

#: The eight slowest waves of the cosine transform.
_WAVES = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), np.arange(_SIDE) + 0.5))

#: A part of a picture: left, top, right, bottom in shares of its sides.
Part = tuple[float, float, float, float]
WHOLE: Part = (0.0, 0.0, 1.0, 1.0)
#: What copies are cut down to, mostly: a rim on all sides, or a strip at one of them.
CROPS: tuple[Part, ...] = (
    (0.03, 0.03, 0.97, 0.97),
    (0.06, 0.06, 0.94, 0.94),
    (0.1, 0.1, 0.9, 0.9),
    (0.08, 0.0, 1.0, 1.0),
    (0.0, 0.08, 1.0, 1.0),
    (0.0, 0.0, 0.92, 1.0),
    (0.0, 0.0, 1.0, 0.92),
)


def bits(grey: Image.Image, part: Part = WHOLE, mirror: bool = False) -> int:
    """The hash of a grey picture, of a part of it, or of its mirror image. Equal pictures have equal hashes."""
    box = (part[0] * grey.width, part[1] * grey.height, part[2] * grey.width, part[3] * grey.height)
    values = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, box), dtype=np.float64)
    low = (_WAVES @ (values[:, ::-1] if mirror else values) @ _WAVES.T).ravel()
    low[0] = 0.0  # the mean brightness says nothing
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


def grey(picture: Image.Image) -> Image.Image:
    """A picture as `bits` takes it: grey and upright."""
    picture.draft("L", (8 * _SIDE, 8 * _SIDE))  # decodes a large JPEG at a fraction of its size
    return ImageOps.exif_transpose(picture).convert("L")


def read(name: str, folder: Path | None) -> Image.Image:
    """A picture file below a folder as `bits` takes it.

    Raises:
        Unsafe: if it is missing, may do harm (see `relata.images`), or cannot be decoded.
    """
    with images.opened(images.read(name, folder), name) as picture:
        return grey(picture)


class Near(NamedTuple):
    """A picture of an index that is near to the one asked about."""

    name: str
    distance: int
    """Bits in which the hashes differ."""


class Index:
    """Pictures by their hashes; one may have several.

    Args:
        pictures: names and hashes.
        radius: the most bits in which a near hash differs, 0 to 15.

    Raises:
        RelataError: on another radius.
    """

    def __init__(self, pictures: Iterable[tuple[str, int]], radius: int) -> None:
        if not 0 <= radius < _PART:
            raise RelataError(f"bits is {radius}; give 0 to {_PART - 1}, of the {_BITS} bits of a hash")
        self._radius = radius
        named = list(pictures)
        self._names = [name for name, _ in named]
        self._hashes = np.array([hash for _, hash in named], dtype=np.uint64)
        few = range(radius // _PARTS + 1)
        flips = [sum(1 << bit for bit in some) for count in few for some in combinations(range(_PART), count)]
        self._flips = np.array(flips, dtype=np.int64)
        self._tables: list[tuple[Places, Places]] = []
        for shift in range(0, _BITS, _PART):
            parts = (self._hashes >> np.uint64(shift) & np.uint64(_MASK)).astype(np.int64)
            order = np.argsort(parts, kind="stable")
            self._tables.append((order, np.searchsorted(parts[order], np.arange(_MASK + 2))))

    def near(self, hashes: Sequence[int]) -> Near | None:
        """The nearest picture to any of these hashes, the first of equally near ones, or None if none is near."""
        distance, place = min(map(self._nearest, hashes), default=(_BITS, 0))
        return Near(self._names[place], distance) if distance <= self._radius else None

    def _nearest(self, hash: int) -> tuple[int, int]:
        """Distance and place of the nearest of those that share a part but for a few bits."""
        found = []
        for (order, starts), shift in zip(self._tables, range(0, _BITS, _PART), strict=True):
            parts = (hash >> shift & _MASK) ^ self._flips
            begin, counts = starts[parts], starts[parts + 1] - starts[parts]
            # all runs begin[i], begin[i] + 1, ... one after the other
            found.append(order[np.repeat(begin - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())])
        places = np.unique(np.concatenate(found))
        if not len(places):
            return _BITS, 0
        distances = np.bitwise_count(self._hashes[places] ^ np.uint64(hash))
        best = int(np.argmin(distances))
        return int(distances[best]), int(places[best])
