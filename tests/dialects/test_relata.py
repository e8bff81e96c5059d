"""The dialect of region tokens: what is written is read back, and nothing that a model says makes reading fail."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.dialects import dialect
from relata.dialects.relata import RegionTokens, token
from relata.errors import RelataError
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span, Text, plain
from relata.scene import Box

A, B, C = Box(0, 0, 10, 10), Box(20, 0, 30, 10), Box(0, 20, 10, 40)
D = Box(5, 5, 25, 25)
#: Three regions in the first image, one in the second.
TOKENS = RegionTokens([[A, B, C], [D]])

#: Grounded text, what is written for it, and what is read back where that is not the same.
CASES: list[tuple[str, list[Span], list[Span]]] = [
    ("<r0> red circle", [Mention("red circle", (A,))], []),
    ("<r0>", [Mention("", (A,))], []),
    ("<r0> <r2>", [Mention("", (A, C))], []),
    ("<r0> <r2> circles", [Mention("circles", (A, C))], []),
    ("<r0> left of <r1>", [Predicate("left of", (A,), (B,))], []),
    ("<r0> <r1> on <r2>", [Predicate("on", (A, B), (C,))], []),
    ("<r3> blue star", [Mention("blue star", (D,), 1)], []),
    ("none", [Text("none")], []),
    ("where red circle ?", [Text("where"), Text("red circle"), Text("?")], [Text("where red circle"), Text(" ? ")]),
    ("relation <r0> <r1> ?", [Text("relation"), Mention("", (A,)), Mention("", (B,)), Text("?")], [
        Text("relation"), Mention("", (A, B)), Text(" ? "),
    ]),
    ("match <r0> ?", [Text("match"), Mention("", (A,)), Text(" ? ")], []),
    ("<r0> red . <r1> blue . <r0> above <r1> ;", [
        Mention("red", (A,)), Text(" . "), Mention("blue", (B,)), Text(" . "), Predicate("above", (A,), (B,)),
        Text(" ; "),
    ], []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "spans", "back"), CASES, ids=[case[0] for case in CASES])
def test_written_and_read(text: str, spans: list[Span], back: list[Span]) -> None:
    assert TOKENS.write(spans) == text
    assert TOKENS.read(text) == (tuple(back or spans), [])
    assert TOKENS.write(TOKENS.read(text)[0]) == text


def test_image_slots_list_their_regions() -> None:
    assert TOKENS.write([ImageSlot(0), ImageSlot(1)]) == "image : <r0> <r1> <r2> image : <r3>"


def test_regions_of_two_images_are_never_one_mention() -> None:
    """`transform <r0> <r3>` points at one region of each image; a predicate holds within one image only."""
    spans, problems = TOKENS.read("transform <r0> <r3> ?")
    assert spans == (Text("transform"), Mention("", (A,)), Mention("", (D,), 1), Text(" ? "))
    assert not problems
    spans, _ = TOKENS.read("<r0> above <r3>")
    assert spans == (Mention("", (A,)), Text("above"), Mention("", (D,), 1))


def test_numbers_may_be_dealt_in_any_order() -> None:
    dealt = RegionTokens([[A, B], [D]], [7, 0, 3])
    text = dealt.write([Predicate("on", (A,), (B,)), Text(";"), Mention("star", (D,), 1)])
    assert text == "<r7> on <r0> ; <r3> star"
    assert dealt.read(text)[0] == (Predicate("on", (A,), (B,)), Text(" ; "), Mention("star", (D,), 1))
    assert dealt.read("<r1>")[1] == [Problem("unknown-region", "<r1>", 0)]


def test_a_token_of_no_region_is_a_problem_and_reading_goes_on() -> None:
    spans, problems = TOKENS.read("<r0> on <r9> ; <r1> red")
    assert problems == [Problem("unknown-region", "<r9>", 8)]
    assert spans == (Mention("on", (A,)), Text(" ; "), Mention("red", (B,)))


def test_a_box_that_is_nearly_a_region() -> None:
    """Shifted by one of ten pixels: IoU 90 / 110. Shifted by four: 60 / 140, below one half."""
    assert TOKENS.number(Box(1, 0, 11, 10)) == 0
    assert TOKENS.write([Mention("", (Box(19, 0, 29, 10),))]) == "<r1>"
    with pytest.raises(RelataError, match=r"box \[4.0, 0.0, 14.0, 10.0\] of image 0 is none of the regions"):
        TOKENS.number(Box(4, 0, 14, 10))
    with pytest.raises(RelataError, match="of image 1 is none of the regions"):
        TOKENS.write([Mention("", (A,), 1)])


def test_markup_in_words_is_harmless() -> None:
    text = TOKENS.write([Text("a <r1> </s> <pad>"), Mention("<r2> sign", (A,))])
    assert text == "a (r1) (/s) (pad) <r0> (r2) sign"
    assert [span.boxes for span in TOKENS.read(text)[0] if isinstance(span, Mention)] == [(A,)]
    assert TOKENS.write([Text("x < y <b> >")]) == "x < y (b) >", "what is no token of ours may be changed, not lost"


def test_found_by_name() -> None:
    made = dialect("relata", regions=[[A]], numbers=[5])
    assert made.write([Mention("cup", (A,))], []) == f"{token(5)} cup"
    with pytest.raises(RelataError, match="none of the regions"):
        dialect("relata").write([Mention("cup", (A,))], [])


@settings(deadline=None, max_examples=300)
@given(st.text(st.sampled_from("<r>0123 9ab.;,:?/é\n"), max_size=40))
def test_reading_never_fails_and_loses_no_words(text: str) -> None:
    spans, problems = TOKENS.read(text)
    again, _ = TOKENS.read(text)
    assert spans == again
    for span in spans:
        if isinstance(span, (Mention, Predicate)):
            assert span.image in (0, 1)
    for problem in problems:
        assert text[problem.at : problem.at + len(problem.text)] == problem.text
    written = TOKENS.write(spans)
    assert [c for c in plain(spans) if c.isalpha()] == [c for c in plain(TOKENS.read(written)[0]) if c.isalpha()]


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60))
def test_any_text_at_all(text: str) -> None:
    spans, problems = TOKENS.read(text)
    assert len(problems) <= len(text)
    TOKENS.write(spans)


_WORDS = st.lists(st.sampled_from(["red", "cup", "on", "left of", "a", "12"]), min_size=1, max_size=3).map(" ".join)
_BOXES = st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=3, unique=True).map(tuple)
_CLAUSE = st.one_of(
    st.builds(Mention, st.one_of(st.just(""), _WORDS), _BOXES),
    st.builds(Mention, st.one_of(st.just(""), _WORDS), st.just((D,)), st.just(1)),
    st.builds(Predicate, _WORDS, _BOXES, _BOXES),
    st.builds(Text, _WORDS),
)


@settings(deadline=None, max_examples=200)
@given(st.lists(_CLAUSE, max_size=5), st.sampled_from([" . ", " ; ", " , "]))
def test_graph_text_round_trip(clauses: list[Span], end: str) -> None:
    """Clauses, each closed by a mark, are read back as they were: names, predicates, regions, images."""
    spans = [part for clause in clauses for part in (clause, Text(end))]
    assert TOKENS.read(TOKENS.write(spans)) == (tuple(spans), [])
