"""Grounded text: plain text, mentions of regions, predicates between them, image slots; no model's markup.

This is how relation text lives inside the package. A dialect writes it for a model and reads the model's reply back.
"""

from __future__ import annotations

from collections.abc import Iterable

from relata.scene import Box, Record


class Text(Record, frozen=True, tag="text", tag_field="type"):
    """Plain words."""

    text: str


class Mention(Record, frozen=True, tag="mention", tag_field="type"):
    """A phrase and the boxes in one image that it refers to. An empty phrase is a bare reference, `[3]`."""

    text: str
    boxes: tuple[Box, ...]
    image: int = 0


class Predicate(Record, frozen=True, tag="predicate", tag_field="type"):
    """A phrase that relates subjects to objects, paired in order; a single one on either side is shared by all."""

    text: str
    subjects: tuple[Box, ...]
    objects: tuple[Box, ...]
    image: int = 0


class ImageSlot(Record, frozen=True, tag="image", tag_field="type"):
    """Where an image stands in the conversation."""

    image: int = 0


Span = Text | Mention | Predicate | ImageSlot


class Problem(Record, frozen=True):
    """Something in a model's reply that could not be read as meant; reading goes on."""

    kind: str
    """A short fixed word, e.g. `unclosed-tag`, `empty-boxes`, `swapped-corners`, `count-mismatch`."""
    text: str
    """The offending piece, shortened."""
    at: int
    """Character offset in the reply."""


def plain(spans: Iterable[Span]) -> str:
    """The words alone, without boxes."""
    return "".join(span.text for span in spans if not isinstance(span, ImageSlot))
