"""Boxes in the text of training rows: found by the markup of the families, kept as the numbers that were written.

The dialects' own readers are used, with a codec that decodes nothing: which convention the numbers follow is told from
all of them together (see `conventions`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, cast

from relata.chat import ImageRef
from relata.dialects import Dialect, dialect
from relata.dialects._tagged import Tagged
from relata.dialects.asmv2 import REC
from relata.dialects.llava import BRACKETS
from relata.dialects.paligemma import PaliGemma
from relata.dialects.qwen_vl import TOKENS
from relata.geometry import Codec, Decoded
from relata.grounded import Mention, Predicate
from relata.linter.fields import shown
from relata.linter.sheet import Picture, Sheet
from relata.scene import Box

#: Ways to write an image's place that trainers take for words.
ODD_SLOT = re.compile(
    r"<(?!(?-i:image>))(?:img|images?)(?:[ _-]?\d+)?>|<image ?[ _-]\w+>|\[(?:img|image)\]|<ImageHere>|<\|image_\d+\|>",
    re.I,
)
#: Four numbers in brackets, with no tag around them.
_FOUR = re.compile(r"\[\s*(-?\d*\.?\d+)\s*,\s*(-?\d*\.?\d+)\s*,\s*(-?\d*\.?\d+)\s*,\s*(-?\d*\.?\d+)\s*\]")
#: A predicate whose boxes stand apart.
_PREDICATE = re.compile(r"<pred>([^<]*)</pred>")
#: Problems that are told of boxes elsewhere, or that trainers cannot know of.
_LEFT = ("bad-box", "unknown-image", "unknown-region", "bad-line")


class _Kept:
    """A codec that keeps the numbers it is given. The box it gives is their place: `Box(k, 0, k + 1, 1)`."""

    def __init__(self) -> None:
        self.numbers: list[Sequence[float]] = []
        self._places: list[Decoded] = []

    def encode(self, box: Box, width: int, height: int) -> tuple[float, ...]:
        """The numbers of a box that was kept."""
        return tuple(self.numbers[int(box.x1)])

    def decode(self, numbers: Sequence[float], width: int, height: int) -> Decoded:
        """The place of the numbers; whether they make a box is not judged here."""
        place = len(self.numbers)
        self.numbers.append(numbers)
        if place == len(self._places):
            self._places.append(Decoded(Box(float(place), 0.0, place + 1.0, 1.0)))
        return self._places[place]


_KEPT = _Kept()


@cache
def _family(written: str) -> Dialect:
    if written == "<loc>":
        return PaliGemma("check", cast(Codec, _KEPT))
    return Tagged("check", _KEPT, {"<box>": REC, "Qwen's boxes": TOKENS, "brackets": BRACKETS}[written])


def _written(text: str) -> str:
    """The family that a text's markup belongs to; empty if it has none."""
    if "<|box_" in text or "<|object_ref_" in text or '"bbox_2d"' in text:
        return "Qwen's boxes"
    if "<box>" in text or "</box>" in text:
        return "<box>"
    if "<loc" in text:
        return "relationvlm" if "<loc_" in text else "<loc>"
    if "<patch_index_" in text:
        return "relationvlm"
    if "ref>" in text or "pred>" in text:
        return "brackets" if "[" in text else "<box>"
    return ""


def check(turns: Sequence[tuple[str, str]], pictures: Sequence[Picture], objects: Any, sheet: Sheet) -> list[str]:
    """Boxes and tags of all turns; gives the predicates that answers say."""
    whole = "\n".join(text for _, text in turns)
    if objects is not None:
        _objects(objects, whole, pictures, sheet)
    written = _written(whole) if objects is None else ""
    images = [ImageRef(picture.path, picture.width or 1000, picture.height or 1000) for picture in pictures]
    predicates: list[str] = []
    for number, (role, text) in enumerate(turns):
        if not written:
            if objects is not None and role == "assistant":
                predicates += _PREDICATE.findall(text)
            elif "[" in text:
                _bare(text, pictures, sheet)
            continue
        spans, problems = _read(written, text, images)
        for problem in problems:
            if problem.kind not in _LEFT or written == "relationvlm":
                kind = "unknown-image" if problem.kind in ("unknown-image", "unknown-region") else problem.kind
                sheet.add(kind, f"turn {number}: {problem.text!r}")
            elif problem.kind == "unknown-image" and pictures:
                sheet.add("unknown-image", f"turn {number}: {problem.text!r}")
        said = [span for span in spans if isinstance(span, Predicate)]
        if role == "assistant":
            predicates += [span.text for span in said]
        if written == "relationvlm":
            continue
        places: dict[float, int | None] = {}
        for image, box in _boxes(spans):
            places[box.x1] = sheet.box(written, _KEPT.numbers[int(box.x1)], _picture(pictures, image))
        for span in said:
            first, second = ([places[box.x1] for box in side] for side in (span.subjects, span.objects))
            sheet.relation(written, span.text, zip(first, second))
    return predicates


def _read(written: str, text: str, images: Sequence[ImageRef]) -> tuple[Sequence[Any], Sequence[Any]]:
    if written == "relationvlm":
        return dialect("relationvlm").read(text, images)
    _KEPT.numbers.clear()
    return _family(written).read(text, images or [ImageRef("", 1000, 1000)])


def _boxes(spans: Sequence[Any]) -> Iterator[tuple[int, Box]]:
    for span in spans:
        if isinstance(span, Mention):
            yield from ((span.image, box) for box in span.boxes)
        elif isinstance(span, Predicate):
            yield from ((span.image, box) for box in (*span.subjects, *span.objects))


def _picture(pictures: Sequence[Picture], image: int) -> Picture:
    return pictures[image] if image < len(pictures) else Picture("")


def _bare(text: str, pictures: Sequence[Picture], sheet: Sheet) -> None:
    """Boxes without a tag. Which image they are of is not said; with several it is not guessed."""
    picture = pictures[0] if len(pictures) == 1 else Picture("")
    for found in _FOUR.finditer(text):
        sheet.box("brackets", [float(number) for number in found.groups()], picture)


def _objects(objects: Any, text: str, pictures: Sequence[Picture], sheet: Sheet) -> None:
    """ms-swift's objects: names and boxes apart from the text, where `<ref-object>` and `<bbox>` stand for them."""
    if not isinstance(objects, dict):
        sheet.add("wrong-type", f"objects is {shown(objects)}, not an object with ref and bbox")
        return
    boxes, names = objects.get("bbox", []), objects.get("ref", [])
    if not isinstance(boxes, list) or not isinstance(names, list):
        sheet.add("wrong-type", f"objects.bbox and objects.ref are lists, not {shown(boxes)}, {shown(names)}")
        return
    kind = "objects, norm1" if objects.get("bbox_type") == "norm1" else "objects"
    of: Any = objects.get("image_id")
    for number, box in enumerate(boxes):
        image = of[number] if isinstance(of, list) and number < len(of) else 0
        if isinstance(box, list) and len(box) == 2:  # a point
            continue
        if not isinstance(image, int) or not 0 <= image < max(len(pictures), 1):
            sheet.add("unknown-image", f"objects.image_id[{number}] is {shown(image)}")
            continue
        sheet.box(kind, box, _picture(pictures, image))
    for slot, given in (("<bbox>", boxes), ("<ref-object>", names)):
        if text.count(slot) != len(given):
            sheet.add("object-count", f"{text.count(slot)} {slot}, {len(given)} given")
