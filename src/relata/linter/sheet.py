"""What is collected while rows go by: findings, boxes, and what each row shows and says."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from relata.english.meanings import meaning
from relata.linter.conventions import (
    LEAST,
    PIXELS,
    Boxes,
    Convention,
    Floats,
    Verdict,
    judge,
    placed,
    some,
)
from relata.linter.fields import shown
from relata.linter.findings import Finding
from relata.scene import CLIP_PIXELS, CLIP_SHARE

#: Conventions that each kind of writing may have; a dialect that is named leaves one.
EXPECTED: dict[str, tuple[Convention, ...]] = {
    "records": (PIXELS,),
    "<box>": (Convention("xyxy", 1000.0), Convention("xyxy", 1000.0, True)),
    "Qwen's boxes": (Convention("xyxy", 1000.0), PIXELS),
    "<loc>": (Convention("yxyx", 1024.0),),
    "brackets": tuple(Convention("xyxy", full, square) for full in (1.0, 1000.0, None) for square in (False, True)),
    "objects": (PIXELS,),
    "objects, norm1": (Convention("xyxy", 1.0),),
}
#: Written by people or tools for the original image in full precision: here a box of less than a pixel is a slip.
_FINE = ("records", "objects")
#: Rounding of a whole pixel that was divided and multiplied.
_HAIR = 1e-6
#: No coordinate of a picture is larger.
_HUGE = 1e9
_NUMBERS = frozenset((int, float))
_DIRECTIONS = ("left of", "right of", "above", "under")


class Picture(NamedTuple):
    """An image as a row names it."""

    path: str
    width: int = 0
    """Pixels; 0 if the row does not tell."""
    height: int = 0


class Row(NamedTuple):
    """What a row shows and says, whatever its format."""

    id: str = ""
    pictures: tuple[Picture, ...] = ()
    turns: tuple[tuple[str, str], ...] = ()
    """Role and text."""
    predicates: tuple[str, ...] = ()
    apart: str = ""
    """What placeholders in the text stand for."""


class _Written:
    """Numbers of one kind of writing, as they come."""

    def __init__(self) -> None:
        self.numbers = array("d")
        self.sizes = array("d")
        self.rows = array("q")
        self.images = array("q")
        """A checksum of each image's path."""
        self.relations: list[tuple[str, int, int]] = []


