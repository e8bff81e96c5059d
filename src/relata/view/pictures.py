"""Pictures for pages: only from the folder that the user named, checked, made small, copied once.

Paths in data are written by others. One that leads out of the folder of images, by `..`, by a link or as an absolute
path, is refused and never opened; so is a file that is no picture or claims too many pixels.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from PIL import Image

from relata.errors import RelataError
from relata.view.words import line

#: The longer side of a picture in a page, in pixels.
LONGEST = 900
#: Pictures with both sides below this are enlarged when drawn, so they are kept without loss.
SMALL = 480
MOST_PIXELS = 80_000_000
MOST_BYTES = 200_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


class Picture(NamedTuple):
    """An encoded picture and the size in pixels of the one that it was made from."""

    data: bytes
    type: str
    """`jpeg` or `png`."""
    width: int
    height: int

    @property
    def uri(self) -> str:
        return f"data:image/{self.type};base64,{base64.b64encode(self.data).decode()}"


class Shown(NamedTuple):
    """What a page can show for one image of the data."""

    source: str
    """Address for the page, empty when there is nothing to show."""
    problem: str = ""
    """One sentence for the reader of the page."""


def inside(image: str, root: Path) -> Path:
    """The file that `image` names under `root`.

    Raises:
        RelataError: if it names nothing there, or something outside `root`, also by way of a link.
    """
    given = line(image, 80)
    if re.match(r"[a-z][a-z0-9+.-]*://|data:", image, re.IGNORECASE):
        raise RelataError(f"image '{given}' is an address, not a file; pages show only files of the images folder")
    if not image or "\0" in image or PureWindowsPath(image).drive:
        raise RelataError(f"image '{given}' is not the name of a file in the images folder")
    try:
        base = root.resolve()
        path = (base / image).resolve()
        if not path.is_relative_to(base):
            raise RelataError(f"image '{given}' lies outside the images folder, so it was not opened")
        found = path.is_file()
    except (OSError, RuntimeError, UnicodeError) as error:
        raise RelataError(f"image '{given}' is not a usable file name ({type(error).__name__})") from error
    if not found:
        raise RelataError(f"image '{given}' was not found in the images folder; is it the right folder?")
    return path


def read(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        RelataError: if the file cannot be read or is larger than `MOST_BYTES`.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RelataError(f"the file is larger than {MOST_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise RelataError(f"the file cannot be read ({error.strerror})") from error


def picture(data: bytes) -> Picture:
    """A copy fit for a page: first frame, no metadata, at most `LONGEST` pixels on its longer side.

    Raises:
        RelataError: if the bytes are no picture of a known format, are damaged, or hold more than `MOST_PIXELS`.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise RelataError(f"the picture claims {width} x {height} pixels; up to {MOST_PIXELS:,} are shown")
            image.draft("RGB", (LONGEST, LONGEST))
            flat = flatten(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        if isinstance(error, RelataError):
            raise
        raise RelataError(f"the file cannot be read as a picture ({type(error).__name__})") from error
    flat.thumbnail((LONGEST, LONGEST))
    lossless = max(width, height) < SMALL
    out = io.BytesIO()
    flat.save(out, "PNG" if lossless else "JPEG", quality=85)
    return Picture(out.getvalue(), "png" if lossless else "jpeg", width, height)


def flatten(image: Image.Image) -> Image.Image:
    """The image in RGB; where it is transparent, on white."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    ground = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(ground, layer).convert("RGB")


class Album:
    """Copies the pictures of a page into `assets/` beside it, each once, under a name made from its content."""

    def __init__(self, folder: Path, images: Path) -> None:
        self.folder = folder / "assets"
        self.images = images

    def show(self, image: str, width: int, height: int) -> Shown:
        """Copy one image of the data, which the data say is `width` x `height` pixels."""
        try:
            path = inside(image, self.images)
        except RelataError as error:
            return Shown("", str(error))
        try:
            data = read(path)
            small = picture(data)
        except RelataError as error:
            return Shown("", f"image '{line(image, 80)}': {error}")
        name = f"{hashlib.sha256(data).hexdigest()[:20]}.{small.type}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(small.data)
        return Shown(f"assets/{name}", mismatch(small, width, height))


def mismatch(picture: Picture, width: int, height: int) -> str:
    """A sentence when a picture has another size than the data say, else nothing."""
    if (picture.width, picture.height) == (width, height):
        return ""
    return (
        f"the file has {picture.width} x {picture.height} px, the record says {width} x {height}; "
        "boxes are drawn in the record's frame"
    )
