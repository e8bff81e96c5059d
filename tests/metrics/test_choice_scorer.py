"""Reading an option out of a reply, grouping, averaging: by hand, against plain loops, and against gaming."""

from __future__ import annotations

import random

import naive_choice as naive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.errors import RelataError
from relata.metrics.choice import PRESETS, Item, preset, read, score

OPTIONS = ("on", "on top of", "riding", "a dog")


@pytest.mark.parametrize(
    ("reply", "strict", "first", "first_or_text", "lenient"),
    [
        ("B", "B", "B", "B", "B"),
        ("b", "", "", "", "B"),
        ("B.", "", "B", "B", "B"),
        ("B\n", "", "B", "B", "B"),
        (" B", "", "B", "", "B"),  # the space is the first character, and no option is named
        ("(B)", "", "", "", "B"),
        ("**B**", "", "", "", "B"),
        ("Answer: B", "", "A", "A", "B"),  # the published rule takes the A of Answer
        ("answer: b", "", "", "", "B"),
        ("The answer is B.", "", "", "", "B"),
        ("The correct answer is option B, not C", "", "", "A", "B"),
        ("I would choose (C).", "", "", "", "C"),
        ("B. on top of", "", "B", "B", "B"),
        ("B is right, I think", "", "B", "B", "B"),
        ("Bird", "", "B", "B", ""),
        ("A dog", "", "A", "A", "D"),  # an article, and the text of D
        ("A dog is to be seen, so C", "", "A", "A", "C"),
        ("riding", "", "", "C", "C"),
        ("on", "", "", "A", "A"),
        ("on top of", "", "", "AB", "B"),  # the published rule finds "on" in it too
        ("The man is on top of the horse.", "", "", "AB", "B"),
        ("It is standing on it", "", "", "A", "A"),
        ("riding or on", "", "", "AC", ""),
        ("B or C", "", "B", "B", ""),
        ('{"answer": "C"}', "", "", "", "C"),
        ('{"choice": "C", "why": "he rides"}', "", "", "", "C"),
        ("答案是B", "", "", "", "B"),
        ("答案：C。", "", "", "", "C"),
        ("我选择 D", "", "", "", "D"),
        ("我不知道", "", "", "", ""),
        ("E", "", "", "", ""),
        ("E. riding", "", "", "C", "C"),
        ("", "", "", "", ""),
        ("   ", "", "", "", ""),
        ("I'm sorry, but I can't help with that.", "", "", "", ""),
        ("I cannot tell from the image.", "", "", "", ""),
        ("A person cannot tell.", "", "A", "A", ""),
        ("Option A is correct", "", "", "A", "A"),  # "on" is in "Option"
        ("ABCD", "", "A", "A", ""),
    ],
)
def test_reading(reply: str, strict: str, first: str, first_or_text: str, lenient: str) -> None:
    assert read(reply, OPTIONS, "strict") == strict
    assert read(reply, OPTIONS, "first") == first
    assert read(reply, OPTIONS, "first or text") == first_or_text
    assert read(reply, OPTIONS, "lenient") == lenient


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=60), st.sampled_from(("strict", "first", "first or text", "lenient")))
def test_reading_never_fails_and_claims_known_letters(reply: str, reading: str) -> None:
    claims = read(reply, OPTIONS, reading)  # type: ignore[arg-type]
    assert set(claims) <= set("ABCD")
    assert reading == "first or text" or len(claims) <= 1


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from("ABCD"),
    st.sampled_from(("{}", "{}.", "({})", "**{}**", "Answer: {}", "The answer is {}.", "答案是{}")),
)
def test_a_lenient_reader_takes_what_a_strict_one_takes(letter: str, wrapping: str) -> None:
    reply = wrapping.format(letter)
    assert read(reply, OPTIONS, "lenient") == letter
    assert read(reply, OPTIONS, "strict") in ("", letter)


def circle(replies: str, category: str = "predicate", group: str = "1") -> list[Item]:
    """Four rows with right letters A, B, C, D."""
    return [Item(reply, answer, OPTIONS, category, group) for reply, answer in zip(replies, "ABCD", strict=True)]


def test_a_circle_counts_only_whole() -> None:
    # one whole circle, one with three of four: 1/2 circular, 7/8 of the rows
    items = circle("ABCD", group="1") + circle("ABCA", group="2")
    assert score(items, preset("official")).total.value == 0.5
    assert score(items, preset("fixed")).total.value == 0.5
    assert score(items, preset("rows")).total.value == 7 / 8
    assert score(items, preset("official")).total.count == 2
    assert score(items, preset("rows")).total.count == 8


