"""PaliGemma: four location tokens of 1024, top first, in front of a phrase that ends in ` ;`.

    <loc0043><loc0016><loc0853><loc0480> dog ; <loc0000><loc0000><loc0640><loc1023> rug

The coordinates are y1, x1, y2, x2, read as n / 1024 of the original image as in big_vision's demo, and rounded when
written. A phrase at the end of the text needs no mark. The family has no predicate with boxes; ours writes subjects and
objects in front of it, `<loc..> > <loc..> holding ;`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relata.chat import ImageRef
from relata.dialects._scan import SLOT, Numbers, Reading, encoded, harmless, joined
from relata.dialects._tagged import marked
from relata.geometry import Codec
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span
from relata.scene import Box

VARIANTS = {"1024": Codec(full=1024, last=1023, order="yxyx")}

_LOCS = r"(?:<loc\d{4}>\s*+)++"
_TOKEN = re.compile(
    rf"(?P<first>{_LOCS})(?:>\s*+(?P<second>{_LOCS}))?(?P<phrase>[^;<]*+)(?P<end>;?)|(?P<cut><loc\d*$)|{SLOT}", re.ASCII
)
_LOC = re.compile(r"<loc(\d{4})>", re.ASCII)
_MARK = re.compile(r"Image (\d{1,4}): ", re.ASCII)
_RESERVED = re.compile(r"<(?=loc)|<image>")


@dataclass(frozen=True)
class PaliGemma:
    """Boxes first, then the phrase."""

    name: str
    codec: Codec

    def write(self, spans: Iterable[Span], images: Sequence[ImageRef]) -> str:
        """See `Dialect.write`."""
        parts = []
        ends_in_phrase = False
        for span in joined(list(spans)):
            ends_in_phrase = False
            if isinstance(span, ImageSlot):
                parts.append(SLOT)
            elif isinstance(span, Mention) and span.boxes:
                parts.append(self._locs(span.boxes, span.image, images) + _phrase(span))
                ends_in_phrase = True
            elif isinstance(span, Predicate) and span.subjects and span.objects:
                subjects = self._locs(span.subjects, span.image, images)
                parts.append(f"{subjects} > {self._locs(span.objects, span.image, images)}{_phrase(span)}")
                ends_in_phrase = True
            else:
                parts.append(harmless(span.text, _RESERVED))
        text = "".join(parts)
        return text.removesuffix(" ;") if ends_in_phrase else text  # the end of the text ends the last phrase too

    def _locs(self, boxes: Sequence[Box], image: int, images: Sequence[ImageRef]) -> str:
        numbers = encoded(boxes, image, images, self.codec)
        return "".join(f"<loc{int(number):04d}>" for box in numbers for number in box)

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """See `Dialect.read`."""
        out = Reading(self.codec, images)
        done = 0
        for found in _TOKEN.finditer(text):
            out.words(text[done : found.start()])
            done = found.end()
            if found["first"]:
                _unit(found, out, at_end=done == len(text))
            elif found["cut"]:
                out.problem("unclosed-tag", found.group(), found.start())
            else:
                out.slot()
        out.words(text[done:])
        return out.done()


def _phrase(span: Mention | Predicate) -> str:
    words = (
        harmless(span.text, _RESERVED).replace(";", ",").replace("<", "(").lstrip()
    )  # blanks after the tokens belong to them
    if _MARK.match(words):
        words = words.replace(":", " :", 1)
    return f" {marked(span.image)}{words} ;"


def _unit(found: re.Match[str], out: Reading, at_end: bool) -> None:
    """Boxes with the phrase that follows them."""
    if not (found["end"] or at_end):
        out.problem("unclosed-tag", found.group(), found.start())
    phrase = found["phrase"].removesuffix(" ") if found["end"] else found["phrase"]
    mark = _MARK.match(phrase)
    image = int(mark[1]) - 1 if mark else 0
    phrase = phrase[mark.end() :] if mark else phrase
    at = found.start()
    first = out.boxes(_boxes(found["first"]), image, found["first"], at)
    if found["second"]:
        second = out.boxes(_boxes(found["second"]), image, found["second"], at)
        out.predicate(phrase, first, second, image, at)
    else:
        out.mention(phrase, first, image)


def _boxes(locs: str) -> list[Numbers | None]:
    numbers = list(map(float, _LOC.findall(locs)))
    whole: list[Numbers | None] = [tuple(numbers[at : at + 4]) for at in range(0, len(numbers) - 3, 4)]
    return [*whole, None] if len(numbers) % 4 else whole


def make(name: str, variant: str) -> PaliGemma:
    return PaliGemma(name, VARIANTS[variant])
