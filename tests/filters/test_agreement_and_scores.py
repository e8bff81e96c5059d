"""What several sources say; scores read from the data."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata.chat import Example, ImageRef, Message
from relata.errors import RelataError
from relata.filters import agreement, scores
from relata.grounded import Mention, Predicate, Text
from relata.scene import Box, Region, Relation, Scene, encode

MAN, HORSE = Box(0, 0, 50, 50), Box(20, 20, 90, 90)


def merged(*relations: tuple[int, str, int, str | None]) -> Scene:
    regions = (Region(1, "man", MAN, score=0.95), Region(2, "horse", HORSE, score=0.7))
    return Scene("s", "s.png", 100, 100, regions, tuple(Relation(s, p, o, source=by) for s, p, o, by in relations))


def alone(*relations: tuple[int, str, int, str | None], sources: int = 2) -> list[int]:
    return [finding.relation for finding in agreement.find(merged(*relations), sources=sources)]


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        ([(1, "on", 2, "a"), (1, "on top of", 2, "b")], []),
        ([(1, "on", 2, "a"), (1, "on top of", 2, "a")], [0, 1]),
        ([(1, "left of", 2, "a"), (2, "to the right of", 1, "b")], []),
        ([(1, "left of", 2, "a"), (1, "right of", 2, "b")], [0, 1]),
        ([(1, "next to", 2, "a"), (2, "beside", 1, "b")], []),
        ([(1, "riding", 2, "a; b"), (1, "on", 2, "a")], [1]),
        ([(1, "riding", 2, None), (1, "rides", 2, "a")], []),
        ([(1, "riding", 2, "a"), (2, "riding", 1, "b")], [0, 1]),
    ],
)
def test_agreement(relations: list[tuple[int, str, int, str | None]], expected: list[int]) -> None:
    assert alone(*relations) == expected


def test_how_many_have_to_agree() -> None:
    said = [(1, "on", 2, "a"), (1, "on", 2, "b"), (1, "atop", 2, "c")]
    assert alone(*said, sources=3) == []
    assert alone(*said, sources=4) == [0, 1, 2]
    with pytest.raises(RelataError, match="2 or more"):
        alone(*said, sources=1)


def example(words: int = 50, **provenance: str) -> Example:
    answer = (
        Mention("a man", (MAN,)),
        Text(" "),
        Predicate("riding", (MAN,), (HORSE,)),
        Text(" "),
        Mention("a horse", (HORSE,)),
        Text(" word" * (words - 5)),
    )
    messages = (Message("user", (Text("Describe."),)), Message("assistant", answer))
    return Example("e", (ImageRef("s.png", 100, 100),), messages, provenance=provenance)


@pytest.mark.parametrize(
    ("provenance", "reason"),
    [
        ({}, None),
        ({"clip_similarity_vitb32": "0.341"}, None),
        ({"clip_similarity_vitb32": "0.34"}, "low-clip"),
        ({"clip_similarity_vitb32": "0.4", "clip_similarity_vitl14": "0.2"}, None),
        ({"clip_similarity_vitl14": "0.2"}, "low-clip"),
        ({"clip_score": "0.9; 0.1"}, "low-clip"),
        ({"clip_score": "nan"}, "low-clip"),
        ({"clip_score": "high"}, "bad-score"),
    ],
)
def test_clip_scores(provenance: dict[str, str], reason: str | None) -> None:
    found = scores.check(example(**provenance))
    assert (found and found.reason) == reason


def test_length_of_the_answer() -> None:
    assert scores.check(example(41)) is None
    short = scores.check(example(40))
    assert short is not None
    assert (short.reason, short.id) == ("short-answer", "e")
    assert scores.check(example(40), words=39) is None


def test_confidence_of_every_box(tmp_path: Path) -> None:
    path = tmp_path / "scenes.jsonl"
    path.write_bytes(encode(merged()) + b"\n")
    unsure = scores.check(example(), scenes=str(path))
    assert unsure is not None
    assert (unsure.reason, unsure.detail) == ("unsure-box", "0.7, not above 0.88")
    assert scores.check(example(), scenes=str(path), box=0.5) is None
    with pytest.raises(RelataError, match="does not exist"):
        scores.check(example(), scenes=str(tmp_path / "none.jsonl"))
