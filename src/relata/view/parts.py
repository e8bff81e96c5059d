"""What a page draws of a record: panels with numbered shapes, edges between them, text that points at them.

A shape is named by its place, `[panel, index]`. Text stays data: the page sets it as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from relata.scene import Box
from relata.view.pictures import Shown
from relata.view.words import clean, line

Place = tuple[int, int]
Show = Callable[[str, int, int], Shown]
"""From an image's path, width and height to its address."""


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A numbered box; `color` is its place in the palette."""

    id: int
    label: str
    box: tuple[float, float, float, float]
    color: int
    facts: tuple[str, ...] = ()
    quiet: bool = False
    """Given to a model, but not spoken of."""


class Panel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One image with its shapes; `source` is empty when the image may not or cannot be shown."""

    name: str
    width: int
    height: int
    shapes: tuple[Shape, ...]
    source: str = ""
    problem: str = ""


class Edge(msgspec.Struct, frozen=True, omit_defaults=True):
    subject: Place
    predicate: str
    object: Place
    facts: tuple[str, ...] = ()
    link: bool = False
    """Whether it says "the same individual" across images rather than a relation."""
    change: str = ""
    """What an edit did to it: `removed`, `added`, `renamed`; or `rejected`, where only the worse answer says it;
    or `asked`, where no answer says it."""
    was: str = ""
    """The predicate before it was renamed."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of text; a mention lights up its places, a predicate its edges."""

    text: str
    places: tuple[Place, ...] = ()
    edges: tuple[int, ...] = ()
    image: int | None = None
    marked: bool = False
    """Whether the other one of two answers says otherwise here."""


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one side says; two turns `chosen` and `rejected` stand side by side."""

    role: str
    pieces: tuple[Piece, ...]


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One record as a page draws it."""

    id: str
    kind: str
    panels: tuple[Panel, ...]
    edges: tuple[Edge, ...] = ()
    turns: tuple[Turn, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def rounded(box: Box) -> tuple[float, float, float, float]:
    """A box to a tenth of a pixel, which is all that a screen shows."""
    x1, y1, x2, y2 = (round(v, 1) for v in box.tuple())
    return x1, y1, x2, y2


def facts(told: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What is known beside the record itself; nothing for what is empty."""
    return tuple((line(key), clean(value)) for key, value in told.items() if value)
