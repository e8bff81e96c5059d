"""The notation in which teachers cite regions: what is written is read, the rest is reported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.grounded import Mention, Predicate, Text, plain
from relata.notation import cite, read, relate, words
from relata.scene import Box

BOXES = tuple(Box(i, i, i + 10, i + 10) for i in range(6))


def test_mentions_predicates_and_words() -> None:
    spans, problems = read("A [dog](3) is <lying on>(3->5) the [rug](5).", BOXES)
    assert problems == []
    assert spans == (
        Text("A "),
        Mention("dog", (BOXES[2],)),
        Text(" is "),
        Predicate("lying on", (BOXES[2],), (BOXES[4],)),
        Text(" the "),
        Mention("rug", (BOXES[4],)),
        Text("."),
    )


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("[](2)", Mention("", (BOXES[1],))),
        ("[ two cups ] (1, 2)", Mention("two cups", BOXES[:2])),
        ("[people](#1 and #2)", Mention("people", BOXES[:2])),
        ("[people](1 & 2,3)", Mention("people", BOXES[:3])),
        ("<holding>(1,2->3,4)", Predicate("holding", BOXES[:2], BOXES[2:4])),
        ("<holding> ( 1 => 3 )", Predicate("holding", BOXES[:1], BOXES[2:3])),
        ("<holding>(1 and 2 → 3)", Predicate("holding", BOXES[:2], BOXES[2:3])),
    ],
)
def test_spellings_that_teachers_use(text: str, span: Mention | Predicate) -> None:
    assert read(text, BOXES) == ((span,), [])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a [dog](7)", "unknown-region"),
        ("a [dog](0)", "unknown-region"),
        ("a [dog](" + "9" * 5000 + ")", "unknown-region"),
        ("<on>(1->9)", "unknown-region"),
        ("<on>(1)", "no-objects"),
        ("a [dog](1->2)", "malformed"),
        ("a [dog] sleeps", "malformed"),
        ("a <dog sleeps", "malformed"),
        ("a dog](3)", "malformed"),
        ("a dog [12, 40, 300, 420] sleeps", "coordinates"),
        ("a dog (0.1, 0.25, 0.5, 0.75) sleeps", "coordinates"),
    ],
)
def test_what_is_not_meant_is_reported(text: str, kind: str) -> None:
    _, problems = read(text, BOXES)
    assert [problem.kind for problem in problems] == [kind]
    assert text[problems[0].at :].startswith(problems[0].text[:5])


phrases = st.text(min_size=1, max_size=12).map(words).filter(bool)
regions = st.lists(st.integers(1, 6), min_size=1, max_size=4)


@settings(deadline=None)
@given(st.lists(st.tuples(phrases, regions, regions), max_size=5))
def test_what_is_written_is_read(parts: list[tuple[str, list[int], list[int]]]) -> None:
    text = " ".join(f"{cite(phrase, ones)} {relate(phrase, ones, others)}" for phrase, ones, others in parts)
    spans, problems = read(text, BOXES)
    cited = [span for span in spans if not isinstance(span, Text)]
    assert problems == []
    assert cited == [
        span
        for phrase, ones, others in parts
        for span in (
            Mention(phrase, tuple(BOXES[n - 1] for n in ones)),
            Predicate(phrase, tuple(BOXES[n - 1] for n in ones), tuple(BOXES[n - 1] for n in others)),
        )
    ]


@settings(deadline=None)
@given(st.text(alphabet="[]<>()->→#&,.and 0123456789\n", max_size=60) | st.text(max_size=60))
def test_no_text_raises_and_no_word_is_lost(text: str) -> None:
    spans, problems = read(text, BOXES)
    assert problems or not set("[]<>") & set(plain(spans))


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "[a](1 and " * 50_000, "[a](" + "1" * 200_000, "<" * 200_000, "[a] " * 99_999]
)
def test_long_bad_replies_take_linear_time(text: str) -> None:
    assert read(text, BOXES)[1]
