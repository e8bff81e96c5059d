"""A scene drawn on its picture: numbered boxes whose colours and labels are those of the pages and graphs."""

from __future__ import annotations

import math

from PIL import Image, ImageDraw, ImageFont

from relata.scene import Scene
from relata.view.palette import color, ink
from relata.view.pictures import SMALL, flatten
from relata.view.places import Rect, covered, freest
from relata.view.words import line

_LONGEST_LABEL = 28
#: A tag that other tags cover by more than this share is cut down to the number.
CROWDED = 0.1


def draw(image: Image.Image, scene: Scene) -> Image.Image:
    """A copy of the picture with every region's box, id and label.

    A picture whose longer side is below 480 px is enlarged first, by a whole factor and without smoothing, so that
    boxes and labels are readable. Boxes are scaled from the scene's frame to the picture, whatever its size.
    """
    factor = math.ceil(SMALL / max(image.size)) if max(image.size) < SMALL else 1
    size = (image.width * factor, image.height * factor)
    canvas = flatten(image).resize(size, Image.Resampling.NEAREST) if factor > 1 else flatten(image)
    pen = ImageDraw.Draw(canvas)
    stroke = max(2, round(max(size) / 400))
    boxes = [_scaled(region.box.tuple(), scene, size) for region in scene.regions]
    for i in sorted(range(len(boxes)), key=lambda i: -boxes[i].area):
        pen.rectangle(_grown(boxes[i], 1), outline="#000000", width=stroke + 2)
        pen.rectangle(boxes[i], outline=color(i), width=stroke)
    _tags(pen, scene, boxes, size)
    return canvas


def _scaled(box: tuple[float, float, float, float], scene: Scene, size: tuple[int, int]) -> Rect:
    """A box in whole pixels of the picture, at least one pixel wide and high."""
    across, down = size[0] / scene.width, size[1] / scene.height
    x1, y1 = round(box[0] * across), round(box[1] * down)
    return Rect(x1, y1, max(x1 + 1, round(box[2] * across) - 1), max(y1 + 1, round(box[3] * down) - 1))


def _grown(rect: Rect, by: float) -> Rect:
    return Rect(rect.x1 - by, rect.y1 - by, rect.x2 + by, rect.y2 + by)


def _tags(pen: ImageDraw.ImageDraw, scene: Scene, boxes: list[Rect], size: tuple[int, int]) -> None:
    """Write id and label of each box where they cover no other tag and few boxes; the id alone where it is crowded."""
    letters = max(13, round(max(size) / 55))
    font = ImageFont.load_default(letters)
    taken: list[Rect] = []

    def place(text: str, box: Rect) -> Rect:
        wide, high = pen.textlength(text, font) + 8, letters + 5.0
        return freest((rect.within(*size) for rect in _corners(box, wide, high)), taken, boxes)

    for i, (region, box) in enumerate(zip(scene.regions, boxes, strict=True)):
        text = f"{region.id} {line(region.label, _LONGEST_LABEL)}".rstrip()
        tag = place(text, box)
        if covered(tag, taken) > CROWDED * tag.area:
            text = str(region.id)
            tag = place(text, box)
        taken.append(tag)
        pen.rectangle(tag, fill=color(i))
        pen.text(((tag.x1 + tag.x2) / 2, (tag.y1 + tag.y2) / 2), text, fill=ink(color(i)), font=font, anchor="mm")


def _corners(box: Rect, wide: float, high: float) -> list[Rect]:
    """Where a tag may stand: above the box, in its upper corners, below it, in its lower corners."""
    x, right = box.x1, box.x2 - wide
    spots = [(x, box.y1 - high), (x, box.y1), (right, box.y1), (x, box.y2), (x, box.y2 - high), (right, box.y2 - high)]
    return [Rect(x, y, x + wide, y + high) for x, y in spots]
