"""Images of other data among these: those of a benchmark, by name and look; and images that look like each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import msgspec

from relata import phash
from relata.errors import RelataError
from relata.filters import leaks
from relata.linter.sheet import Picture, Sheet
from relata.readers._json import pieces
from relata.scene import Scene

#: Two images with hashes of 64 bits that differ in no more bits than this look the same.
ALIKE = 3
#: Hashes are cut into so many parts; if at most `ALIKE` bits differ, one part does not.
_PARTS = ALIKE + 1
_PART = 64 // _PARTS


class Against:
    """Images that must not be among those checked.

    Args:
        path: a folder of pictures; or a file: names, one per line, or data (`.json`, `.jsonl`) that name images.
        root: the folder of the images checked.

    Raises:
        RelataError: if there is no such file, or it names no image.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._root = root
        self._pictures = str(path) if path.is_dir() else ""
        self._names = frozenset() if path.is_dir() else leaks.keys(_named(path))
        if not self._pictures and not self._names:
            raise RelataError(f"against: {path} names no image; give a folder of pictures, or a file that names some")
        self._seen: dict[str, tuple[str, str] | None] = {}

    def check(self, picture: Picture, sheet: Sheet) -> None:
        """Whether the image is one of them."""
        path = picture.path
        if path not in self._seen:
            self._seen[path] = self._leak(path)
        leak = self._seen[path]
        if leak:
            sheet.add(*leak)

    def _leak(self, path: str) -> tuple[str, str] | None:
        shown = Scene(path, path, 1, 1)
        found = leaks.check(shown, self._names, pictures=self._pictures, images=str(self._root))
        if found is None:
            return None
        return ("leaked-image", path) if found.reason == "excluded" else ("leaked-look", f"{path} is {found.detail}")


def _named(path: Path) -> list[str]:
    """Names of images in a file."""
    if not path.is_file():
        raise RelataError(f"against: {path} does not exist; give a folder of pictures, or a file that names images")
    if path.suffix not in (".json", ".jsonl"):
        return path.read_text(encoding="utf-8").splitlines()
    found: list[str] = []
    for piece in pieces(path):
        try:
            _walk(msgspec.json.decode(piece), found.append)
        except msgspec.DecodeError as error:
            raise RelataError(f"against: {path} is damaged: {error}") from error
    return found


def _walk(value: object, take: Callable[[str], object], key: str = "") -> None:
    """Every text in a field that names images, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _walk(inner, take, name)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, take, key)
    elif isinstance(value, str) and key in ("image", "images", "path", "file_name", "filename"):
        take(value)


class Alike:
    """Finds images that look like one of an earlier row. Every image is decoded, once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._first: dict[str, tuple[int, int]] = {}

    def add(self, picture: Picture, at: int) -> None:
        """Take in an image of the row at this place of the sheet.

        Raises:
            RelataError: if it cannot be decoded.
        """
        if picture.path not in self._first:
            self._first[picture.path] = (at, phash.bits(phash.read(picture.path, self._root)))

    def finish(self, sheet: Sheet) -> None:
        """Findings for each image that looks like an earlier one."""
        buckets: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
        for path, (at, hash) in self._first.items():
            keys = [(part, hash >> part * _PART & (1 << _PART) - 1) for part in range(_PARTS)]
            near = ((other, (hash ^ theirs).bit_count()) for key in keys for other, theirs in buckets[key])
            twin = min((found for found in near if found[1] <= ALIKE), key=lambda found: found[1], default=None)
            if twin:
                file, number, _ = sheet.places[self._first[twin[0]][0]]
                sheet.add("near-duplicate", f"{path}: {twin[0]} ({file}:{number}), {twin[1]} of 64 bits differ", at)
            for key in keys:
                buckets[key].append((path, hash))
