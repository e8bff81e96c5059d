"""LLaVA: boxes as four fractions in brackets, `[0.12, 0.34, 0.56, 0.78]`.

LLaVA-1.5 learned boxes of the image padded to a square (its issue 606); `original` is for LLaVA-NeXT and others that
cut the image into tiles. LLaVA has no tags for phrases, so ReC's are used; a box alone is written as LLaVA does.
"""

from __future__ import annotations

from collections.abc import Sequence

from relata.dialects._scan import Numbers
from relata.dialects._tagged import MARK, Markup, Tagged, bracketed, marked
from relata.errors import RelataError
from relata.geometry import SQUARE, Codec

VARIANTS = {"padded": Codec(frame=SQUARE, full=1), "original": Codec(full=1)}


def _spell(boxes: Sequence[Numbers]) -> str:
    written = [bracketed(box) for box in boxes]
    return written[0][1:-1] if len(written) == 1 else ", ".join(written)


#: Two commas or a list of lists make a bracket a box; `[3]` and `[1, 2]` stay words.
BRACKETS = Markup(
    group=rf"\[{MARK}(?P<body>(?:[-\d.\s]*+,){{2}}[-\d.,\s]*+|\s*+(?:\[[-\d.,\s]*+\][\s,]*+)++)(?P<end>\]?)",
    wrap=lambda body, image: f"[{marked(image)}{body}]",
    reserved=r"</?(?:ref|pred)>|<image>|\[(?=\s*+(?:Image |[-\d.\[,]|$))[-\d.,\s\[\]]*+",
    closers=r"(?!)",
    spell=_spell,
)


def make(name: str, variant: str, digits: int = 2) -> Tagged:
    """`digits` after the point, 1 to 4: LLaVA-1.5's training data has two, which is coarse for small objects.

    Raises:
        RelataError: on another number of digits.
    """
    if not 1 <= digits <= 4:
        raise RelataError(f"dialect {name}: digits is {digits}; it must be 1 to 4")
    return Tagged(name, VARIANTS[variant].replace(digits=digits), BRACKETS)
