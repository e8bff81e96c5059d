"""Attributes by what they speak of and what they say of it: `no hat` is (hat, no), `brown` (colour, brown).

Two things are compared aspect by aspect: both say something of it, and it is the same or it differs. Attributes are
free text in most data sets; what is not understood becomes an aspect of its own, which something has or which is not
spoken of.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from relata.english import words
from relata.notation import words as harmless
from relata.scene import Region

#: The words of a closed set by what they speak of; each thing has one of them (colours: one or a few).
_SETS = {
    "colour": words.words(
        """
        red orange yellow green blue purple violet pink brown black white grey gray beige tan gold golden silver maroon
        teal turquoise navy cream blond blonde cyan magenta
        """
    ),
    "size": words.words("big huge large little small tiny"),
    "pattern": words.words("plain striped dotted checked spotted plaid"),
    "gender": words.words("male female"),
    "age": words.words("baby child teenager adult senior elderly young old"),
    "posture": words.words("standing sitting lying walking running"),
}
_OF = {word: aspect for aspect, listed in _SETS.items() for word in listed}
#: Words that say the same; who compares `gray` with `grey` finds no difference.
_SAME = {
    "gray": "grey", "violet": "purple", "blond": "yellow", "blonde": "yellow", "golden": "gold", "tan": "beige",
    "large": "big", "huge": "big", "little": "small", "tiny": "small", "senior": "elderly", "old": "elderly",
}  # fmt: skip
_NOUNS = words.words("baby child teenager adult senior")
_NAMED = re.compile(r"^(?:has )?([\w /-]+?)(?:::|: |=)(.+)$")
#: `dagger bill shape`, `black wing color`; `bill length shorter than head`
_MEASURED = re.compile(r"^(.+?) ((?:[\w-]+ )?(?:shape|colou?r|pattern|length|size|style))$")
_COMPARED = re.compile(r"^([\w-]+ (?:length|size|height)) (.+)$")
_WORN = re.compile(r"^(?:is )?(?:wearing|with|has|having|carrying) (?:an? |the )?")


def is_look(word: str) -> bool:
    """Whether a word says what something looks like: its colour, size or pattern."""
    return _OF.get(word) in ("colour", "size", "pattern")


class Aspect(NamedTuple):
    """One attribute."""

    name: str
    """What it speaks of: `hat`, `colour`, `hair`."""
    value: str
    """What it says: `yes`, `no`, `brown`, `short`; one word for all that say the same."""
    said: str
    """As a verb phrase of one thing: `has no hat`, `is brown`."""


@lru_cache(maxsize=65536)
def aspect(attribute: str) -> Aspect:
    """One attribute, taken apart."""
    text = harmless(attribute).lower().replace("_", " ")
    if named := _NAMED.match(text):
        name, value = named[1].strip(), named[2].strip()
        if value in ("yes", "no"):
            return _had(name, value)
        return Aspect(name, value, f"has {value} as its {name}")
    text = _WORN.sub("", text)
    if text in _OF:
        return Aspect(
            _OF[text], _SAME.get(text, text), f"is {words.article(text)} {text}" if text in _NOUNS else f"is {text}"
        )
    first, _, rest = text.partition(" ")
    if compared := _COMPARED.match(text):
        return Aspect(compared[1], compared[2], f"has a {text}")
    if measured := _MEASURED.match(text):
        return Aspect(measured[2], _SAME.get(measured[1], measured[1]), f"has {words.article(text)} {text}")
    if rest and first in ("no", "without"):
        return _had(rest, "no")
    if rest and (_OF.get(first) == "colour" or first in ("short", "long", "striped", "curved", "spotted", "pointed")):
        return Aspect(rest, _SAME.get(first, first), f"has {_article(rest, first)}{first} {rest}")
    if first.endswith(("ing", "ed")) or (not rest and text.endswith(("y", "ful", "ous", "ic", "al", "en"))):
        return Aspect(text, "yes", f"is {text}")
    return _had(text, "yes")


def aspects(region: Region) -> dict[str, Aspect]:
    """What the attributes of a region say, by what they speak of.

    What the label says already, as in `red circle`, is left out, and so is what they say several things of: a ball
    that is `red` and `white` is neither like a red ball nor unlike it.
    """
    found: dict[str, list[Aspect]] = {}
    told = set(harmless(region.label).lower().split())
    for attribute in map(harmless, region.attributes):
        if not told.issuperset(attribute.lower().split()):
            one = aspect(attribute)
            found.setdefault(one.name, []).append(one)
    return {name: some[0] for name, some in found.items() if len({one.value for one in some}) == 1}


def _had(thing: str, value: str) -> Aspect:
    return Aspect(thing, value, f"has {'no ' if value == 'no' else _article(thing, thing)}{thing}")


def _article(noun: str, text: str) -> str:
    """`a ` or `an ` before a phrase whose noun can be counted, nothing before `short hair` or `black trousers`."""
    return "" if words.is_mass(noun) or words.is_plural(noun) else f"{words.article(text)} "
