"""Image files that data refer to: read only from the folder that the user named, and checked before anything decodes.

Paths in data are written by others. One that leads out of the folder of images, by `..`, by a link or as an absolute
path, is refused and never opened; so are addresses, unless the user gives a way to fetch them (`relata.fetch`), and
files that are no photo, or claim more pixels, bytes or frames than allowed.
"""

from __future__ import annotations

import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, NamedTuple

from relata.errors import RelataError, Unsafe
from relata.sniff import Header, sniff

if TYPE_CHECKING:
    from PIL import Image

ADDRESS = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*://|(?:data|file|https?|ftp|gopher|javascript|blob|jar|ws{1,2}):)", re.I)


class Limits(NamedTuple):
    """What one image file may have."""

    pixels: int = 80_000_000
    """All frames together. Cameras make up to 60 million; Pillow warns from 89 million on."""
    bytes: int = 64 << 20
    frames: int = 16
    """Relation data are photos: only the first frame is looked at."""


#: The limits that hold when nothing else is said.
LIMITS = Limits()


def folder_of(named: str | os.PathLike[str] | None, data: object) -> Path:
    """The folder that image references of data are relative to: the one named, or else that of the data, if they are a
    path, or else the current one.

    Raises:
        RelataError: if the one named does not exist.
    """
    if named is not None:
        if not Path(named).is_dir():
            raise RelataError(f"folder of images {named} does not exist")
        return Path(named)
    if not isinstance(data, (str, os.PathLike)):
        return Path()
    path = Path(data)
    return path if path.is_dir() else path.parent


def inside(root: Path, name: str) -> Path:
    """The place of `name` below `root`, for references to images and for members of archives.

    Links on the way are followed and have to stay below `root`. Nothing is opened, and nothing has to be there.

    Raises:
        Unsafe: `outside-root`, or `bad-name` for what is no path on some system: empty, with a null byte, a drive
            letter or a network share, too long, a loop of links.
    """
    if not name or "\0" in name or PureWindowsPath(name).drive:
        raise Unsafe("bad-name", f"{_shown(name)} is no name of a file in a folder")
    try:
        base = root.resolve()
        path = (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # too long, a loop of links, lone surrogates
        raise Unsafe("bad-name", f"{_shown(name)} is not a usable file name ({type(error).__name__})") from error
    if not path.is_relative_to(base):
        raise Unsafe("outside-root", f"{_shown(name)} lies outside the folder {base}, so it was not opened")
    return path


def read(
    path: str, root: Path | None, limits: Limits = LIMITS, *, fetch: Callable[[str], bytes] | None = None
) -> bytes:
    """The bytes of the image file that `path` names below `root`, after all checks; no pixel is decoded.

    Args:
        path: as a scene or example holds it, relative to `root`, or absolute and inside it.
        root: the folder of images; None: the current folder.
        fetch: what reads an address, as made from `relata.fetch.get`; None: addresses are refused.

    Raises:
        Unsafe: `address`, `missing`, `not-a-file`, `unreadable`, `too-many-bytes`, `too-many-pixels`,
            `too-many-frames`, and the reasons of `inside`, `sniff` and `fetch`. The detail names the image.
    """
    try:
        data = fetch(path) if fetch is not None and ADDRESS.match(path) else _file(path, root, limits)
        check(data, limits)
    except Unsafe as error:
        raise Unsafe(error.reason, f"image {_shown(path)}: {error}") from error
    return data


def check(data: bytes, limits: Limits = LIMITS) -> Header:
    """What an image file says of itself, if it keeps to the limits.

    Raises:
        Unsafe: as `read` does.
    """
    if len(data) > limits.bytes:
        raise Unsafe("too-many-bytes", f"larger than {limits.bytes:,} bytes")
    header = sniff(data)
    if header.frames > limits.frames:
        raise Unsafe("too-many-frames", f"{header.frames:,} frames; up to {limits.frames} are read")
    if header.width * header.height * header.frames > limits.pixels:
        size = f"{header.width} x {header.height}" + (f" x {header.frames}" if header.frames > 1 else "")
        raise Unsafe("too-many-pixels", f"claims {size} pixels; up to {limits.pixels:,} are read")
    return header


def load(path: str, root: Path | None, limits: Limits = LIMITS) -> Image.Image:
    """The pixels of an image that data refer to, its first frame, in RGB.

    Raises:
        Unsafe: as `read` does, and `damaged` if the pixels cannot be decoded.
    """
    return decode(read(path, root, limits), path)


def own(path: str | Path, limits: Limits = LIMITS) -> Image.Image:
    """The pixels of a file that the user named, wherever it lies and its links lead, as `load` gives them.

    Raises:
        Unsafe: as `load` does; the limits hold here too.
    """
    real = Path(path).resolve()
    return load(real.name, real.parent, limits)


def decode(data: bytes, name: str) -> Image.Image:
    """The pixels of bytes that `read` gave, of the first frame, in RGB; `name` is for the error.

    Raises:
        Unsafe: `damaged`, if they cannot be decoded.
    """
    with opened(data, name) as image:
        return image.convert("RGB")


@contextmanager
def opened(data: bytes, name: str) -> Iterator[Image.Image]:
    """A picture that is decoded within the block; `name` is for the error, if not empty.

    Raises:
        Unsafe: `damaged`, whatever the bytes make Pillow raise within the block.
    """
    from PIL import Image

    where = f"image {_shown(name)}: " if name else ""
    try:
        with Image.open(io.BytesIO(data), formats=(sniff(data).format,)) as image:
            yield image
    except Unsafe as error:
        raise Unsafe(error.reason, f"{where}cannot be decoded: {error}") from error
    except RelataError:
        raise
    except Exception as error:  # on hostile bytes Pillow raises nearly anything, SyntaxError and KeyError included
        raise Unsafe("damaged", f"{where}cannot be decoded ({type(error).__name__}: {error})") from error


def _file(path: str, root: Path | None, limits: Limits) -> bytes:
    if ADDRESS.match(path):
        raise Unsafe("address", "an address, not a file; save the picture into the images folder")
    base = (Path() if root is None else root).resolve()
    target = inside(base, path)
    try:
        with open(descriptor(base, target), "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limits.bytes:
                raise Unsafe("too-many-bytes", f"{size:,} bytes; up to {limits.bytes:,} are read")
            return file.read(size + 1)  # a file without end has no size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Unsafe("missing", f"was not found in the images folder {base}; is it the right folder?") from error
    except OSError as error:
        raise Unsafe("unreadable", f"cannot be read ({error.strerror})") from error


def descriptor(base: Path, target: Path) -> int:
    """An open file: folder by folder and following no link, so that nothing can be swapped after the check. A pipe or
    device is not opened, for that alone may wait for ever or have effects."""
    if os.open not in os.supports_dir_fd:  # Windows
        _regular(os.stat(target))
        return os.open(target, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    *folders, name = target.relative_to(base).parts or (".",)
    here = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for folder in folders:
            above, here = here, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(above)
        _regular(os.stat(name, dir_fd=here, follow_symlinks=False))
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=here)
    finally:
        os.close(here)
    try:
        _regular(os.fstat(found))
    except Unsafe:
        os.close(found)
        raise
    return found


def _regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unsafe("not-a-file", "is a folder, pipe or device, not a file")


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
