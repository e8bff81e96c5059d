"""Examples and preferences for tests of formats, and the pictures that they speak of."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from relata.chat import Example, ImageRef, Message, Preference
from relata.grounded import ImageSlot, Mention, Predicate, Span, Text
from relata.scene import Box

DOG, RUG, KITE = Box(10, 30, 400, 80), Box(0, 50, 640, 480), Box(5, 5, 150.5, 290.25)
FIRST, SECOND = ImageRef("a.png", 640, 480), ImageRef("sub/b.jpg", 310, 300)
#: What the pictures are filled with.
COLORS = {"a.png": (200, 30, 30), "sub/b.jpg": (30, 30, 200)}


def answer(words: str = "on") -> tuple[Span, ...]:
    return (Text("A "), Mention("dog", (DOG,)), Text(" "), Predicate(words, (DOG,), (RUG,)), Text(" it."))


def example(id: str = "e1", slots: bool = True) -> Example:
    """One image, two turns."""
    front: tuple[Span, ...] = (ImageSlot(), Text("\n")) if slots else ()
    messages = (
        Message("user", (*front, Text("Describe."))),
        Message("assistant", answer()),
        Message("user", (Text("What is at "), Mention("", (RUG,)), Text("?"))),
        Message("assistant", (Text("A rug."),)),
    )
    return Example(id, (FIRST,), messages, recipe="rec/detailed", provenance={"dataset": "made up"})


def pair(id: str = "p1") -> Example:
    """Two images, boxes in both, no word on where the images stand."""
    said = (Mention("kite", (KITE, Box(1, 2, 3, 4)), 1), Text(" and "), Mention("dog", (DOG,), 0), Text("."))
    messages = (Message("user", (Text("Compare."),)), Message("assistant", said))
    return Example(id, (FIRST, SECOND), messages, recipe="comparison/summary")


def preference(id: str = "d1") -> Preference:
    question = (Message("user", (ImageSlot(), Text("\nWhere is it?"))),)
    return Preference(id, (FIRST,), question, answer("on"), answer("under"), recipe="negatives/swapped")


def draw(folder: Path) -> Path:
    """The pictures."""
    for ref in (FIRST, SECOND):
        path = folder / ref.path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (ref.width, ref.height), COLORS[ref.path]).save(path)
    return folder


#: Pieces of every family's and every trainer's markup.
DIRT = [
    "<image>", "<ref-object>", "<bbox>", "</pred>", "<pred>", "<box>[[1, 2, 3, 4]]</box>", "<ref>",
    "[0.1, 0.2, 0.3, 0.4]", "<|box_start|>", "<|im_end|>", "<video>", "\n", '"', "\\", "<", "[/INST]",
    "<img0></img0>", "\u2028", "é",
]  # fmt: skip


@st.composite
def boxes(draw: st.DrawFn, image: int, count: int | None = None) -> tuple[Box, ...]:
    size = (FIRST, SECOND)[image]
    found = []
    for _ in range(count or draw(st.integers(1, 3))):
        x1, y1 = draw(st.integers(0, 4 * size.width - 1)), draw(st.integers(0, 4 * size.height - 1))
        x2, y2 = draw(st.integers(x1 + 1, 4 * size.width)), draw(st.integers(y1 + 1, 4 * size.height))
        found.append(Box(x1 / 4, y1 / 4, x2 / 4, y2 / 4))
    return tuple(found)


@st.composite
def spans(draw: st.DrawFn, words: st.SearchStrategy[str]) -> tuple[Span, ...]:
    """Grounded text in which no two texts, and no two equal predicates, follow each other."""
    found: list[Span] = []
    for kind in draw(st.lists(st.sampled_from("tmp"), max_size=6)):
        image = draw(st.integers(0, 1))
        if kind == "t":
            if found and isinstance(found[-1], Text):
                continue
            found.append(Text(draw(words)))
        elif kind == "m":
            found.append(Mention(draw(words), draw(boxes(image)), image))
        else:
            many = draw(st.integers(1, 3))
            sides = [draw(boxes(image, count)) for count in draw(st.sampled_from([(many, many), (1, many), (many, 1)]))]
            phrase = f"{draw(words)}{len(found)}"
            found.append(Predicate(phrase, sides[0], sides[1], image))
    return tuple(found)


@st.composite
def talks(draw: st.DrawFn, words: st.SearchStrategy[str]) -> Example:
    """Conversations of one to three rounds about two images, shown in either order, in any turns of the user."""
    messages = [
        Message(role, draw(spans(words)) or (Text("x"),))
        for _ in range(draw(st.integers(1, 3)))
        for role in ("user", "assistant")
    ]
    for image in draw(st.permutations((0, 1))):
        turn = 2 * draw(st.integers(0, len(messages) // 2 - 1))
        messages[turn] = messages[turn].replace(spans=(ImageSlot(image), *messages[turn].spans))
    return Example(draw(words), (FIRST, SECOND), tuple(messages), recipe="made/up")


clean = st.text("abcde ,.'-", min_size=1, max_size=10).map(lambda text: "x" + text.strip())
dirty = st.lists(st.one_of(st.sampled_from(DIRT), clean), min_size=1, max_size=4).map("".join)
