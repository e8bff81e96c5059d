"""Pictures for pages: only from the folder that the user named, checked, made small, copied once.

What may be read is said by `relata.images`: nothing outside the folder, no bombs.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from relata import images
from relata.errors import Unsafe
from relata.view.words import line

#: The longer side of a picture in a page, in pixels.
LONGEST = 900
#: Pictures with both sides below this are enlarged when drawn, so they are kept without loss.
SMALL = 480


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


def picture(data: bytes) -> Picture:
    """A copy fit for a page: first frame, no metadata, at most `LONGEST` pixels on its longer side.

    Raises:
        Unsafe: if the bytes are no photo of a known format, are damaged, or go beyond the limits.
    """
    images.check(data)
    with images.opened(data, "") as image:
        width, height = image.size
        image.draft("RGB", (LONGEST, LONGEST))
        flat = flatten(image)
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

    def __init__(self, folder: Path, images: Path | Sequence[Path]) -> None:
        """`images`: the folder that references are relative to; of several, the first that has the picture."""
        self.folder = folder / "assets"
        self.images = [images] if isinstance(images, Path) else list(images)

    def show(self, image: str, width: int, height: int) -> Shown:
        """Copy one image of the data, which the data say is `width` x `height` pixels."""
        try:
            data = self._read(image)
        except Unsafe as error:
            return Shown("", str(error))
        try:
            small = picture(data)
        except Unsafe as error:
            return Shown("", f"image {line(image, 80)!r}: {error}")
        name = f"{hashlib.sha256(data).hexdigest()[:20]}.{small.type}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(small.data)
        return Shown(f"assets/{name}", mismatch(small, width, height))

    def _read(self, image: str) -> bytes:
        *others, last = self.images
        for folder in others:
            try:
                return images.read(image, folder)
            except Unsafe as error:
                if error.reason != "missing":
                    raise
        return images.read(image, last)


def mismatch(picture: Picture, width: int, height: int) -> str:
    """A sentence when a picture has another size than the data say, else nothing."""
    if (picture.width, picture.height) == (width, height):
        return ""
    return (
        f"the file has {picture.width} x {picture.height} px, the record says {width} x {height}; "
        "boxes are drawn in the record's frame"
    )