def test_the_official_rule_groups_by_place_and_the_fixed_one_by_question() -> None:
    # the rows of two questions in turn: by place every four mix right and wrong, by question one is right
    right, wrong = circle("ABCD", group="1"), circle("BCDA", group="2")
    mixed = [item for pair in zip(right, wrong) for item in pair]
    assert score(mixed, preset("official")).total.value == 0
    assert score(mixed, preset("fixed")).total.value == 0.5


def test_categories_are_grouped_apart_and_averaged_alike() -> None:
    # subject: 1 of 1; object: 0 of 3. Mean of categories 1/2, pooled rows 4/16.
    items = circle("ABCD", "subject", "s") + [item for g in "123" for item in circle("BCDA", "object", g)]
    found = score(items, preset("official"))
    assert found.total.value == 0.5
    assert {name: (rate.value, rate.count) for name, rate in found.categories.items()} == {
        "subject": (1, 1),
        "object": (0, 3),
    }
    assert score(items, preset("rows")).total.value == 4 / 16
    only = score(items, preset("official"), ("subject",))
    assert (only.total.value, only.total.count, set(only.categories)) == (1, 1, {"subject", "object"})


def test_unreadable_replies_are_wrong_and_counted() -> None:
    items = [Item("no idea", "A", OPTIONS), Item("A", "A", OPTIONS), Item("A.", "A", OPTIONS), Item("", "A", OPTIONS)]
    strict = score(items, preset("official").replace(grouping="none"))
    assert (strict.total.value, strict.unreadable) == (0.25, 0.75)
    lenient = score(items, preset("rows"))
    assert (lenient.total.value, lenient.unreadable) == (0.5, 0.5)


def test_pairs_by_id() -> None:
    rules = preset("rows").replace(grouping="id")
    pair = [
        Item("A", "A", ("x", "y"), "", "p"),
        Item("B", "B", ("x", "y"), "", "p"),
        Item("A", "B", ("x", "y"), "", "q"),
    ]
    assert score(pair, rules).total.value == 0.5


def test_rows_that_do_not_come_out_even_are_refused() -> None:
    with pytest.raises(RelataError, match="category 'predicate': its rows are no multiple of 4"):
        score(circle("ABCD")[:3], preset("official"))


def test_no_rows() -> None:
    assert score([], preset("official")).total.value == 0


def test_an_unknown_preset_offers_near_ones() -> None:
    with pytest.raises(RelataError, match="vlmevalkit"):
        preset("vlmeval")


def items_of(rows: list[naive.Row]) -> list[Item]:
    seen: dict[str, int] = {}
    made = []
    for row in rows:
        number = seen[row.category] = seen.get(row.category, -1) + 1
        made.append(Item(row.reply, row.answer, row.options, row.category, str(number // 4)))
    return made


@pytest.mark.parametrize("seed", range(8))
def test_agreement_with_plain_loops_on_random_replies(seed: int) -> None:
    rows = naive.rows(seed)  # 320 rows each, 2,560 in all
    items = items_of(rows)
    expected = naive.official(rows)
    official = score(items, preset("official"))
    assert {name: rate.value for name, rate in official.categories.items()} == pytest.approx(expected)
    assert official.total.value == pytest.approx(sum(expected.values()) / len(expected))
    assert 0.1 < official.total.value < 0.9
    assert score(items, preset("vlmevalkit")).total.value == pytest.approx(naive.vlmevalkit(rows))
    lenient, strict = (score(items, preset("official").replace(reading=r)) for r in ("lenient", "strict"))
    assert lenient.total.value >= strict.total.value
    assert lenient.unreadable < strict.unreadable


@pytest.mark.parametrize("letter", "ABCD")
def test_a_constant_letter_scores_nothing_in_circles(letter: str) -> None:
    items = [item for g in range(50) for item in circle(letter * 4, group=str(g))]
    for name in ("official", "fixed"):
        assert score(items, preset(name)).total.value == 0
    for name in ("vlmevalkit", "rows"):
        assert score(items, preset(name)).total.value == 0.25  # what plain accuracy gives for nothing


def test_random_letters_score_next_to_nothing_in_circles() -> None:
    rng = random.Random(0)
    items = [item for g in range(4000) for item in circle("".join(rng.choices("ABCD", k=4)), group=str(g))]
    for name in ("official", "fixed"):
        assert score(items, preset(name)).total.value <= 0.25**4 + 0.005


def test_naming_every_option_is_no_answer_but_to_the_published_substring_rule() -> None:
    everything = " / ".join(OPTIONS)
    items = [Item(everything, answer, OPTIONS) for answer in "ABCD"]
    assert score(items, PRESETS["rows"]).total.value == 0
    assert score(items, PRESETS["vlmevalkit"]).total.value == 1
