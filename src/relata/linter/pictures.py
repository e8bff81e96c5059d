"""Image files that rows name: there, readable, whole, of the size that is told. Only headers are read, each once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from relata.errors import Unsafe
from relata.images import ADDRESS, LIMITS, check, descriptor, inside
from relata.linter.fields import Defect
from relata.linter.sheet import Picture, Sheet
from relata.sniff import Header, sniff

#: Bytes in which the headers of a photo lie; a file whose headers go on is read whole.
_HEAD = 1 << 16
#: How the last bytes of a whole file look, and how many of them to look at: some cameras write zeros behind.
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_TAIL = 64
#: A side with fewer pixels than this has not one patch; some processors refuse an image so much longer than wide.
_SMALL, _LONG = 14, 200

_KINDS = {
    "missing": "missing-image",
    "outside-root": "unsafe-path",
    "bad-name": "unsafe-path",
    "not-a-file": "unsafe-path",
    "address": "image-address",
    "too-many-bytes": "too-large-image",
    "too-many-pixels": "too-large-image",
    "too-many-frames": "too-large-image",
    "inflates": "too-large-image",
}


class Seen(NamedTuple):
    """What a file says of itself."""

    width: int = 0
    """Pixels; 0 if it cannot be told."""
    height: int = 0
    defects: tuple[Defect, ...] = ()


class Pictures:
    """The images below a folder, by path.

    Args:
        root: the folder that paths are relative to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._seen: dict[str, Seen] = {}

    def seen(self, path: str) -> Seen:
        """What a file says of itself, and what is wrong with it."""
        if path not in self._seen:
            self._seen[path] = self._look(path)
        return self._seen[path]

    def measured(self, picture: Picture) -> Picture:
        """The picture with its file's size where the row does not tell it."""
        seen = self.seen(picture.path)
        return picture if picture.width and picture.height else Picture(picture.path, seen.width, seen.height)

    def check(self, picture: Picture, sheet: Sheet) -> None:
        """Findings about one image of a row."""
        seen = self.seen(picture.path)
        for kind, detail in seen.defects:
            sheet.add(kind, detail)
        told, real = (picture.width, picture.height), (seen.width, seen.height)
        if all(told) and all(real) and told != real:
            kind = "turned-image" if told == real[::-1] else "size-mismatch"
            sheet.add(kind, f"{picture.path}: {real[0]} x {real[1]}, but {told[0]} x {told[1]} is told")

    def _look(self, path: str) -> Seen:
        try:
            header, whole = self._header(path)
        except Unsafe as error:
            return Seen(defects=((_KINDS.get(error.reason, "unreadable-image"), f"{path}: {error}"),))
        except (FileNotFoundError, NotADirectoryError):
            return Seen(defects=(("missing-image", f"{path} is not in {self.root.name or self.root}"),))
        except OSError as error:
            return Seen(defects=(("unreadable-image", f"{path}: {error.strerror}"),))
        size = f"{path}: {header.width} x {header.height}"
        sides = sorted((header.width, header.height))
        found: list[Defect] = []
        if not whole:
            found.append(("cut-image", path))
        if sides[0] < _SMALL:
            found.append(("tiny-image", size))
        if sides[1] > _LONG * sides[0]:
            found.append(("extreme-shape", size))
        return Seen(header.width, header.height, tuple(found))

    def _header(self, path: str) -> tuple[Header, bool]:
        """What the file claims, and whether its end is there."""
        if ADDRESS.match(path):
            raise Unsafe("address", "an address, not a file")
        with open(descriptor(self.root, inside(self.root, path)), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > LIMITS.bytes:
                raise Unsafe("too-many-bytes", f"{size:,} bytes; up to {LIMITS.bytes:,} are read")
            head = file.read(_HEAD)
            try:
                header = sniff(head)
                if header.format not in _ENDS:  # its frames lie behind
                    raise Unsafe("damaged", "has to be read whole")
            except Unsafe:
                if size <= _HEAD:
                    raise
                return check(head + file.read(size)), True
            check(head)
            file.seek(max(0, size - _TAIL))
            return header, _ENDS[header.format] in file.read(_TAIL)
