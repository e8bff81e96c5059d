"""How labels are brought together: the published way, with its quirks, and the mended one."""

from __future__ import annotations

import numpy as np
import pytest

from relata.errors import RelataError
from relata.metrics.labels import first_part, lemmas, mappers, nearest, phrases, singular, words
from relata.metrics.rules import preset

SYNONYMS = [("person", "man", "player"), ("dining table", "table"), ("athlete", "player"), ("sports ball", "ball")]


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        *[("dogs", "dog"), ("bushes", "bush"), ("ladies", "lady"), ("glasses", "glass"), ("boxes", "box")],
        *[(word, word) for word in ("grass", "bus", "tennis", "sky", "is", "gas", "people")],
    ],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_lemmas() -> None:
    assert lemmas("The Skies") == ["the", "sky"]
    assert lemmas("  ") == []


def test_gold_labels_are_cut_at_the_first_hyphen() -> None:
    labels = ("wall-brick", "wall-other-merged", "floor-other-merged", "sky", "dining table")
    assert [first_part(label) for label in labels] == ["wall", "wall", "floor", "sky", "dining table"]


def test_words_makes_every_word_a_label() -> None:
    tags = words(SYNONYMS)
    assert tags("the man") == ("the", "person")
    assert tags("traffic lights") == ("traffic", "light")  # a class of two words is never matched
    assert tags("table") == ("dining table",)  # so PSG's class `table` cannot be
    assert tags("player") == ("athlete",)  # it stands in two rows: the last one wins
    assert tags("") == ("Unknown",)


def test_words_takes_any_lemmatiser() -> None:
    assert words(SYNONYMS, lambda phrase: [w.strip("!") for w in phrase.split()])("man! ball") == (
        "person",
        "sports ball",
    )


def test_phrases_keeps_a_phrase_whole() -> None:
    whole = phrases(SYNONYMS, classes=("table", "person", "wall-brick"))
    assert whole("the man") == "person"
    assert whole("traffic lights") == "traffic light"
    assert whole("Table") == "table"  # a class of its own is not mapped away
    assert whole("players") == "person"  # the first row wins
    assert whole("a ball") == "sport ball" == whole("sports ball")  # classes go the same way as words
    assert whole("sky-other-merged") == whole("the sky") == "sky"
    assert whole("wall-brick") == "wall brick" != whole("wall-other-merged")
    assert whole("the") == "the"


def test_nearest_takes_the_highest_cosine() -> None:
    vectors = {"dog": (1.0, 0.0), "car": (0.0, 2.0), "puppy": (3.0, 1.0), "van": (0.1, 0.2)}
    asked: list[str] = []

    def embed(texts: list[str]) -> list[tuple[float, float]]:
        asked.extend(texts)
        return [vectors[text] for text in texts]

    mapper = nearest(("dog", "car"), embed)  # type: ignore[arg-type]
    assert [mapper(word) for word in ("puppy", "van", "dog", "puppy")] == ["dog", "car", "dog", "dog"]
    assert asked == ["dog", "car", "puppy", "van"]  # each word once


def test_mappers_are_those_that_the_rules_name() -> None:
    official = mappers(preset("asmv2-official"), ("table",), synonyms=SYNONYMS)
    assert (official.gold("wall-brick"), official.label("the man")) == ("wall", ("the", "person"))
    fixed = mappers(preset("asmv2-fixed"), ("table",), synonyms=SYNONYMS)
    assert (fixed.gold("table"), fixed.label("the man")) == ("table", "person")
    exact = mappers(preset("openpsg-official"))
    assert (exact.gold("a-b"), exact.label("The man"), exact.predicate("on")) == ("a-b", "The man", "on")


def test_rules_that_take_the_nearest_class_need_an_embed_function() -> None:
    with pytest.raises(RelataError, match="robin-fixed take the nearest class"):
        mappers(preset("robin-fixed"), ("dog",), ("on",))
    with pytest.raises(RelataError, match="they need the classes"):
        mappers(preset("robin-fixed"), embed=lambda texts: np.eye(len(texts)))
    found = mappers(preset("robin-fixed"), ("dog",), ("on",), embed=lambda texts: np.ones((len(texts), 2)))
    assert (found.gold("hound"), found.label("hound"), found.predicate("upon")) == ("hound", "dog", "on")
