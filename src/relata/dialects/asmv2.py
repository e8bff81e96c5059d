"""All-Seeing v2's relation conversation (ReC): tags in plain text, integers 0 to 999.

Boxes are relative to the image padded to a square, as in the files ASMv2 was trained on; `original` is for those whose
name says `wo_square_pad`, and for the published prompt examples. Paper: arXiv 2402.19474, section 3; the range of 999
and the padding are those of its evaluation code.
"""

from __future__ import annotations

from relata.dialects._tagged import MARK, Markup, Tagged, marked
from relata.geometry import SQUARE, Codec

VARIANTS = {
    "padded": Codec(frame=SQUARE, full=999),
    # the published examples truncate: int(49 / 480 * 999) = 101
    "original": Codec(full=999, rounding="down"),
}

#: InternVL's markup too.
REC = Markup(
    group=rf"<box>{MARK}(?P<body>[^<]*+)(?P<end>(?:</box>)?)",
    wrap=lambda body, image: f"<box>{marked(image)}{body}</box>",
    reserved=r"</?(?:ref|pred|box)>|<image>",
)


def make(name: str, variant: str) -> Tagged:
    return Tagged(name, VARIANTS[variant], REC)
