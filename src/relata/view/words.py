"""Text of labels and captions made fit to print: no control characters, one line, a known width."""

from __future__ import annotations

import re
import unicodedata

from relata.scene import Region, Relation, Scene

# Control characters, lone surrogates and non-characters: XML refuses them, terminals obey some of them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Marks that turn the reading direction of all that follows, so that a label could rewrite the line it stands in.
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` with every character that cannot be shown replaced by U+FFFD; line breaks and tabs stay."""
    return _UNPRINTABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def line(text: str, most: int | None = None) -> str:
    """`text` as one line of at most `most` characters, without marks that change the reading direction."""
    flat = " ".join(_DIRECTION.sub("", clean(text)).split())
    return flat if most is None or len(flat) <= most else flat[: most - 1].rstrip() + "…"


def counted(count: int, noun: str) -> str:
    """`1 relation`, `1,200 relations`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def name(region: Region, most: int | None = None) -> str:
    """What a region is called beside others: its label and its id, `red circle [0]`."""
    return f"{line(region.label, most) or 'region'} [{region.id}]"


def triplet(scene: Scene, relation: Relation) -> str:
    """`red circle [0] left of blue star [1]`."""
    subject, object = scene.region(relation.subject), scene.region(relation.object)
    return f"{name(subject)} {line(relation.predicate)} {name(object)}"


def width(text: str) -> float:
    """About how wide a line of a system font is, in units of the font size; full-width letters count double."""
    return sum(1.0 if unicodedata.east_asian_width(char) in "WF" else 0.56 for char in text)
