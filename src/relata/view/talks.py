"""Conversations as a page draws them: examples, and better and worse answers with their difference marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import groupby

import msgspec

from relata.chat import Example, ImageRef, Preference
from relata.errors import RelataError
from relata.graph import pairs
from relata.grounded import ImageSlot, Mention, Predicate, Span
from relata.scene import Box
from relata.view.parts import Edge, Item, Panel, Piece, Place, Shape, Show, Turn, facts, rounded
from relata.view.words import clean, line

#: A word or what stands between two.
_WORD = re.compile(r"\w+|\s+|[^\w\s]")


def example(record: Example, show: Show) -> Item:
    """A conversation; its boxes are numbered through all images."""
    boxes = _Boxes(record.images, record.regions, (span for message in record.messages for span in message.spans))
    edges: dict[Edge, int] = {}
    turns = tuple(Turn(m.role, tuple(_piece(span, boxes, edges) for span in m.spans)) for m in record.messages)
    answers = (turn.pieces for turn in turns if turn.role == "assistant")
    said = {at for pieces in answers for piece in pieces for at in piece.edges}
    # what is only asked about may be false
    told = [edge if at in said else msgspec.structs.replace(edge, change="asked") for at, edge in enumerate(edges)]
    panels = _panels(record.images, boxes, show)
    return Item(line(record.id), "example", panels, tuple(told), turns, _about(record))


def preference(record: Preference, show: Show) -> Item:
    """A conversation with two answers to its last question; where they differ, both are marked."""
    said = [span for message in record.messages for span in message.spans]
    boxes = _Boxes(record.images, record.regions, (*said, *record.chosen, *record.rejected))
    edges: dict[Edge, int] = {}
    turns = [Turn(m.role, tuple(_piece(span, boxes, edges) for span in m.spans)) for m in record.messages]
    chosen = [_piece(span, boxes, edges) for span in record.chosen]
    true = len(edges)
    rejected = [_piece(span, boxes, edges) for span in record.rejected]
    told = [msgspec.structs.replace(edge, change="rejected") if k >= true else edge for k, edge in enumerate(edges)]
    turns += [Turn(role, pieces) for role, pieces in zip(("chosen", "rejected"), apart(chosen, rejected))]
    panels = _panels(record.images, boxes, show)
    return Item(line(record.id), "preference", panels, tuple(told), tuple(turns), _about(record))


def apart(first: Sequence[Piece], second: Sequence[Piece]) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
    """Two answers, word by word; what is not in the other one, or points elsewhere there, is marked."""
    tokens = [[token for piece in answer for token in _split(piece)] for answer in (first, second)]
    matched = SequenceMatcher(None, [_said(t) for t in tokens[0]], [_said(t) for t in tokens[1]], autojunk=False)
    marked = [[True] * len(some) for some in tokens]
    for block in matched.get_matching_blocks():
        for side, start in enumerate((block.a, block.b)):
            marked[side][start : start + block.size] = [False] * block.size
    return _joined(tokens[0], marked[0]), _joined(tokens[1], marked[1])


def _split(piece: Piece) -> list[tuple[Piece, str]]:
    """The words of a piece, each with the piece that it is of; what points at something is not taken apart."""
    whole = piece.places or piece.edges or not piece.text
    return [(piece, word) for word in ([piece.text] if whole else _WORD.findall(piece.text))]


def _said(token: tuple[Piece, str]) -> tuple[str, tuple[Place, ...], tuple[int, ...]]:
    """What has to be the same: the word and where it points."""
    piece, word = token
    return word, piece.places, piece.edges


def _joined(tokens: list[tuple[Piece, str]], marked: list[bool]) -> tuple[Piece, ...]:
    """Pieces again: words of one piece stay together as long as all are marked, or none is."""
    found = []
    for (_, mark), some in groupby(zip(tokens, marked), lambda one: (id(one[0][0]), one[1])):
        run = [token for token, _ in some]
        found.append(msgspec.structs.replace(run[0][0], text="".join(word for _, word in run), marked=mark))
    return tuple(found)


def _about(record: Example | Preference) -> tuple[tuple[str, str], ...]:
    return facts({"recipe": record.recipe, **record.provenance})


def _panels(images: Sequence[ImageRef], boxes: _Boxes, show: Show) -> tuple[Panel, ...]:
    panels = []
    for i, image in enumerate(images):
        shown = show(image.path, image.width, image.height)
        panels.append(Panel(line(image.path), image.width, image.height, boxes.shapes(i), shown.source, shown.problem))
    return tuple(panels)


class _Boxes:
    """The distinct boxes of a conversation, numbered through all its images in the order in which they turn up."""

    def __init__(self, images: Sequence[ImageRef], regions: Sequence[Sequence[Box]], spans: Iterable[Span]) -> None:
        self.lists: list[list[Box]] = [list(dict.fromkeys(boxes)) for boxes in regions]
        self.lists += [[] for _ in images[len(self.lists) :]]
        self.labels: dict[tuple[int, Box], str] = {}
        self.met: set[tuple[int, Box]] = set()
        for span in spans:
            if isinstance(span, Mention):
                self._meet(span.image, span.boxes, span.text)
            elif isinstance(span, Predicate):
                self._meet(span.image, span.subjects + span.objects, "")

    def _meet(self, image: int, boxes: tuple[Box, ...], label: str) -> None:
        for box in boxes:
            self.met.add((image, box))
            if box not in self.lists[image]:
                self.lists[image].append(box)
            if label and not self.labels.get((image, box)):
                self.labels[image, box] = line(label, 40)

    def place(self, image: int, box: Box) -> Place:
        return image, self.lists[image].index(box)

    def places(self, image: int, boxes: tuple[Box, ...]) -> tuple[Place, ...]:
        return tuple(self.place(image, box) for box in boxes)

    def shapes(self, image: int) -> tuple[Shape, ...]:
        before = sum(map(len, self.lists[:image]))
        return tuple(
            Shape(
                before + i,
                self.labels.get((image, box), ""),
                rounded(box),
                before + i,
                (),
                (image, box) not in self.met,
            )
            for i, box in enumerate(self.lists[image])
        )


def _piece(span: Span, boxes: _Boxes, edges: dict[Edge, int]) -> Piece:
    """One span; a predicate adds its edges to `edges`, an edge said twice counts once."""
    if isinstance(span, ImageSlot):
        return Piece("", image=span.image)
    if isinstance(span, Mention):
        return Piece(clean(span.text), boxes.places(span.image, span.boxes))
    if isinstance(span, Predicate):
        try:
            told = [(boxes.place(span.image, s), boxes.place(span.image, o)) for s, o in pairs(span)]
        except RelataError:  # ends that cannot be paired are shown without an edge
            return Piece(clean(span.text), boxes.places(span.image, span.subjects + span.objects))
        found = [Edge(subject, line(span.text), object) for subject, object in told]
        return Piece(clean(span.text), edges=tuple(edges.setdefault(edge, len(edges)) for edge in found))
    return Piece(clean(span.text))
