"""A picture made by hand, and where its two shapes are."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from relata import Box

CIRCLE, SQUARE = Box(10, 10, 50, 50), Box(70, 40, 120, 90)


def picture_bytes(color: str = "red", size: tuple[int, int] = (128, 96)) -> bytes:
    """A circle and a green square on grey, as PNG."""
    image = Image.new("RGB", size, "#dddddd")
    pen = ImageDraw.Draw(image)
    pen.ellipse((10, 10, 50, 50), fill=color)
    pen.rectangle((70, 40, 119, 89), fill="green")
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
