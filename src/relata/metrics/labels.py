"""How the words of a model and of the gold are brought together before they are compared.

A mapper is a function from a label to the label, or labels, that are compared. Rules name the mappers that they need;
`mappers` builds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from relata.errors import RelataError
from relata.metrics.graphs import Floats, LabelMapper, PredicateMapper
from relata.metrics.matching import Mappers
from relata.metrics.rules import Rules

Lemmas = Callable[[str], Sequence[str]]
"""A phrase to the lemmas of its words."""
Embed = Callable[[Sequence[str]], ArrayLike]
"""Texts to vectors, a row each."""
Synonyms = Sequence[Sequence[str]]
"""Rows of words that mean one class; the class comes first."""

_SUFFIXES = re.compile(r"(-other|-merged|-stuff)+$")
_ARTICLES = ("a", "an", "the")


def singular(word: str) -> str:
    """A plain English singular, for where no lemmatiser is at hand: `dogs` is `dog`, `bushes` `bush`, `ladies` `lady`.

    It knows no irregular plural, and leaves `grass`, `bus` and `tennis` alone.
    """
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if re.search(r"(ss|sh|ch|x|zz)es$", word):
        return word[:-2]
    return word[:-1] if len(word) > 3 and re.search(r"[^sui]s$", word) else word


def lemmas(phrase: str) -> list[str]:
    """The words of a phrase, in lower case and singular."""
    return [singular(word) for word in phrase.lower().split()]


def first_part(label: str) -> str:
    """`wall-brick` and `wall-other-merged` are both `wall`."""
    return label.split("-")[0]


def words(synonyms: Synonyms = (), lemmas: Lemmas = lemmas) -> LabelMapper:
    """Every word of a phrase is a label: `the sky` is both `the` and `sky` (All-Seeing v2, eval_psg.py).

    A synonym that stands in several rows belongs to the last. A class that is a synonym elsewhere is mapped away all
    the same: with the published file `table` becomes `dining table`, so that PSG's class `table` is never matched.
    """
    table = {word: row[0] for row in synonyms for word in row}

    def mapper(label: str) -> tuple[str, ...]:
        return tuple(table.get(lemma, lemma) for lemma in lemmas(label)) or ("Unknown",)

    return mapper


def phrases(synonyms: Synonyms = (), lemmas: Lemmas = lemmas, classes: Iterable[str] = ()) -> PredicateMapper:
    """A whole phrase is one label: without its article, hyphens and PSG's suffixes, then as the class it stands for.

    `The Sky` and `sky-other-merged` are `sky`; `wall-brick` is `wall brick` and stays apart from `wall`. A synonym that
    stands in several rows belongs to the first; a word in `classes` is never mapped away.
    """

    def plain(label: str) -> str:
        found = list(lemmas(_SUFFIXES.sub("", label.strip().lower()).replace("-", " ")))
        return " ".join(found[1:] if len(found) > 1 and found[0] in _ARTICLES else found)

    table: Mapping[str, str] = {plain(word): plain(row[0]) for row in reversed(synonyms) for word in row}
    kept = {plain(name) for name in classes}

    def mapper(label: str) -> str:
        text = plain(label)
        return text if text in kept else table.get(text, text)

    return mapper


def nearest(known: Sequence[str], embed: Embed) -> PredicateMapper:
    """The known word whose vector has the highest cosine with that of the word; a known word is itself."""
    vectors = _unit(embed(known))
    cache = {word: word for word in known}

    def mapper(word: str) -> str:
        if word not in cache:
            cache[word] = known[int((vectors @ _unit(embed([word]))[0]).argmax())]
        return cache[word]

    return mapper


def mappers(
    rules: Rules,
    labels: Sequence[str] = (),
    predicates: Sequence[str] = (),
    synonyms: Synonyms = (),
    lemmas: Lemmas = lemmas,
    embed: Embed | None = None,
) -> Mappers:
    """The mappers that the rules name.

    Args:
        labels, predicates: the classes that exist.
        lemmas: the published `asmv2` numbers used spaCy's small English model; without it, ours.
        embed: for rules that take the nearest class.

    Raises:
        RelataError: if the rules take the nearest class and there is no `embed`, or there are no classes.
    """

    def build(kind: str, known: Sequence[str]) -> PredicateMapper:
        if kind != "nearest":
            return str
        if embed is None or not known:
            raise RelataError(f"rules {rules.name} take the nearest class: they need the classes and an embed function")
        return nearest(known, embed)

    whole = phrases(synonyms, lemmas, labels)
    gold: dict[str, LabelMapper] = {"first part": first_part, "phrase": whole}
    label: dict[str, LabelMapper] = {"words": words(synonyms, lemmas), "phrase": whole}
    return Mappers(
        gold=gold.get(rules.gold_labels, str),
        label=label.get(rules.labels) or build(rules.labels, labels),
        predicate=build(rules.predicates, predicates),
    )


def _unit(rows: ArrayLike) -> Floats:
    vectors = np.asarray(rows, dtype=np.float64)
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
