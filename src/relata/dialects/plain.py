"""For a model with no convention of its own: pixels of the original image in brackets, phrases in ReC's tags.

`words` writes no boxes at all, for the systems that compare and describe in words alone (CaD-VI, LLaVA-VSD).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from relata.chat import ImageRef
from relata.dialects._scan import SLOT, Reading, harmless, joined
from relata.dialects._tagged import Tagged
from relata.dialects.llava import BRACKETS
from relata.geometry import Codec
from relata.grounded import ImageSlot, Problem, Span

VARIANTS = {"pixels": Codec(), "words": None}

_SLOT = re.compile(SLOT)


@dataclass(frozen=True)
class Words:
    """A dialect without boxes: what is read back is one span of plain text."""

    name: str

    def write(self, spans: Iterable[Span], images: Sequence[ImageRef]) -> str:
        """See `Dialect.write`."""
        return "".join(
            SLOT if isinstance(span, ImageSlot) else harmless(span.text, _SLOT) for span in joined(list(spans))
        )

    def read(self, text: str, images: Sequence[ImageRef]) -> tuple[tuple[Span, ...], list[Problem]]:
        """See `Dialect.read`."""
        out = Reading(Codec(), images)
        first, *others = text.split(SLOT)
        out.words(first)
        for words in others:
            out.slot()
            out.words(words)
        return out.done()


def make(name: str, variant: str) -> Tagged | Words:
    codec = VARIANTS[variant]
    return Words(name) if codec is None else Tagged(name, codec, BRACKETS)
