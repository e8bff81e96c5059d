"""Dialects: how a model family writes grounded text, both ways.

A dialect writes spans as text with the family's markup and boxes, and reads a model's reply back into spans with a list
of problems. Reading never raises on what a model said; what cannot be read as meant is reported and the rest is kept.

A dialect is a file here with `VARIANTS`, its variants by name, the first the default, and
`make(name, variant, **options)`, which returns the dialect.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from relata.chat import ImageRef
from relata.errors import RelataError, near, unknown
from relata.grounded import Problem, Span
from relata.names import component

#: Every kind of problem that a dialect reports, and what became of the piece.
PROBLEMS: dict[str, str] = {
    "unclosed-tag": "a tag that is never closed, as in a reply cut short; what it holds is kept",
    "misclosed-tag": "closed by the end of another tag; read as what was opened",
    "nested-tag": "a tag inside another; the outer one is read as plain text",
    "stray-tag": "the end of a tag that was not opened; dropped",
    "missing-boxes": "a phrase without the boxes it needs; kept as plain text",
    "empty-boxes": "a list of boxes with none in it; dropped",
    "bad-box": "not the numbers of a box; dropped, and so is the pair it stood in",
    "swapped-corners": "right of left or below above; put right",
    "flat-box": "a box without area; dropped, and so is the pair it stood in",
    "out-of-range": "a number beyond the codec's range or outside the image; clipped",
    "count-mismatch": "subjects and objects differ in number and neither is single; paired up to the shorter list",
    "mixed-images": "subjects in one image and objects in another; kept as plain text",
    "unknown-image": "an image that was not given; its boxes are dropped",
    "unknown-region": "a region number that is not in the list of regions; dropped",
    "bad-line": "a line of a graph that follows no rule of it; dropped",
}


class Dialect(Protocol):
    """How one model family writes grounded text."""

    @property
    def name(self) -> str:
        """As the user gave it, e.g. `asmv2` or `asmv2:original`."""

    def write(self, spans: Iterable[Span], images: Sequence[ImageRef]) -> str:
        """Spans as the model reads and writes them. Words that look like the dialect's own markup are changed so that
        they cannot be read as such.

        Raises:
            RelataError: if a span points to an image that is not given.
        """

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """The spans of a model's reply and what was wrong with it; never raises on what a model said."""


def dialect(name: str, **options: Any) -> Dialect:
    """The dialect of this name; a variant follows a colon, as in `asmv2:original`.

    Raises:
        RelataError: on an unknown dialect, variant or option; near names are offered.
    """
    stem, _, variant = name.partition(":")
    module = component("dialects", stem)
    variant = variant or next(iter(module.VARIANTS))
    if variant not in module.VARIANTS:
        unknown(f"variant of {stem}", variant, module.VARIANTS)
    known = list(inspect.signature(module.make).parameters)[2:]
    for option in options:
        if option not in known:
            raise RelataError(f"dialect {stem} has no option {option!r}; {near(option, known)}")
    made: Dialect = module.make(name, variant, **options)
    return made
