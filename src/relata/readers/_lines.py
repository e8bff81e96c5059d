"""Lines by their place in a file: what belongs together is found without holding the file in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from relata.errors import RelataError


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not empty, each with the place where it begins.

    Raises:
        RelataError: if the file is empty.
    """
    place = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield place, line
            place += len(line)
    if not place:
        raise RelataError(f"{path}: the file is empty; fetch it again")


def line_at(file: BinaryIO, place: int) -> bytes:
    """The line that begins there."""
    file.seek(place)
    return file.readline()
