"""How much masks of one image overlap, all with all: 200 masks of a photo in well under a second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from relata.errors import RelataError
from relata.geometry.masks import rle_decode
from relata.scene import Mask

Counts = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class Overlaps:
    """Masks of one image, a bit per pixel; of each only the part between its first and its last pixel.

    Pixels are taken down the columns, as run lengths go: what two masks do not share from left to right is never
    looked at.

    Args:
        masks: all of one size.

    Raises:
        RelataError: if the sizes differ, or run lengths are damaged.
    """

    def __init__(self, masks: Sequence[Mask]) -> None:
        for mask in masks:
            if mask.size != masks[0].size:
                raise RelataError(
                    f"masks of {masks[0].size} and {mask.size} pixels (height, width) are not of one image"
                )
        self._starts: list[int] = []
        self._words: list[Words] = []
        for mask in masks:
            words = _packed(mask)
            used = np.flatnonzero(words)
            start, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 0)
            self._starts.append(start)
            self._words.append(words[start:end].copy())  # a view would keep the whole image
        self.areas: Counts = np.array([_count(words) for words in self._words], dtype=np.int64)
        """Pixels of each mask, shape (count,)."""

    def shared(self) -> Counts:
        """Pixels that each two masks share, shape (count, count); a mask with itself has its area."""
        shared = np.diag(self.areas)
        starts = np.array(self._starts, dtype=np.int64)
        ends = starts + np.array([len(words) for words in self._words], dtype=np.int64)
        for i in range(len(starts)):
            meeting = np.flatnonzero((starts[i + 1 :] < ends[i]) & (ends[i + 1 :] > starts[i])) + i + 1
            for j in meeting.tolist():
                shared[i, j] = shared[j, i] = _count(np.bitwise_and(*self._aligned(i, j)))
        return shared

    def iou(self) -> npt.NDArray[np.float64]:
        """Intersection over union of each two masks, shape (count, count); 0 where both are empty."""
        shared = self.shared()
        union = self.areas[:, None] + self.areas[None, :] - shared
        iou: npt.NDArray[np.float64] = shared / np.maximum(union, 1)
        return iou

    def covered(self, mask: int, others: Sequence[int]) -> int:
        """Pixels of one mask that lie in at least one of the others."""
        found = np.zeros_like(self._words[mask])
        for other in others:
            start = max(self._starts[mask], self._starts[other])
            mine, theirs = self._aligned(mask, other)
            at = start - self._starts[mask]
            found[at : at + len(mine)] |= mine & theirs
        return _count(found)

    def _aligned(self, i: int, j: int) -> tuple[Words, Words]:
        """The words of both masks where both have any."""
        a, b = self._starts[i], self._starts[j]
        start, end = max(a, b), min(a + len(self._words[i]), b + len(self._words[j]))
        end = max(start, end)
        return self._words[i][start - a : end - a], self._words[j][start - b : end - b]


def _packed(mask: Mask) -> Words:
    bits = np.packbits(rle_decode(mask).ravel(order="F"))
    return np.pad(bits, (0, -len(bits) % 8)).view(np.uint64)


def _count(words: Words) -> int:
    return int(np.bitwise_count(words).sum(dtype=np.int64))
