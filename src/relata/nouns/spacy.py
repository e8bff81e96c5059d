"""`spacy[:MODEL]`: nouns by a spaCy model that is installed, `en_core_web_sm` if none is named; none is downloaded."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

from relata.errors import RelataError
from relata.nouns import listed

_MODEL = "en_core_web_sm"
_WORD = re.compile(r"[a-z][a-z'’-]+")


class Spacy:
    """A spaCy model; its common nouns as lemmas, each word by itself."""

    def __init__(self, name: str, model: Any) -> None:
        self.name = name
        self._model = model
        self._unseen = frozenset(listed("unseen"))

    def nouns(self, captions: Iterable[str]) -> Iterator[tuple[str, ...]]:
        for text in self._model.pipe(captions):
            found = (token.lemma_.lower() for token in text if token.pos_ == "NOUN")
            yield tuple(dict.fromkeys(noun for noun in found if noun not in self._unseen and _WORD.fullmatch(noun)))


def tagger(argument: str) -> Spacy:
    """The tagger of a model; its name holds the model's version, for versions find different nouns.

    Raises:
        RelataError: if spaCy or the model is not installed.
    """
    wanted = argument or _MODEL
    try:
        spacy = importlib.import_module("spacy")
    except ImportError as error:
        raise RelataError("tagger 'spacy' needs spaCy: pip install spacy; or use the built-in tagger: rules") from error
    if not spacy.util.is_package(wanted):
        raise RelataError(
            f"spaCy has no model {wanted!r} here: python -m spacy download {wanted}; or use the built-in tagger: rules"
        )
    model = spacy.load(wanted, disable=["parser", "ner"])
    return Spacy(f"spacy:{wanted}-{model.meta['version']}", model)
