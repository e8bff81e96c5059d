"""An example as a model of some family will see it: the image in the dialect's frame, the boxes out of its text.

Nothing here knows the example's own boxes: its text is written in the dialect and read back, so a picture that looks
right shows that boxes, padding and resizing go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from relata import images as pictures
from relata.chat import Example, ImageRef
from relata.dialects import Dialect
from relata.errors import Unsafe
from relata.geometry import ORIGINAL, Frame, Placement
from relata.graph import to_scene
from relata.grounded import ImageSlot, Predicate, Problem, Span, Text
from relata.scene import Box, Scene
from relata.view.draw import draw
from relata.view.words import triplet

#: The longer side of a drawn frame, in pixels.
LONGEST = 640
#: What a frame is filled with outside the image.
PADDING = (122, 116, 104)
_GAP = 12


class Seen(NamedTuple):
    """An example in a dialect."""

    picture: Image.Image | None
    """Its images side by side; None if it has none."""
    turns: tuple[tuple[str, str], ...]
    """Role and text, as the model reads and learns them."""
    relations: tuple[str, ...]
    """Read back out of the text: `dog [0] on rug [1]`."""
    problems: tuple[str, ...]
    """What could not be read back, and images that could not be shown."""


def seen(example: Example, dialect: Dialect, images: Path | None) -> Seen:
    """Draw one example; `images` is the folder of its images.

    Boxes are numbered per image, in the order of the text.
    """
    turns: list[tuple[str, str]] = []
    spans: list[Span] = []
    problems: list[Problem] = []
    for message in example.messages:
        text = dialect.write(message.spans, example.images)
        read, wrong = dialect.read(text, example.images)
        turns.append((message.role, text))
        spans += read
        problems += wrong
    told = [f"{problem.kind}: {problem.text}" for problem in problems]
    frame = frame_of(dialect)
    panels: list[Image.Image] = []
    relations: list[str] = []
    for index, ref in enumerate(example.images):
        place = frame.place(ref.width, ref.height)
        scene = _scene(spans, ref, index, place)
        name = f"image {index + 1}: " if len(example.images) > 1 else ""
        relations += [name + triplet(scene, relation) for relation in scene.relations]
        try:
            image = pictures.load(ref.path, images)
            if image.size != (ref.width, ref.height):
                size = f"{image.width} x {image.height} px, the record says {ref.width} x {ref.height}"
                told.append(f"image {ref.path} has {size}")
            panels.append(draw(_framed(image, ref, place), scene))
        except Unsafe as error:
            told.append(f"image {ref.path} cannot be shown: {error.reason}")  # no paths of this machine
    return Seen(_joined(panels), tuple(turns), tuple(dict.fromkeys(relations)), tuple(told))


def frame_of(dialect: Dialect) -> Frame:
    """What a dialect's boxes are relative to; the original image for dialects that write cells or no boxes."""
    frame = getattr(getattr(dialect, "codec", None), "frame", ORIGINAL)
    return frame if isinstance(frame, Frame) else ORIGINAL


def _scene(spans: Sequence[Span], ref: ImageRef, index: int, place: Placement) -> Scene:
    """What the text says of one image, in pixels of its frame."""

    def moved(boxes: Sequence[Box]) -> tuple[Box, ...]:
        return tuple(
            Box(
                (box.x1 + place.left) * place.scale_x,
                (box.y1 + place.top) * place.scale_y,
                (box.x2 + place.left) * place.scale_x,
                (box.y2 + place.top) * place.scale_y,
            )
            for box in boxes
        )

    here: list[Span] = []
    for span in spans:
        if isinstance(span, (Text, ImageSlot)) or span.image != index:
            continue
        if isinstance(span, Predicate):
            here.append(span.replace(subjects=moved(span.subjects), objects=moved(span.objects)))
        else:
            here.append(span.replace(boxes=moved(span.boxes)))
    return to_scene(here, ImageRef(ref.path, round(place.width), round(place.height)), index)


def _framed(image: Image.Image, ref: ImageRef, place: Placement) -> Image.Image:
    """The image in its frame, made small enough to look at; padding is grey-brown, as CLIP's mean colour is."""
    shrink = min(1.0, LONGEST / max(place.width, place.height))
    size = max(1, round(place.width * shrink)), max(1, round(place.height * shrink))
    wide, high = ref.width * place.scale_x * shrink, ref.height * place.scale_y * shrink
    canvas = Image.new("RGB", size, PADDING)
    inner = image.resize((max(1, round(wide)), max(1, round(high))))
    canvas.paste(inner, (round(place.left * place.scale_x * shrink), round(place.top * place.scale_y * shrink)))
    return canvas


def _joined(panels: Sequence[Image.Image]) -> Image.Image | None:
    if len(panels) < 2:
        return panels[0] if panels else None
    width = sum(panel.width for panel in panels) + _GAP * (len(panels) - 1)
    whole = Image.new("RGB", (width, max(panel.height for panel in panels)), "white")
    left = 0
    for panel in panels:
        whole.paste(panel, (left, 0))
        left += panel.width + _GAP
    return whole
