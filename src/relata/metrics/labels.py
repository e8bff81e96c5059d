"""How the words of a model and of the gold are brought together before they are compared.

A mapper is a function from a word to a word, or to several. Rules name the mappers they need; `mappers` builds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from relata.errors import RelataError
from relata.metrics.graphs import LabelMapper, PredicateMapper
from relata.metrics.matching import Mappers
from relata.metrics.rules import Rules

Lemma = Callable[[str], str]
Embed = Callable[[Sequence[str]], ArrayLike]
"""Texts to vectors, one row each."""

_SUFFIX = re.compile(r"(-other|-merged|-stuff)+$")
_ARTICLE = re.compile(r"^(a|an|the)\s+")


def singular(word: str) -> str:
    """A plain English singular, for where no lemmatiser is at hand: `dogs` is `dog`, `bushes` `bush`, `ladies` `lady`.

    It knows no irregular plural and leaves `grass`, `bus` and `tennis` alone.
    """
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|sh|ch|x|zz)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not re.search(r"(ss|us|is)$", word) else word


def first_part(label: str) -> str:
    """`wall-brick` and `wall-other-merged` are both `wall`."""
    return label.split("-")[0]


def phrase(label: str, lemma: Lemma = singular) -> str:
    """The phrase without case, article, hyphens and PSG's suffixes, its last word in the singular.

    `The Sky` and `sky-other-merged` are `sky`; `wall-brick` is `wall brick` and stays apart from `wall`.
    """
    text = _ARTICLE.sub("", _SUFFIX.sub("", label.strip().lower()).replace("-", " "))
    head, _, last = text.rpartition(" ")
    return f"{head} {lemma(last)}" if head else lemma(last)


def synonym_table(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """A synonyms file: a line per class, comma-separated, the class first."""
    rows = (tuple(word.strip() for word in line.split(",")) for line in lines)
    return [row for row in rows if row[0]]


def last_wins(table: Iterable[Sequence[str]]) -> dict[str, str]:
    """Word -> class as `asmv2-official` reads it: a word of several lines goes to the last, and a word that is a class of
    its own elsewhere is mapped away all the same, so that PSG's `table` becomes `dining table` and can never match."""
    return {word: row[0] for row in table for word in row}


def first_wins(table: Iterable[Sequence[str]], classes: Iterable[str]) -> dict[str, str]:
    """Word -> class, mended: a word of several lines goes to the first, and a known class is never mapped away."""
    words: dict[str, str] = {}
    for row in table:
        for word in row:
            words.setdefault(word, row[0])
    return words | {name: name for name in classes}


def words_mapper(synonyms: Mapping[str, str], lemma: Lemma) -> LabelMapper:
    """Every word of the phrase is a label: `the sky` is both `the` and `sky` (`asmv2-official`)."""

    def words(label: str) -> tuple[str, ...]:
        lemmas = [lemma(word) for word in label.split()]
        return tuple(synonyms.get(word, word) for word in lemmas) or ("Unknown",)

    return words


def phrase_mapper(synonyms: Mapping[str, str], lemma: Lemma) -> PredicateMapper:
    """The whole phrase is one label, then its class."""

    def whole(label: str) -> str:
        text = phrase(label, lemma)
        return synonyms.get(text, text)

    return whole


def nearest_mapper(known: Sequence[str], embed: Embed) -> PredicateMapper:
    """The known word with the highest cosine to the word; a known word is itself."""
    vectors = _unit(embed(known))
    cache = {word: word for word in known}

    def nearest(word: str) -> str:
        if word not in cache:
            cosine = vectors @ _unit(embed([word]))[0]
            cache[word] = known[int(cosine.argmax())]
        return cache[word]

    return nearest


def mappers(
    rules: Rules,
    labels: Sequence[str] = (),
    predicates: Sequence[str] = (),
    synonyms: Sequence[Sequence[str]] = (),
    lemma: Lemma = singular,
    embed: Embed | None = None,
) -> Mappers:
    """The mappers that the rules name.

    Args:
        labels, predicates: the classes that exist.
        synonyms: rows of words, the class first; see `synonym_table`.
        lemma: a word to its lemma. The published `asmv2` numbers used spaCy's small English model.
        embed: texts to vectors, for rules that take the nearest class.

    Raises:
        RelataError: if the rules take the nearest class and there is no `embed`, or no classes.
    """
    if "nearest" in (rules.labels, rules.predicates) and (embed is None or not labels or not predicates):
        raise RelataError(f"rules {rules.name} take the nearest class: give the classes and an embed function")
    table = last_wins(synonyms) if rules.labels == "words" else first_wins(synonyms, [phrase(c, lemma) for c in labels])
    by_name: dict[str, Callable[[], LabelMapper]] = {
        "exact": lambda: str,
        "first part": lambda: first_part,
        "words": lambda: words_mapper(table, lemma),
        "phrase": lambda: phrase_mapper(table, lemma),
        "nearest": lambda: nearest_mapper(labels, embed or _no_embed),
    }
    predicate = nearest_mapper(predicates, embed or _no_embed) if rules.predicates == "nearest" else str
    return Mappers(by_name[rules.gold_labels](), by_name[rules.labels](), predicate)
