"""The dialects that tag a phrase and write its boxes after it. Families differ in the tags and the codec, as data.

    <ref>dog</ref><box>[[10, 30, 40, 80]]</box> <pred>on</pred><box>[[10, 30, 40, 80]]</box><box>[[0, 50, 99, 87]]</box>

A predicate is followed by two lists, its subjects and its objects. Boxes without a phrase are a bare reference. The
first image needs no mark; boxes in another one are written with its name, `Image 2`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from relata.chat import ImageRef
from relata.dialects._scan import SLOT, BoxCodec, Numbers, Reading, encoded, harmless, joined, lists
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span, Text
from relata.scene import Box

#: Where the name of an image other than the first stands in a group of boxes.
MARK = r"(?:Image (?P<image>\d{1,4}): )?"
_NAMED = re.compile(r"Image \d{1,4}: \Z")

Side = Literal["phrase", "predicate"]


@dataclass(frozen=True)
class Markup:
    """The tags of one family."""

    group: str
    """Pattern of one list of boxes, with the groups `image` (its number, optional), `body`, and `end`, the closing tag,
    empty if it is missing. It must match in linear time: no two of its parts may compete for the same characters."""
    wrap: Callable[[str, int], str]
    """A written list from its body and the image's index."""
    reserved: str
    """Pattern of everything that must not occur in words."""
    phrase: tuple[str, str] = ("<ref>", "</ref>")
    predicate: tuple[str, str] = ("<pred>", "</pred>")
    closers: str = "</box>"
    """Pattern of the closing tags of lists, to report those that close nothing."""
    first_image: int = 1
    """The number that the first image is written with."""
    each: bool = False
    """Each box of a mention in a list of its own."""
    parse: Callable[[str], list[Numbers | None]] = lists
    spell: Callable[[Sequence[Numbers]], str] = lambda boxes: f"[{', '.join(map(bracketed, boxes))}]"
    empty_is_slot: bool = False
    """A list of no boxes is where the image stands (RelationVLM)."""
    object: str = r"(?!)"
    """Pattern of a phrase and its boxes in one piece, which is read and never written (Qwen's JSON)."""
    parse_object: Callable[[str], tuple[str, list[Numbers | None]]] = lambda text: ("", lists(text))


def bracketed(numbers: Numbers) -> str:
    """`[1, 2, 3, 4]`"""
    return f"[{', '.join(map(str, numbers))}]"


def marked(image: int) -> str:
    """The name of an image in front of its boxes; the first has none."""
    return f"Image {image + 1}: " if image else ""


@dataclass(frozen=True)
class Tagged:
    """A dialect made of a codec and a markup."""

    name: str
    codec: BoxCodec
    markup: Markup

    def write(self, spans: Iterable[Span], images: Sequence[ImageRef]) -> str:
        """See `Dialect.write`."""
        parts: list[str] = []
        bare = True  # else boxes without a phrase would be taken for more of a list, or for those of another image
        for span in joined(list(spans)):
            if isinstance(span, Text):
                parts.append(harmless(span.text, self.reserved))
                bare = (bare or bool(span.text.strip())) and not _NAMED.search(span.text)
            elif isinstance(span, ImageSlot):
                parts.append(self.markup.wrap("", span.image) if self.markup.empty_is_slot else SLOT)
                bare = True
            else:
                written = self._span(span, images, bare)
                bare = written is None and not _NAMED.search(span.text)
                parts.append(harmless(span.text, self.reserved) if written is None else written)
        return "".join(parts)

    def _span(self, span: Mention | Predicate, images: Sequence[ImageRef], bare: bool) -> str | None:
        """None if the span has no boxes, and is plain words."""
        phrase = harmless(span.text, self.reserved)
        if isinstance(span, Predicate):
            if not (span.subjects and span.objects):
                return None
            first, last = self.markup.predicate
            subjects = self.group(span.subjects, span.image, images)
            return first + phrase + last + subjects + self.group(span.objects, span.image, images)
        if not span.boxes:
            return None
        groups: list[tuple[Box, ...]] = [(box,) for box in span.boxes] if self.markup.each else [span.boxes]
        boxes = "".join(self.group(group, span.image, images) for group in groups)
        if not phrase and bare:
            return boxes
        return self.markup.phrase[0] + phrase + self.markup.phrase[1] + boxes

    def group(self, boxes: Sequence[Box], image: int, images: Sequence[ImageRef]) -> str:
        """One written list of boxes in the image with this index."""
        return self.markup.wrap(self.markup.spell(encoded(boxes, image, images, self.codec)), image)

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """See `Dialect.read`."""
        return _Reader(self, images).read(text)

    @cached_property
    def reserved(self) -> re.Pattern[str]:
        return re.compile(self.markup.reserved)

    @cached_property
    def token(self) -> re.Pattern[str]:
        tags = "|".join(map(re.escape, (*self.markup.phrase, *self.markup.predicate)))
        return re.compile(
            f"(?P<tag>{tags})|(?P<boxes>{self.markup.group})|(?P<slot>{SLOT})|{self.markup.closers}"
            f"|(?P<object>{self.markup.object})"
        )


