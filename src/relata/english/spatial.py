"""Sentences about where one thing is to another: the nine labels of Visual Spatial Description, how they are said, and
whether a sentence still says one.

The labels are those of the data (LLaVA-VSD, section 2.1); the paper writes three of them in short. Left and right are
the viewer's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from relata.english import words
from relata.english.seen import a

LABELS = (
    "on",
    "in",
    "next to",
    "under",
    "above",
    "behind",
    "in front of",
    "to the left of",
    "to the right of",
)
#: How the paper and the challenge's page write three of them.
SHORT = {"next to": "next", "to the left of": "left", "to the right of": "right"}
#: True of (B, A) whenever the label is true of (A, B).
CONVERSE = {
    "under": "above",
    "above": "under",
    "behind": "in front of",
    "in front of": "behind",
    "to the left of": "to the right of",
    "to the right of": "to the left of",
}

#: The words that say each label in a sentence. Longer ones come first: `in front of` is not `in`.
_SAYS = {
    "in front of": r"in (?:the )?front of",
    "to the left of": r"(?:to|on|at) (?:the )?left(?:[ -]hand)?(?: side)? of|left(?:[ -]hand)?(?: side)? of",
    "to the right of": r"(?:to|on|at) (?:the )?right(?:[ -]hand)?(?: side)? of|right(?:[ -]hand)?(?: side)? of",
    "next to": r"next to|beside|alongside|adjacent to|by the side of|at the side of",
    "behind": r"behind|in back of|at the back of",
    "above": r"above|over",
    "under": r"under|below|beneath|underneath",
    "on": r"on top of|on to|onto|upon|atop|on",
    "in": r"inside of|inside|within|in",
}
_SAID = re.compile("|".join(rf"(?P<l{LABELS.index(label)}>\b(?:{said})\b)" for label, said in _SAYS.items()))
_WORD = re.compile(r"[a-z0-9]+(?:['’-][a-z0-9]+)*")

#: Words without content of their own, those of the labels included.
_EMPTY = words.words(
    """
    a an the is are was were be been being am has have had there it its he his she her they their this that these those
    and or of to at by with for from as on in next under above behind front left right below beneath underneath over
    beside inside within upon atop top back side hand
    """
)

#: Short descriptions of a pair, as people wrote them for the first version: `{s}` and `{o}` with an article, `{be}`.
_SHORT_FORMS = (
    "{a_s} {be} {l} {a_o}.",
    "{the_s} {be} {l} {the_o}.",
    "there {be} {a_s} {l} {the_o}.",
    "{a_s} {l} {a_o}.",
    "{a_s} can be seen {l} {the_o}.",
    "{l} {the_o} there {be} {a_s}.",
    "the picture shows {a_s} {l} {a_o}.",
    "{the_s} can be found {l} {the_o}.",
    "{l} {the_o} {be} {a_s}.",
    "one can see {a_s} {l} {the_o}.",
)
#: Other ways to say a description: no two words with content stand side by side but those of one name.
_OTHER_FORMS = (
    "{l} {the_o}, you see {a_s}.",
    "look {l} {the_o} and you will find {a_s}.",
    "what you see {l} {the_o} {be} {a_s}.",
    "{the_s} {has} a place {l} {the_o}.",
    "if you look {l} {the_o}, {a_s} {be} there.",
)
_TURNED = "{the_o} {be_o} {c} {the_s}."


class Pair(NamedTuple):
    """What a description is of; names as nouns in running text."""

    subject: str
    label: str
    """One of `LABELS`."""
    object: str


def naive(pair: Pair) -> str:
    """Subject, label and object in a row, the first of the three sentences of task 3 (LLaVA-VSD, section 2.2)."""
    return f"{pair.subject} {pair.label} {pair.object}."


def descriptions(pair: Pair, rng: random.Random, most: int) -> list[str]:
    """Up to `most` different short sentences that say the relation, for pairs that nobody has described."""
    return [_filled(form, pair) for form in rng.sample(_SHORT_FORMS, min(most, len(_SHORT_FORMS)))]


def detailed(pair: Pair, subject: Sequence[str], place: str, object: Sequence[str]) -> str:
    """One sentence that tells more than the relation, as those of the second version do: looks, and where it is.

    Args:
        subject: adjectives of the subject.
        place: where the subject is: `on the left of the image`; empty: it is not said.
        object: adjectives of the object.
    """
    be = "are" if words.is_plural(pair.subject) else "is"
    first, second = (" ".join((*looks, noun)) for looks, noun in ((subject, pair.subject), (object, pair.object)))
    where = f" {place}" if place else ""
    return f"The {first}{where} {be} {pair.label} the {second}."


def rephrased(sentence: str, pair: Pair, rng: random.Random) -> str:
    """A sentence of the same relation in other words, which passes `fault`; empty if no form does."""
    forms = [*_OTHER_FORMS, *([_TURNED] if pair.label in CONVERSE else [])]
    said = (_filled(form, pair) for form in rng.sample(forms, len(forms)))
    return next((text for text in said if not fault(text, sentence, pair)), "")


def _filled(form: str, pair: Pair) -> str:
    subject, label, object = pair
    many = words.is_plural(subject)
    text = form.format(
        a_s=a(subject),
        a_o=a(object),
        the_s=f"the {subject}",
        the_o=f"the {object}",
        be="are" if many else "is",
        be_o="are" if words.is_plural(object) else "is",
        has="have" if many else "has",
        l=label,
        c=CONVERSE.get(label, label),
    )
    return f"{text[:1].upper()}{text[1:]}"


def fault(rewrite: str, original: str, pair: Pair) -> str:
    """What is wrong with another way to say a description; empty if nothing is.

    The paper's instruction asks for the same relation, and that no two consecutive words of the original stay
    (section 3.4). Counted are words with content: articles, copulas and the words of the label have to stay, and so has
    a name of several words.
    """
    if not says(rewrite, pair):
        return f"it does not say that the first thing is {pair.label} the second"
    both = kept(rewrite, original, pair)
    return f'it keeps "{both[0]} {both[1]}"' if both else ""


def kept(rewrite: str, original: str, pair: Pair) -> tuple[str, str] | None:
    """Two words with content that stand side by side in both sentences; None if there are none."""
    names = {both for name in (pair.subject, pair.object) for both in _bigrams(name)}
    said = set(_bigrams(rewrite))
    found = (both for both in _bigrams(original) if both in said and both not in names and _EMPTY.isdisjoint(both))
    return next(found, None)


def _bigrams(text: str) -> list[tuple[str, str]]:
    tokens = _WORD.findall(text.lower())
    return list(pairwise(tokens))


def names(text: str, pair: Pair) -> bool:
    """Whether a sentence names one of the two things at least. Told by words alone: a jet is no plane."""
    return any(_places(text.lower(), name) for name in (pair.subject, pair.object))


def says(text: str, pair: Pair) -> bool:
    """Whether a sentence says the label of the pair, or its converse of the pair turned round.

    Told by words alone: the thing that is named next after the words of the label is what it is said of, `behind the
    bike is a cart`. Names that do not occur, since other words stand for them, cannot speak against it; but the
    converse counts only if both do.
    """
    text = text.lower()
    places = {name: _places(text, name) for name in (pair.subject, pair.object)}
    first, second = places[pair.subject], places[pair.object]
    same = _head(pair.subject) == _head(pair.object)
    for match in _SAID.finditer(text):
        label = LABELS[int((match.lastgroup or "l0")[1:])]
        if label == pair.label and (same or _governs(match.end(), second, first)):
            return True
        if label == CONVERSE.get(pair.label) and not same and first and second and _governs(match.end(), first, second):
            return True
    return False


def _governs(at: int, wanted: Sequence[int], other: Sequence[int]) -> bool:
    """Whether of two things the wanted one is the next to be named after a place in the text."""
    next_wanted = min((place for place in wanted if place >= at), default=None)
    next_other = min((place for place in other if place >= at), default=None)
    if next_wanted is None:
        return not wanted and next_other is None
    return next_other is None or next_wanted < next_other


@lru_cache(maxsize=65536)
def _head(name: str) -> str:
    return words.head(name.lower())


def _places(text: str, name: str) -> list[int]:
    """Where a thing is named, by the head of its name, as one or as many."""
    head = _head(name)
    forms = "|".join(map(re.escape, {head, words.plural(head), head.removesuffix("s") or head}))
    return [match.start() for match in re.finditer(rf"\b(?:{forms})\b", text)]
