"""How a predicate is said: `on` is "is on", `holding` "is holding", `left of` "is to the left of", `wears` "wears".

The predicate keeps its own words wherever English allows, since the text that a model learns is also the predicate that
it will be scored on; what English needs around it stands outside of the predicate's span.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from relata.english.words import words

_VERBS = words(
    """
    adorn belong bite block border carry catch chase clean climb come connect contain cover cross cut decorate depict
    display divide drink drive eat enclose enter exit extend face feed fill float fly follow frame go grow hang have
    hide hit hold hover hug jump kick kiss lay lead lean lie light line look make match open overhang overlap overlook
    pet play point protect pull push reach read reflect rest ride run say see separate serve shade share show sit
    skate ski sleep stand support surf surround swim swing talk throw touch tower use walk watch wear work
    """
)
_IRREGULAR = {"have": "has", "go": "goes", "do": "does"}
#: Predicates that data sets use and English does not, and how they are said.
_ALIASES = {
    "and": "along with",
    "front of": "in front of",
    "top of": "on top of",
    "on top": "on top of",
    "next": "next to",
    "beneath of": "beneath",
    "left": "left of",
    "right": "right of",
    "to left of": "left of",
    "to right of": "right of",
    "to the left of": "left of",
    "to the right of": "right of",
    "on left of": "left of",
    "on right of": "right of",
}
#: What is said before a predicate that does not follow `is` by itself.
_LEADS = {"left of": "to the ", "right of": "to the ", "with": "shown ", "of": "part ", "same size as": "the "}
_FRONT = re.compile(r"^(?:is|are|being|be) (?=\w)")
_BEHIND = re.compile(r"(?<=\w) (?:a|an|the|some|many|several|his|her|its|their)$")
_OF = re.compile(r"(?!in back of)\b(on|in|at|to|by|near|along|from) (?!front of|top of|the |a )((?:\w+ )+of)")


class Phrase(NamedTuple):
    """A predicate as it is said of one subject and of many."""

    copula: bool
    """Whether it follows `is` or `are`; otherwise it is a verb of its own."""
    lead: str
    """Words between the copula and the predicate, e.g. `to the `."""
    one: str
    """The predicate after a single subject."""
    many: str
    """The predicate after several subjects, or in a question."""

    @property
    def order(self) -> int:
        """Where it stands among others said of one subject: `is on a sofa, holding a cup, and has a hat`."""
        return 2 if not self.copula else int(self.one.split(" ")[0].endswith("ing"))

    def be(self, plural: bool) -> str:
        """What stands before the predicate's span: `is to the `, `are `, or nothing."""
        return f"{'are' if plural else 'is'} {self.lead}" if self.copula else ""

    def text(self, plural: bool) -> str:
        return self.many if plural else self.one


@lru_cache(maxsize=65536)
def phrase(predicate: str) -> Phrase:
    """How a predicate is said."""
    text = plain(predicate)
    first, _, rest = text.partition(" ")
    base = _base(first)
    if base is None or text.endswith((" by", " than", " as")):
        return Phrase(True, _LEADS.get(text, ""), text, text)
    tail = f" {rest}" if rest else ""
    return Phrase(False, "", _third(base) + tail, base + tail)


@lru_cache(maxsize=65536)
def plain(predicate: str) -> str:
    """A predicate in lower case, without a copula in front or an article behind, mended where it is no English.

    `on a` and `is on` are `on`; `on back of` is `on the back of`.
    """
    text = " ".join(predicate.lower().replace("_", " ").split())
    text = _FRONT.sub("", text)
    text = _BEHIND.sub("", text)
    text = _ALIASES.get(text, text)
    return _OF.sub(r"\1 the \2", text)


def _base(word: str) -> str | None:
    """The base form of a verb in the present tense, or None if the word is something else."""
    if word in _VERBS:
        return word
    if word == "has":
        return "have"
    for ending, base in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending) and word.removesuffix(ending) + base in _VERBS:
            return word.removesuffix(ending) + base
    return None


def _third(base: str) -> str:
    if base in _IRREGULAR:
        return _IRREGULAR[base]
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return f"{base}es"
    return f"{base[:-1]}ies" if base.endswith("y") and base[-2] not in "aeiou" else f"{base}s"


#: A predicate and others that cannot hold of the same pair at the same time: what a false premise is made of. Only such
#: stand here as exclude each other in any photo; `on` and `under` do not (a lamp on the ceiling).
_EXCLUDES = {
    "standing on": ("sitting on", "lying on"),
    "sitting on": ("standing on", "lying on"),
    "lying on": ("standing on", "sitting on"),
    "walking on": ("sitting on", "lying on"),
    "running on": ("sitting on", "lying on"),
    "jumping over": ("sitting on", "lying under"),
    "flying over": ("parked on", "sitting on"),
    "parked on": ("driving on", "flying over"),
    "driving on": ("parked on", "flying over"),
    "riding": ("chasing", "carrying"),
    "driving": ("pushing", "washing"),
    "holding": ("dropping",),
    "carrying": ("dropping", "kicking"),
    "wearing": ("throwing", "folding"),
    "eating": ("cooking", "throwing"),
    "pushing": ("pulling", "riding"),
    "pulling": ("pushing", "riding"),
    "entering": ("exiting",),
    "exiting": ("entering",),
    "kicking": ("holding", "carrying"),
    "over": ("under", "inside"),
    "above": ("below", "inside"),
    "under": ("on top of",),
    "below": ("above",),
    "on top of": ("under",),
    "in front of": ("behind",),
    "behind": ("in front of",),
    "left of": ("right of",),
    "right of": ("left of",),
    "beside": ("on top of",),
    "next to": ("on top of",),
}


def excluded(predicate: str) -> tuple[str, ...]:
    """Predicates that are false of a pair of which this one is true; empty if none is known for certain."""
    return _EXCLUDES.get(plain(predicate), ())