class _Phrase:
    """A tagged phrase that waits for its end, then for its boxes."""

    __slots__ = ("at", "groups", "image", "side", "space", "words")

    def __init__(self, side: Side, at: int) -> None:
        self.side: Side = side
        self.at = at
        self.words: list[str] = []
        self.groups: list[list[Box | None]] = []
        self.image: int | None = None
        self.space = ""
        """White space after it, which belongs to it if more boxes follow."""


class _Reader:
    """Walks over the tags of one reply, once."""

    def __init__(self, dialect: Tagged, images: Sequence[ImageRef]) -> None:
        markup = dialect.markup
        self.markup = markup
        self.token = dialect.token
        self.out = Reading(dialect.codec, images)
        self.open: _Phrase | None = None
        self.pending: _Phrase | None = None
        self.opens: dict[str, Side] = {markup.phrase[0]: "phrase", markup.predicate[0]: "predicate"}
        self.closes: dict[str, Side] = {markup.phrase[1]: "phrase", markup.predicate[1]: "predicate"}

    def read(self, text: str) -> tuple[tuple[Span, ...], list[Problem]]:
        done = 0
        for found in self.token.finditer(text):
            if found.start() > done:
                self._words(text[done : found.start()])
            done = found.end()
            if found.lastgroup == "boxes":
                self._boxes(found)
            elif found.lastgroup == "tag":
                self._tag(found.group(), found.start())
            elif found.lastgroup == "slot":
                self._cut("nested-tag", SLOT, found.start())
                self.out.slot()
            elif found.lastgroup == "object":
                self._object(found.group(), found.start())
            else:
                self.out.problem("stray-tag", found.group(), found.start())
        self._words(text[done:])
        if self.open:
            self._cut("unclosed-tag", text[self.open.at :][:80], self.open.at)
        self._settle()
        return self.out.done()

    def _words(self, words: str) -> None:
        if self.open:
            self.open.words.append(words)
        elif self.pending and (not words or words.isspace()):
            self.pending.space += words
        else:
            self._settle()
            self.out.words(words)

    def _tag(self, tag: str, at: int) -> None:
        if tag in self.opens:
            self._cut("nested-tag", tag, at)
            self.open = _Phrase(self.opens[tag], at)
        elif self.open is None:
            self.out.problem("stray-tag", tag, at)
        else:
            if self.closes[tag] != self.open.side:
                self.out.problem("misclosed-tag", "".join(self.open.words) + tag, self.open.at)
            self.pending, self.open = self.open, None

    def _boxes(self, found: re.Match[str]) -> None:
        at = found.start()
        text, number, body, end = found.group("boxes", "image", "body", "end")
        image = int(number) - self.markup.first_image if number else 0
        if self.markup.empty_is_slot and end and not body.strip():
            self._cut("nested-tag", text, at)
            self.out.slot(image)
            return
        if not end:
            self.out.problem("unclosed-tag", text, at)
            if not body:
                return
        if self.open:  # the phrase has boxes but no end
            self.out.problem("unclosed-tag", "".join(self.open.words), self.open.at)
            self.pending, self.open = self.open, None
        target = self._target(image, at)
        target.groups.append(self.out.boxes(self.markup.parse(body), image, text, at))
        target.space = ""
        if target.side == "predicate" and len(target.groups) == 2:
            self._settle()

    def _object(self, text: str, at: int) -> None:
        self._cut("nested-tag", text, at)
        if not text.endswith("}"):
            self.out.problem("unclosed-tag", text, at)
        phrase, found = self.markup.parse_object(text)
        self.out.mention(phrase, self.out.boxes(found, 0, text, at), 0)

    def _target(self, image: int, at: int) -> _Phrase:
        """The phrase that boxes of this image belong to: the one that waits for them, or none, a bare reference."""
        if self.pending and self.pending.image not in (None, image):
            if self.pending.side == "predicate":
                self.out.problem("mixed-images", "".join(self.pending.words), self.pending.at)
                self.pending.groups = [[None]]
            else:
                self._settle()
        if self.pending is None:
            self.pending = _Phrase("phrase", at)
        self.pending.image = image
        return self.pending

    def _cut(self, kind: str, text: str, at: int) -> None:
        """Something starts that no phrase can hold: an open one becomes plain words, one that waits is complete."""
        self._settle()
        if self.open:
            self.out.problem(kind, text, at)
            self.out.words("".join(self.open.words))
            self.open = None

    def _settle(self) -> None:
        """The phrase that waits has all the boxes it will get."""
        done, self.pending = self.pending, None
        if done is None:
            return
        phrase = "".join(done.words)
        if len(done.groups) < (2 if done.side == "predicate" else 1):
            self.out.problem("missing-boxes", phrase, done.at)
            self.out.words(phrase)
        elif done.side == "predicate":
            subjects, objects = done.groups
            self.out.predicate(phrase, subjects, objects, done.image or 0, done.at)
        else:
            self.out.mention(phrase, [box for group in done.groups for box in group], done.image or 0)
        self.out.words(done.space)
