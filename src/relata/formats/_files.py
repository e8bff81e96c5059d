"""Files of conversations: JSON lists and JSON Lines, written and read one record at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from relata import images as pictures
from relata import store
from relata.chat import Example, ImageRef, Preference
from relata.errors import RelataError
from relata.formats._turns import Talk
from relata.readers._json import decode, pieces, short
from relata.readers._outcome import Rejected

#: What a format's `read` is: it yields an example, a preference, or what was lost and why, and returns how many records
#: the file holds, so that the count of what came out can be checked.
Entries = Generator[Example | Preference | Rejected, None, int]

T = TypeVar("T")


def write_json(out: Path, rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as a JSON list, or as JSON Lines if the name ends in `.jsonl`; give their number."""
    count = 0
    lines = out.suffix == ".jsonl"

    def chunks() -> Iterator[bytes]:
        nonlocal count
        if not lines:
            yield b"["
        for row in rows:
            written = msgspec.json.encode(row)
            yield written + b"\n" if lines else (b",\n" if count else b"\n") + written
            count += 1
        if not lines:
            yield b"\n]\n"

    store.write(out, chunks())
    return count


def fresh(folder: Path, pattern: str) -> None:
    """Check that a folder holds no files of an earlier export, which would be read together with the new ones.

    Raises:
        RelataError: if it does.
    """
    found = next(iter(folder.glob(pattern)), None) if folder.is_dir() else None
    if found is not None:
        raise RelataError(f"{folder} holds {found.name} already; name another folder, or delete it")


def entries(path: Path, type: type[T], make: Callable[[T, str, int], tuple[Talk, list[Rejected]]]) -> Entries:
    """What `make` makes of each record, its place and its number; or why it could not be decoded or made."""
    total = 0
    for number, raw in enumerate(pieces(path)):
        total += 1
        where = f"{short(path)}: record {number}"
        try:
            found, lost = make(decode(raw, type), where, number)
        except RelataError as error:
            yield Rejected(where, str(error))
            continue
        yield from lost
        yield found
    return total


def sized(path: str, size: tuple[int, int] | None, images: Path | None, assume: tuple[int, int] | None) -> ImageRef:
    """An image with its size: what the record says, or its file, or the user.

    Raises:
        RelataError: if none of them tells the size, or the file cannot be read safely.
    """
    if size is None and images is not None:
        size = _header(path, images)
    size = size or assume
    if size is None:
        raise RelataError(f"does not tell the size of {path}; name the folder of images, or give size=640x480")
    if min(size) < 1:
        raise RelataError(f"says that {path} is {size[0]} x {size[1]} pixels; mend it in the file")
    return ImageRef(path, *size)


def picture(image: ImageRef, images: Path) -> bytes:
    """The bytes of an image's file. It is decoded once, since a damaged one would stop a training later.

    Raises:
        RelataError: if it cannot be read safely or decoded, or its size is not what the record says.
    """
    data = pictures.read(image.path, images)
    header = pictures.check(data)
    _same(image, header.width, header.height)
    pictures.load(image.path, images)
    return data


def present(refs: Iterable[ImageRef], images: Path | None) -> None:
    """Check that images are there and as large as their record says, if their folder is known.

    Raises:
        RelataError: as `picture`.
    """
    if images is not None:
        for image in refs:
            _same(image, *_header(image.path, images))


def _same(image: ImageRef, width: int, height: int) -> None:
    if (width, height) != (image.width, image.height):
        raise RelataError(
            f"image {image.path} has {width} x {height} pixels, the record says {image.width} x {image.height}; "
            "its boxes would be wrong"
        )


@lru_cache(maxsize=4096)
def _header(path: str, images: Path) -> tuple[int, int]:
    header = pictures.check(pictures.read(path, images))
    return header.width, header.height
