"""The dialects in ReC's tags: asmv2, internvl, llava, plain. Replies as models make them, and what is made of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata.chat import ImageRef
from relata.dialects import dialect
from relata.grounded import ImageSlot, Mention, Predicate, Span, Text
from relata.scene import Box

#: 999 x 999, so that written numbers are pixels in both frames.
SQUARE = (ImageRef("a.jpg", 999, 999), ImageRef("b.jpg", 999, 999))
A, B, C = Box(1, 2, 30, 40), Box(50, 60, 700, 800), Box(0, 0, 999, 999)
a, b, c = "[1, 2, 30, 40]", "[50, 60, 700, 800]", "[0, 0, 999, 999]"


def test_written_form() -> None:
    spans = (
        ImageSlot(0),
        Text("\nTwo "),
        Mention("dogs", (A, B)),
        Text(" "),
        Predicate("lie on", (A, B), (C,)),
        Text(" a "),
        Mention("rug", (C,)),
        Text(". What is "),
        Mention("", (A,)),
        Text("?"),
    )
    text = (
        f"<image>\nTwo <ref>dogs</ref><box>[{a}, {b}]</box> <pred>lie on</pred><box>[{a}, {b}]</box><box>[{c}]</box>"
        f" a <ref>rug</ref><box>[{c}]</box>. What is <box>[{a}]</box>?"
    )
    assert dialect("asmv2").write(spans, SQUARE) == text
    assert dialect("asmv2").read(text, SQUARE) == (spans, [])


def test_written_form_of_the_others() -> None:
    spans = (Mention("dogs", (A, B)), Text(" by "), Mention("", (C,), 1))
    images = (ImageRef("a.jpg", 1000, 1000), ImageRef("b.jpg", 1000, 1000))
    assert dialect("internvl").write(spans, images) == (
        "<ref>dogs</ref><box>[[1, 2, 30, 40], [50, 60, 700, 800]]</box> by <box>Image 2: [[0, 0, 999, 999]]</box>"
    )
    assert dialect("plain").write(spans, images) == (
        "<ref>dogs</ref>[[1, 2, 30, 40], [50, 60, 700, 800]] by [Image 2: 0, 0, 999, 999]"
    )
    assert dialect("llava").write(spans, images) == (
        "<ref>dogs</ref>[[0.0, 0.0, 0.03, 0.04], [0.05, 0.06, 0.7, 0.8]] by [Image 2: 0.0, 0.0, 1.0, 1.0]"
    )
    assert dialect("llava", digits=3).write(spans[2:], images) == "[Image 2: 0.0, 0.0, 0.999, 0.999]"
    assert dialect("plain:words").write((ImageSlot(), *spans), images) == "<image>dogs by "


@pytest.mark.parametrize(
    ("reply", "spans", "problems"),
    [
        # tags
        (f"<ref>dog</pred><box>[{a}]</box>", [Mention("dog", (A,))], ["misclosed-tag"]),
        (f"<pred>on</ref><box>[{a}]</box><box>[{b}]</box>", [Predicate("on", (A,), (B,))], ["misclosed-tag"]),
        (f"<ref>dog<box>[{a}]</box>", [Mention("dog", (A,))], ["unclosed-tag"]),
        (f"<ref>big <ref>dog</ref><box>[{a}]</box>", [Text("big "), Mention("dog", (A,))], ["nested-tag"]),
        (f"</ref>a</box> <ref>dog</ref></ref><box>[{a}]</box>", [Text("a "), Mention("dog", (A,))], ["stray-tag"] * 3),
        (f"<ref>dog</ref> \n<box>[{a}]</box> x", [Mention("dog", (A,)), Text(" x")], []),
        (f"<ref>dogs</ref><box>[{a}]</box><box>[{b}]</box>", [Mention("dogs", (A, B))], []),
        (f"<pred>on</pred><box>[{a}]</box><box>[{b}]</box><box>[{c}]</box>",
         [Predicate("on", (A,), (B,)), Mention("", (C,))], []),
        (f"<ref>dog</ref><box>{a}</box>", [Mention("dog", (A,))], []),
        ("<ref>dog</ref><box>1, 2, 30, 40</box>", [Mention("dog", (A,))], []),
        ("<ref>dog</ref><box>(1,2),(30,40)</box>", [Mention("dog", (A,))], []),
        ("<ref></ref> it", [Text(" it")], ["missing-boxes"]),
        # cut short
        ("a <ref>do", [Text("a do")], ["unclosed-tag"]),
        ("a <ref>dog</ref>", [Text("a dog")], ["missing-boxes"]),
        (f"<ref>dogs</ref><box>[{a}, {b}, [5, 6", [Mention("dogs", (A, B))], ["unclosed-tag"]),
        ("<ref>dogs</ref><box>[[1, 2", [Text("dogs")], ["unclosed-tag", "bad-box"]),
        (f"<pred>on</pred><box>[{a}]</box>", [Text("on")], ["missing-boxes"]),
        (f"<pred>on</pred><box>[{a}]</box><bo", [Text("on<bo")], ["missing-boxes"]),
        # boxes
        ("<ref>dog</ref><box>[]</box>!", [Text("dog!")], ["empty-boxes"]),
        ("<ref>dog</ref><box>[[1, 2, 30]]</box>", [Text("dog")], ["bad-box"]),
        ("<ref>dog</ref><box>[[1, 2, 30, 40, 50]]</box>", [Text("dog")], ["bad-box"]),
        (f"<ref>dogs</ref><box>[[1, 2, x, 40], {b}]</box>", [Mention("dogs", (B,))], ["bad-box"]),
        ("<ref>dog</ref><box>[[30, 40, 1, 2]]</box>", [Mention("dog", (A,))], ["swapped-corners"]),
        ("<ref>dog</ref><box>[[1, 2, 1, 40]]</box>", [Text("dog")], ["flat-box"]),
        ("<ref>dog</ref><box>[[0, -7, 5000, 999]]</box>", [Mention("dog", (C,))], ["out-of-range"]),
        ("<ref>dog</ref><box>[[9e400, nan, 3, 4]]</box>", [Text("dog")], ["bad-box"]),
        (f"<ref>dog</ref><box>Image 9: [{a}]</box>", [Text("dog")], ["unknown-image"]),
        # pairs
        (f"<pred>on</pred><box>[{a}, {b}]</box><box>[{c}]</box>", [Predicate("on", (A, B), (C,))], []),
        (f"<pred>on</pred><box>[{a}]</box><box>[{b}, {c}]</box>", [Predicate("on", (A,), (B, C))], []),
        (f"<pred>on</pred><box>[{a}, {b}]</box><box>[{c}, {c}, {a}]</box>",
         [Predicate("on", (A, B), (C, C))], ["count-mismatch"]),
        (f"<pred>on</pred><box>[{a}, [1, 2], {b}]</box><box>[{a}, {b}, {c}]</box>",
         [Predicate("on", (A, B), (A, C))], ["bad-box"]),
        (f"<pred>on</pred><box>[]</box><box>[{c}]</box>", [Text("on")], ["empty-boxes"]),
        (f"<pred>on</pred><box>[{a}]</box><box>Image 2: [{b}]</box>", [Text("on")], ["mixed-images"]),
        (f"<ref>dogs</ref><box>[{a}]</box><box>Image 2: [{b}]</box>",
         [Mention("dogs", (A,)), Mention("", (B,), 1)], []),
        # images
        ("<image> and <image>", [ImageSlot(0), Text(" and "), ImageSlot(1)], []),
        ("<ref>a <image>b</ref>", [Text("a "), ImageSlot(0), Text("b")], ["nested-tag", "stray-tag"]),
    ],
)  # fmt: skip
def test_replies(reply: str, spans: list[Span], problems: list[str]) -> None:
    read, found = dialect("asmv2").read(reply, SQUARE)
    assert list(read) == spans
    assert sorted(problem.kind for problem in found) == sorted(problems)


def test_problems_say_where() -> None:
    reply = "a <ref>dog</ref><box>[[30, 40, 1, 2]]</box> " + "<ref>" + "long " * 50
    _, (swapped, unclosed) = dialect("asmv2").read(reply, SQUARE)
    assert reply[swapped.at :].startswith(swapped.text)
    assert unclosed.at == reply.rindex("<ref>")
    assert len(unclosed.text) == 60


def test_padding_is_undone() -> None:
    """640 x 480: 80 rows above and below, so y = value / 999 * 640 - 80."""
    (mention,), problems = dialect("asmv2").read(
        "<ref>dog</ref><box>[[0, 125, 999, 999]]</box>", (ImageRef("", 640, 480),)
    )
    assert isinstance(mention, Mention)
    assert mention.boxes[0].tuple() == pytest.approx((0, 125 / 999 * 640 - 80, 640, 480))
    assert [problem.kind for problem in problems] == ["out-of-range"], "the lowest rows are padding"


@pytest.mark.parametrize(
    ("reply", "spans", "problems"),
    [
        ("[0.1, 0.2, 0.3, 0.4]", [Mention("", (Box(10, 20, 30, 40),))], []),
        ("It is at [0.1,0.2,0.3,0.4].", [Text("It is at "), Mention("", (Box(10, 20, 30, 40),)), Text(".")], []),
        ("<ref>dog</ref> [0.3, 0.4, 0.1, 0.2]", [Mention("dog", (Box(10, 20, 30, 40),))], ["swapped-corners"]),
        ("as [3] and [1, 2] say", [Text("as [3] and [1, 2] say")], []),
        ("[0.1, 0.2, 0.3]", [], ["bad-box"]),
        ("at [0.1, 0.2, 0.3, 0.4", [Text("at "), Mention("", (Box(10, 20, 30, 40),))], ["unclosed-tag"]),
        ("[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]", [Mention("", (Box(10, 20, 30, 40), Box(0, 0, 100, 100)))], []),
        ("[12, 20, 300, 40]", [], ["flat-box", "out-of-range"]),
    ],
)
def test_llava_replies(reply: str, spans: list[Span], problems: list[str]) -> None:
    read, found = dialect("llava").read(reply, (ImageRef("a.jpg", 100, 100),))
    assert list(read) == spans
    assert sorted(problem.kind for problem in found) == problems


def published(shared_data: Path) -> list[tuple[str, ImageRef]]:
    """ASMv2's three example conversations. The photos' sizes do not matter in the frame of the original image."""
    files = sorted((shared_data / "asmv2").glob("*/*_conv.txt"))
    return [(file.read_text(), ImageRef(str(file), 480, 640)) for file in files]


def test_published_conversations(shared_data: Path) -> None:
    """One has `<ref>remotes</pred>` and `<box>[]</box>`; both are reported and the rest is kept."""
    made, kinds = dialect("asmv2:original"), []
    for text, image in published(shared_data):
        spans, problems = made.read(text, [image])
        kinds.append([problem.kind for problem in problems])
        assert sum(isinstance(span, Predicate) for span in spans) == text.count("<pred>")
        assert sum(isinstance(span, Mention) for span in spans) == text.count("<ref>")
        if not problems:
            assert made.write(spans, [image]) == text, "to the byte"
    assert sorted(kinds) == [[], [], ["misclosed-tag", "empty-boxes"]]
