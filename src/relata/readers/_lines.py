"""Lines of a file, one at a time, and by their place: what belongs together is found without holding the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from relata.errors import RelataError

BOM = b"\xef\xbb\xbf"


class Lines:
    """The lines of a file that are not empty. Each pass reads the file anew and holds one line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        return (line for _, line in lines(self._path))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not empty, each with the place where it begins; without a byte order mark.

    Raises:
        RelataError: if the file is empty.
    """
    place = 0
    with path.open("rb") as file:
        for line in file:
            if place == 0 and line.startswith(BOM):
                place, line = len(BOM), line[len(BOM) :]
            if line.strip():
                yield place, line
            place += len(line)
    if not place:
        raise RelataError(f"{path}: the file is empty; fetch it again")


def line_at(file: BinaryIO, place: int) -> bytes:
    """The line that begins there."""
    file.seek(place)
    return file.readline()