class Sheet:
    """Findings of one part of the data: a file, or the files of one type in a folder.

    Args:
        name: of the part, for findings about it as a whole.
        dialect: the convention that boxes in text have to have; None: any that the markup allows.
    """

    def __init__(self, name: str, dialect: Convention | None = None) -> None:
        self.name = name
        self.found: list[Finding] = []
        self.places: list[tuple[str, int, str]] = []
        """File, row and id of each row."""
        self.faulty: set[int] = set()
        """Rows with an error."""
        self._dialect = dialect
        self._written: dict[str, _Written] = {}
        self._fresh: dict[tuple[object, ...], int] = {}
        """Boxes of the row that is looked at, and their places."""

    def row(self, file: str, number: int) -> int:
        """Go to the next row; its index."""
        self.places.append((file, number, ""))
        self._fresh.clear()
        return len(self.places) - 1

    def name_row(self, id: str) -> None:
        """Tell the id of the row that is looked at."""
        file, number, _ = self.places[-1]
        self.places[-1] = (file, number, id)

    def add(self, kind: str, detail: str = "", row: int = -1) -> None:
        """A finding in a row; in the one that is looked at, if none is given."""
        row = row if row >= 0 else len(self.places) - 1
        file, number, id = self.places[row]
        finding = Finding(kind, file, number, detail, id)
        self.found.append(finding)
        if finding.level == "error":
            self.faulty.add(row)

    def whole(self, kind: str, detail: str = "", file: str = "") -> None:
        """A finding about the whole file."""
        self.found.append(Finding(kind, file or self.name, 0, detail))

    def box(self, written: str, numbers: Any, picture: Picture) -> int | None:
        """A box as it was written; its number among those of its kind, or None if it is none.

        Args:
            written: how; a key of `EXPECTED`.
            numbers: four, if it is one.
            picture: that it is of; a box that is named twice counts once.
        """
        if not _four(numbers):
            self.add("bad-box", shown(numbers))
            return None
        key = (written, picture.path, *numbers)
        if key not in self._fresh:
            kept = self._written.setdefault(written, _Written())
            self._fresh[key] = len(kept.rows)
            kept.numbers.extend(numbers)
            kept.sizes.extend(picture[1:])
            kept.images.append(crc32(picture.path.encode("utf-8", "surrogatepass")))
            kept.rows.append(len(self.places) - 1)
        return self._fresh[key]

    def relation(self, written: str, predicate: str, pairs: Iterable[tuple[int | None, int | None]]) -> None:
        """A relation said of boxes, by their numbers; directions help to tell how boxes are written."""
        word = meaning(predicate)
        if word in _DIRECTIONS and written in self._written:
            said = self._written[written].relations
            said += [(word, i, j) for i, j in pairs if i is not None and j is not None]

    def judge_boxes(self) -> str:
        """Find what is wrong with the boxes of all rows; gives the conventions that they seem to be written in."""
        told = []
        for written, kept in self._written.items():
            expected = EXPECTED[written]
            if self._dialect and written not in (*_FINE, "objects, norm1"):
                expected = (self._dialect,)
            numbers = np.frombuffer(kept.numbers, dtype=np.float64).reshape(-1, 4)
            sizes = np.frombuffer(kept.sizes, dtype=np.float64).reshape(-1, 2)
            verdict = _verdict(numbers, sizes, np.frombuffer(kept.images, dtype=np.int64), kept.relations, expected)
            if len(numbers) >= LEAST:
                told.append(f"{verdict.likely if verdict.wrong else verdict.expected}")
            if verdict.wrong:
                kind = "wrong-convention" if verdict.sure else "unlikely-convention"
                self.whole(kind, f"{len(numbers):,} boxes are {verdict.likely}, not {verdict.expected} ({written})")
            if not (verdict.wrong and verdict.sure):
                self._single(written, numbers, sizes, kept.rows, verdict.expected)
        return "; ".join(dict.fromkeys(told))

    def _single(self, written: str, numbers: Floats, sizes: Floats, rows: Sequence[int], right: Convention) -> None:
        """Boxes that are wrong by themselves."""
        known = np.all(sizes > 0, axis=1)
        within = placed(right, numbers, np.where(known[:, None], sizes, 1000.0))
        pixels = within * np.concatenate([sizes, sizes], 1)
        slack = np.maximum(CLIP_PIXELS, CLIP_SHARE * sizes)
        if right.full:
            slack = slack + sizes.max(1, keepdims=True) / right.full
        over = np.maximum(-pixels[:, :2], pixels[:, 2:] - sizes) > slack
        span = within[:, 2:] - within[:, :2]
        far = (numbers < 0) | (numbers > right.full) if right.full else numbers < -CLIP_PIXELS
        thin = (span * sizes < 1 - _HAIR) & (written in _FINE)
        for kind, wrong in (
            ("swapped-corners", (span < 0).any(1)),
            ("flat-box", (span == 0).any(1) & ~(span < 0).any(1)),
            ("out-of-range", far.any(1) & ((right.full is not None) | ~known)),
            ("outside-image", over.any(1) & known & ~(far.any(1) & (right.full is not None)) & ~(span < 0).any(1)),
            ("tiny-box", thin.any(1) & known & (span > 0).all(1)),
        ):
            for at in np.flatnonzero(wrong).tolist():
                size = f" in {sizes[at, 0]:g} x {sizes[at, 1]:g}" if known[at] else ""
                self.add(kind, f"[{', '.join(f'{n:g}' for n in numbers[at])}]{size}", rows[at])


def _verdict(
    numbers: Floats,
    sizes: Floats,
    images: npt.NDArray[np.int64],
    relations: Sequence[tuple[str, int, int]],
    expected: Sequence[Convention],
) -> Verdict:
    """The convention of the boxes whose images' sizes are known, each counted once however many rows name it."""
    known = np.flatnonzero(np.all(sizes > 0, axis=1))
    if not len(known):
        return Verdict(expected[0], expected[0], False)
    boxes = np.concatenate([images[known, None], numbers[known]], 1)
    _, first, place = np.unique(boxes, axis=0, return_index=True, return_inverse=True)
    at = dict(zip(known.tolist(), place.tolist()))
    said = sorted({(word, at[i], at[j]) for word, i, j in relations if i in at and j in at})
    return judge(some(Boxes(numbers[known][first], sizes[known][first], said)), expected)


def _four(numbers: Any) -> bool:
    """Whether these are four finite numbers, of a size that a picture may have."""
    if not isinstance(numbers, (list, tuple)) or len(numbers) != 4 or not _NUMBERS.issuperset(map(type, numbers)):
        return False
    return max(map(abs, numbers)) < _HUGE and math.isfinite(sum(numbers))
