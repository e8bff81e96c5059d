"""`relata`: the dialect of our own region-token model. A region is one token, `<r3>`; boxes are never spelled out.

A mention with words is written `<r3> plain red circle`, a bare one `<r3>`, one of several regions `<r3> <r5>`; a
predicate `<r3> on <r5>`. An image slot lists the regions of its image, `image : <r0> <r1>`: that is where the model
looks at them. Reading goes clause by clause (a clause ends at `.`, `;`, `,`, `:` or `?`): words between two regions
are a predicate, words after the last region its name. So `read(write(spans))` gives the same regions, predicates and
names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from relata.chat import ImageRef
from relata.dialects._scan import harmless
from relata.errors import RelataError
from relata.grounded import Mention, Predicate, Problem, Span, Text
from relata.scene import Box

VARIANTS = {"tokens": None}

#: What the tokenizer would take for one of its own tokens, were it to stand in words.
_MARKUP = re.compile(r"</?[a-z]+\d*>")
_PIECE = re.compile(r"<r(\d{1,4})>|[.;,:?]|[^\s.;,:?<]+|<")


class Place(NamedTuple):
    """Where a region token points: an image of the conversation and a box in its pixels."""

    image: int
    box: Box


def token(index: int) -> str:
    """The word that stands for region `index` of the conversation."""
    return f"<r{index}>"


def _words(text: str) -> str:
    return harmless(text, _MARKUP).strip()


class RegionTokens:
    """The dialect over the regions of one conversation.

    Args:
        regions: per image, the boxes that may be pointed at (pixels).
        numbers: the token number of each region in order, all images together; 0, 1, 2 ... if not given. Training deals
            them at random, so that a number means nothing but the region it was dealt to.
    """

    name = "relata"

    def __init__(self, regions: Sequence[Sequence[Box]], numbers: Sequence[int] | None = None) -> None:
        self.regions = tuple(tuple(boxes) for boxes in regions)
        places = [Place(image, box) for image, boxes in enumerate(self.regions) for box in boxes]
        self.numbers = tuple(numbers) if numbers is not None else tuple(range(len(places)))
        self._place = dict(zip(self.numbers, places))
        self._number = {place: number for number, place in self._place.items()}

    def number(self, box: Box, image: int = 0) -> int:
        """The token number of a box: the region that is this box, else the one that overlaps it most.

        Raises:
            RelataError: if no region of the image overlaps it by IoU 0.5.
        """
        found = self._number.get(Place(image, box))
        if found is not None:
            return found
        from relata.geometry import iou

        best = max(((iou(box, p.box), n) for n, p in self._place.items() if p.image == image), default=(0.0, -1))
        if best[0] < 0.5:
            raise RelataError(f"box {list(box.tuple())} of image {image} is none of the regions given to the model")
        return best[1]

    def write(self, spans: Sequence[Span], images: Sequence[ImageRef] = ()) -> str:
        """Grounded text as words and region tokens, separated by single blanks.

        Raises:
            RelataError: if a box is none of the regions.
        """
        words: list[str] = []
        for span in spans:
            if isinstance(span, Text):
                words.append(_words(span.text))
            elif isinstance(span, Mention):
                words += self._tokens(span.boxes, span.image)
                words.append(_words(span.text))
            elif isinstance(span, Predicate):
                words += self._tokens(span.subjects, span.image)
                words.append(_words(span.text))
                words += self._tokens(span.objects, span.image)
            else:
                words.append("image :")
                words += self._tokens(self.regions[span.image], span.image)
        return " ".join(word for word in words if word)

    def _tokens(self, boxes: Sequence[Box], image: int) -> list[str]:
        return [token(self.number(box, image)) for box in boxes]

    def read(self, text: str, images: Sequence[ImageRef] = ()) -> tuple[tuple[Span, ...], list[Problem]]:
        """Spans and problems of a reply; never raises. A token of no region is a problem `unknown-region`."""
        spans: list[Span] = []
        problems: list[Problem] = []
        clause: list[list[Place] | str] = []  # runs of regions, and words between them
        for match in _PIECE.finditer(text):
            piece = match.group()
            if match.group(1) is not None:
                place = self._place.get(int(match.group(1)))
                if place is None:
                    problems.append(Problem("unknown-region", piece, match.start()))
                elif clause and isinstance(clause[-1], list) and clause[-1][-1].image == place.image:
                    clause[-1].append(place)
                else:
                    clause.append([place])
            elif piece in ".;,:?":
                spans += _clause(clause)
                spans.append(Text(f" {piece} "))
                clause = []
            elif clause and isinstance(clause[-1], str):
                clause[-1] += f" {piece}"
            else:
                clause.append(piece)
        spans += _clause(clause)
        return tuple(spans), problems


def _clause(parts: Sequence[list[Place] | str]) -> list[Span]:
    """One clause: `[regions] words [regions]` is a predicate; `[regions] words` a name; anything else stays text."""
    spans: list[Span] = []
    at = 0
    while at < len(parts):
        part = parts[at]
        following = parts[at + 1] if at + 1 < len(parts) else None
        after = parts[at + 2] if at + 2 < len(parts) else None
        if isinstance(part, str):
            spans.append(Text(part))
            at += 1
        elif isinstance(following, str) and isinstance(after, list) and part[0].image == after[0].image:
            boxes, others = tuple(p.box for p in part), tuple(p.box for p in after)
            spans.append(Predicate(following, boxes, others, part[0].image))
            at += 3
        elif isinstance(following, str) and after is None:
            spans.append(Mention(following, tuple(p.box for p in part), part[0].image))
            at += 2
        else:
            spans.append(Mention("", tuple(p.box for p in part), part[0].image))
            at += 1
    return spans


def make(
    name: str, variant: str, regions: Sequence[Sequence[Box]] = (), numbers: Sequence[int] | None = None
) -> RegionTokens:
    """The dialect over regions; see `RegionTokens`."""
    return RegionTokens(regions, numbers)
