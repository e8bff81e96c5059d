"""Perceptual hashes: 64 bits that stay nearly the same when a picture is resized, re-encoded or slightly cropped.

The signs of the lowest frequencies of the brightness (a cosine transform of 32 x 32 pixels, 8 x 8 of it kept, compared
with their median), as in the public pHash method. An index over many hashes answers "which are within r bits of this
one?" in near-constant time: 64 bits cut into r + 1 parts, of which two such hashes share at least one, by the
pigeonhole principle (multi-index hashing, Norouzi et al. 2012).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from relata import images
from relata.errors import RelataError
from relata.sniff import sniff

_SIDE = 32
_KEPT = 8
_BITS = _KEPT * _KEPT

#: The eight slowest waves of the cosine transform.
_WAVES = np.cos(np.pi / _SIDE * np.outer(np.arange(_KEPT), np.arange(_SIDE) + 0.5))

Grey = npt.NDArray[np.float64]


def grey(picture: Image.Image) -> Grey:
    """Brightness of a picture, turned upright, in 32 x 32 pixels."""
    picture.draft("L", (8 * _SIDE, 8 * _SIDE))  # decodes a large JPEG at a fraction of its size
    upright = ImageOps.exif_transpose(picture)
    return np.asarray(upright.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX), dtype=np.float64)


def bits(values: Grey) -> int:
    """The hash of a brightness; equal pictures have equal hashes."""
    low = (_WAVES @ values @ _WAVES.T).ravel()
    low[0] = 0.0  # the mean brightness says nothing
    packed = np.packbits(low > np.median(low[1:]))
    return int.from_bytes(packed.tobytes(), "big")


def mirrored(values: Grey) -> int:
    """The hash of the mirrored picture."""
    return bits(values[:, ::-1])


def read(name: str, folder: Path | None) -> Grey:
    """The brightness of a picture file below a folder.

    Raises:
        RelataError: if it is missing, may do harm (see `relata.images`), or cannot be decoded.
    """
    data = images.read(name, folder)
    try:
        with Image.open(io.BytesIO(data), formats=(sniff(data).format,)) as picture:
            return grey(picture)
    except Exception as error:  # on damaged bytes Pillow raises nearly anything, SyntaxError and KeyError included
        raise RelataError(f"image {name!r}: cannot be decoded ({type(error).__name__}: {error})") from error


class Near(NamedTuple):
    """A picture of an index that is near to the one asked about."""

    name: str
    distance: int
    """Bits in which the hashes differ."""


class Index:
    """Pictures by their hashes.

    Args:
        pictures: names and hashes.
        radius: the most bits in which a near hash differs, 0 to 31.
    """

    def __init__(self, pictures: Iterable[tuple[str, int]], radius: int) -> None:
        if not 0 <= radius < _BITS // 2:
            raise RelataError(f"bits is {radius}; two hashes of {_BITS} bits are near with 0 to {_BITS // 2 - 1}")
        self.radius = radius
        self._pictures = list(pictures)
        edges = [_BITS * k // (radius + 1) for k in range(radius + 2)]
        self._parts = [(start, (1 << (end - start)) - 1) for start, end in pairwise(edges)]
        self._tables: list[dict[int, list[int]]] = [{} for _ in self._parts]
        for place, (_, hash) in enumerate(self._pictures):
            for table, (start, mask) in zip(self._tables, self._parts, strict=True):
                table.setdefault(hash >> start & mask, []).append(place)

    def __len__(self) -> int:
        return len(self._pictures)

    def near(self, hashes: Sequence[int]) -> Near | None:
        """The nearest picture to any of these hashes, or None if none is within the radius."""
        best: Near | None = None
        for hash in hashes:
            places = {
                place
                for table, (start, mask) in zip(self._tables, self._parts, strict=True)
                for place in table.get(hash >> start & mask, ())
            }
            for place in sorted(places):
                name, other = self._pictures[place]
                distance = (hash ^ other).bit_count()
                if distance <= self.radius and (best is None or distance < best.distance):
                    best = Near(name, distance)
        return best
