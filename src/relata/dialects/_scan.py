"""What the readers of all dialects share: collecting spans and problems, finding numbers, making words harmless."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from relata.chat import ImageRef
from relata.errors import RelataError
from relata.geometry import Decoded
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span, Text
from relata.scene import Box

Numbers = tuple[float, ...]

#: How an image is written into a conversation by all families but RelationVLM.
SLOT = "<image>"

#: What some model's tokenizer takes for a token of its own, as the end of a turn: no caption may hold one.
_TOKENS = re.compile(r"<[|｜]?/?[\w▁:.-]+[|｜]?>|\[/?\w*[A-Z]{3}\w*\]|\]~!?b[\[\]]")
_HARMLESS = str.maketrans("<>[]{}", "()()()")
_INNER = re.compile(r"[\[(]([^\[\]()]*+)[\])]")
_SHOWN = 60


class BoxCodec(Protocol):
    """`geometry.Codec` and `geometry.PatchCodec`."""

    def encode(self, box: Box, width: int, height: int) -> Numbers: ...

    def decode(self, numbers: Sequence[float], width: int, height: int) -> Decoded: ...


def harmless(words: str, markup: re.Pattern[str]) -> str:
    """Words in which nothing reads as markup or as a special token of any family: the brackets become round ones."""
    for pattern in (markup, _TOKENS):
        words = pattern.sub(_rounded, words)
    return words


def _rounded(found: re.Match[str]) -> str:
    return found.group().translate(_HARMLESS)


def joined(spans: Sequence[Span]) -> list[Span]:
    """Spans with neighbouring plain text made one, so that no markup hides on a seam."""
    result: list[Span] = []
    for span in spans:
        last = result[-1] if result else None
        if isinstance(span, Text) and isinstance(last, Text):
            result[-1] = Text(last.text + span.text)
        else:
            result.append(span)
    return result


def encoded(boxes: Sequence[Box], image: int, images: Sequence[ImageRef], codec: BoxCodec) -> list[Numbers]:
    """The numbers of boxes in the image with this index.

    Raises:
        RelataError: if no such image is given.
    """
    if not 0 <= image < len(images):
        raise RelataError(f"a span points to image {image}, but {len(images)} images are given")
    size = images[image]
    return [codec.encode(box, size.width, size.height) for box in boxes]


def lists(body: str) -> list[Numbers | None]:
    """The boxes in `[[1, 2, 3, 4], [5, 6, 7, 8]]`, `[1, 2, 3, 4]`, `(1,2),(3,4)` or `1, 2, 3, 4`; None: a bad one."""
    inner: list[str] = _INNER.findall(body)
    if not inner:
        bare = body.strip(" \t\r\n,;[]()")
        return [_numbers(bare)] if bare else []
    found: list[Numbers | None] = []
    corner: Numbers | None = None
    for piece in inner:
        numbers = _numbers(piece)
        if numbers is not None and len(numbers) == 2:
            if corner is None:
                corner = numbers
                continue
            numbers = corner + numbers
        elif corner is not None:
            found.append(None)
        corner = None
        if numbers is not None or piece.strip():
            found.append(numbers)
    return found if corner is None else [*found, None]


def _numbers(piece: str) -> Numbers | None:
    try:
        return tuple(map(float, piece.split(",")))
    except ValueError:
        return None


class Reading:
    """The spans and problems of one reply, as they are found."""

    def __init__(self, codec: BoxCodec, images: Sequence[ImageRef]) -> None:
        self.codec = codec
        self.images = images
        self.spans: list[Span] = []
        self.problems: list[Problem] = []
        self._words: list[str] = []
        self._slots = 0

    def words(self, text: str) -> None:
        """Plain text; neighbouring pieces become one span."""
        if text:
            self._words.append(text)

    def add(self, span: Span) -> None:
        if self._words:
            self.spans.append(Text("".join(self._words)))
            self._words.clear()
        self.spans.append(span)

    def slot(self, image: int | None = None) -> None:
        """An image; without a number, the next one."""
        self.add(ImageSlot(self._slots if image is None else image))
        self._slots += 1

    def problem(self, kind: str, text: str, at: int) -> None:
        self.problems.append(Problem(kind, text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...", at))

    def boxes(self, found: Sequence[Numbers | None], image: int, text: str, at: int) -> list[Box | None]:
        """Decoded boxes, None in the place of a bad one; `text` and `at` say where they stand."""
        if not found:
            self.problem("empty-boxes", text, at)
            return []
        if not 0 <= image < len(self.images):
            self.problem("unknown-image", text, at)
            return [None] * len(found)
        size = self.images[image]
        boxes: list[Box | None] = []
        for numbers in found:
            box, kinds = self.codec.decode(numbers or (), size.width, size.height)
            for kind in kinds:
                self.problem(kind, text, at)
            boxes.append(box)
        return boxes

    def mention(self, phrase: str, boxes: Sequence[Box | None], image: int) -> None:
        """A mention of the good boxes; of none, plain text."""
        good = tuple(box for box in boxes if box is not None)
        if good:
            self.add(Mention(phrase, good, image))
        else:
            self.words(phrase)

    def predicate(
        self, phrase: str, subjects: Sequence[Box | None], objects: Sequence[Box | None], image: int, at: int
    ) -> None:
        """A predicate of the good pairs; of none, plain text. A pair with a bad box goes as a whole, so that the pairs
        after it stay together."""
        pairs = list(zip(subjects, objects))
        if len(subjects) == 1:
            pairs = [(subjects[0], other) for other in objects]
        elif len(objects) == 1:
            pairs = [(subject, objects[0]) for subject in subjects]
        elif subjects and objects and len(subjects) != len(objects):
            self.problem("count-mismatch", f"{phrase}: {len(subjects)} subjects, {len(objects)} objects", at)
        good = [(subject, other) for subject, other in pairs if subject is not None and other is not None]
        if not good:
            self.words(phrase)
            return
        # one of a side that was written once stays one
        firsts = tuple(subject for subject, _ in (good[:1] if len(subjects) == 1 else good))
        seconds = tuple(other for _, other in (good[:1] if len(objects) == 1 else good))
        self.add(Predicate(phrase, firsts, seconds, image))

    def done(self) -> tuple[tuple[Span, ...], list[Problem]]:
        if self._words:
            self.spans.append(Text("".join(self._words)))
            self._words.clear()
        return tuple(self.spans), self.problems
