"""`comparison`: what the rules write is true and read back whole, and summaries of any layout are read or refused."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import relata
from relata.chat import Example
from relata.dialects import dialect
from relata.english.pairs import questions
from relata.english.summary import AXES, summary
from relata.filters import Rejection
from relata.grounded import ImageSlot, plain
from relata.recipes import comparison
from relata.recipes._here import Here
from relata.recipes._summary import Summary, read
from relata.scene import Box, Group, Region, Relation, Scene

pytest.importorskip("lemminflect", reason="the built-in tagger needs the extra `text`")


def region(id: int, label: str, x: float, *attributes: str) -> Region:
    return Region(id, label, Box(x, 10, x + 80, 200), attributes=attributes)


#: Two photos, by hand: a brown dog left that a person holds, and a white dog right that a person looks at.
HELD = Scene(
    "held", "held.jpg", 600, 300,
    (region(1, "dog", 0, "brown"), region(2, "grass", 100), region(3, "person", 200), region(4, "person", 300)),
    (Relation(3, "holding", 1), Relation(1, "on", 2)), ("Two people with a dog.",),
)  # fmt: skip
SEEN = Scene(
    "seen", "seen.jpg", 600, 300,
    (region(1, "dog", 500, "white"), region(2, "grass", 100), region(3, "person", 200), region(5, "car", 300)),
    (Relation(3, "looking at", 1), Relation(1, "on", 2)), ("A person looks at a dog.", "a white dog"),
)  # fmt: skip
TOLD = Scene("told", "told.jpg", 640, 480, captions=("Three dogs are lying on a red rug. A man is holding a cup.",))
PAIR = Group("held+seen", (HELD, SEEN), captions=("The dog is white in the second one.",))
THREE = Group("three", (HELD, SEEN, TOLD))


def here(seed: int = 0) -> Here:
    return Here(random.Random(seed), Path(), Path())


def item(group: Group, seed: int = 0, **options: object) -> comparison.Item:
    (found,) = comparison.items(group, here(seed), **options)  # type: ignore[arg-type]
    assert isinstance(found, comparison.Item), found
    return found


def made(group: Group, seed: int = 0, **options: object) -> Example:
    asked = item(group, seed, **options)
    found = comparison.read(comparison.offline(asked, random.Random(seed)), asked)
    assert isinstance(found, Example), found
    return found


def test_a_summary_worked_by_hand() -> None:
    said = summary((HELD, SEEN), random.Random(1)).split("\n")
    assert len(said) == 11
    assert re.fullmatch(r"1\. Object types: Both images (show|contain) a dog, grass and a person\.", said[1])
    assert said[2].startswith("2. Locations: The grass is ")
    assert said[3] == "3. Relative positions: In both images, a dog is on grass."
    assert said[4:6] == ["", "Differences:"]
    assert re.fullmatch(r"1\. Object types: (Only Image 2 shows a car\.|Image 2 has a car, which .*)", said[6])
    assert said[7] == "2. Attributes: The dog is brown in Image 1, but white in Image 2."
    assert said[8] == "3. Counts: There are two people in Image 1, but one person in Image 2."
    assert said[9].startswith("4. Actions: In Image 1, a person is holding a dog. ")
    assert re.search(r"n Image 2,? a person is looking at a dog\.$", said[9])
    assert re.fullmatch(r"5\. Locations: The dog is .* left in Image 1, but .* right in Image 2\.", said[10])


def test_a_summary_of_captions() -> None:
    said = summary((TOLD, TOLD.replace(id="b", captions=("A dog is lying on a blue rug.",))), random.Random(0))
    assert "Both images" in said
    assert "a dog and a rug" in said
    assert "There are three dogs in Image 1, but one dog in Image 2." in said
    assert "The rug is red in Image 1, but blue in Image 2." in said
    assert "dogs are lying on a red rug" in said
    assert "a man is holding a cup" in said


def test_nothing_is_contrasted_with_nothing() -> None:
    still = HELD.replace(relations=())
    for seed in range(20):
        assert "By contrast" not in summary((still, SEEN), random.Random(seed))


def plainly(label: str, *attributes: str, captions: tuple[str, ...] = (), **more: str) -> Scene:
    return Scene(label, "x.jpg", 600, 300, (region(1, label, 0, *attributes).replace(**more),), captions=captions)


@pytest.mark.parametrize(
    ("one", "other", "told", "untold"),
    [  # what captions name is not absent; nor is somebody who has another name
        (plainly("building"), plainly("dog", captions=("Tall buildings.",)), "a building.", "Only Image 1"),
        (plainly("man"), plainly("person"), "(show|contain) a person\\.", "Only Image"),
        (plainly("man"), plainly("woman"), "nothing of note in common", "Both images"),
        (plainly("striped red cross"), plainly("cross", "blue"), "The cross is red in Image 1, but blue", "Only"),
        (plainly("cross", "red", "cross"), plainly("red cross"), "The cross is red in both images.", "cross and red"),
        (plainly("cars", captions=("A car.",)), plainly("car"), "(show|contain) a car\\.", "cars"),
        (plainly("man"), plainly("person", captions=("A man.",)), "(show|contain) a man\\.", "person"),
        (plainly("dog", "gray"), plainly("dog", "grey"), "a dog.", "but"),
        (plainly("dog", "brown"), plainly("dog", "furry"), "a dog.", "but"),
        (
            Scene("two", "x.jpg", 600, 300, (region(1, "dog", 0), region(2, "dog", 200))),
            plainly("dog", description="a group: dog"),
            "(show|contain) dogs\\.",
            "two dogs",
        ),
    ],
)
def test_nothing_is_said_that_may_not_be_so(one: Scene, other: Scene, told: str, untold: str) -> None:
    for pair in ((one, other), (other, one)):
        said = summary(pair, random.Random(0))
        if pair[0] is one:
            assert re.search(told, said), said
        assert untold not in said


def test_many_of_a_kind_are_named_in_the_plural() -> None:
    herd = Scene("herd", "x.jpg", 600, 300, (region(1, "cow", 0), region(2, "cow", 200), region(3, "dog", 400)))
    alone = summary((herd, plainly("cat")), random.Random(0))
    assert re.search(r"(shows|has) cows and a dog\b", alone), alone
    asked = {turn.answer for seed in range(20) for turn in questions((herd, plainly("cat")), 5, random.Random(seed))}
    assert "No, only Image 1 shows cows." in asked
    assert "No, only Image 1 shows a cow." not in asked
    some = summary((herd, herd, plainly("cat")), random.Random(0))
    assert "Image 1 and Image 2 have cows and a dog in common." in some


def test_of_several_of_a_kind_it_is_said_which() -> None:
    arrows = (region(1, "blue arrow", 0), region(2, "red arrow", 5), region(3, "old dog", 200))
    scene = Scene("s", "x.jpg", 600, 300, arrows, (Relation(1, "in", 2), Relation(3, "on", 2)))
    said = summary((scene, SEEN), random.Random(0))
    assert "a blue arrow is in a red arrow" in said
    assert "on a red arrow" in said


def test_axes_can_be_left_out() -> None:
    said = summary((HELD, SEEN), random.Random(0), ("counts",))
    assert [axis for axis in AXES if axis.capitalize() in said] == ["counts"]
    assert "Aspects: counts." in comparison.prompt(item(PAIR, axes=("counts",))).user
    assert "have nothing of note in common" in said


@pytest.mark.parametrize("group", [PAIR, THREE], ids=["pair", "three"])
@pytest.mark.parametrize("seed", range(8))
def test_a_conversation(group: Group, seed: int) -> None:
    found = made(group, seed)
    count = len(group.scenes)
    first, answer, which, chosen = found.messages
    assert [span.image for span in first.spans if isinstance(span, ImageSlot)] == list(range(count))
    assert plain(first.spans).startswith("Image 1: \nImage 2: \n")
    assert plain(answer.spans).startswith("Commonalities:\n")
    number = int(plain(chosen.spans).removeprefix("Image "))
    own = group.scenes[number - 1].captions
    assert any(caption in plain(which.spans) for caption in own)
    assert not any(
        c in plain(which.spans) for s in group.scenes for c in s.captions if s is not group.scenes[number - 1]
    )
    assert f"Image {count}" in plain(which.spans)
    assert not any(caption in plain(answer.spans) for caption in own)  # captions are never shown in the first turn
    assert [ref.path for ref in found.images] == [scene.image for scene in group.scenes]


def test_in_llava_markup_both_images_stand_in_the_first_turn() -> None:
    found = made(PAIR)
    assert (
        dialect("llava").write(found.messages[0].spans, found.images).startswith("Image 1: <image>\nImage 2: <image>\n")
    )


def test_wording_and_images_vary() -> None:
    found = [made(PAIR, seed) for seed in range(60)]
    assert len({plain(one.messages[0].spans) for one in found}) == 8
    assert {plain(one.messages[3].spans) for one in found} == {"Image 1", "Image 2"}
    assert len({plain(one.messages[2].spans).replace(c, "") for one in found for c in HELD.captions}) > 3


def test_what_a_teacher_is_given() -> None:
    captions, refine, scratch, given_ = (item(PAIR, mode=mode) for mode in ("captions", "refine", "scratch", "given"))
    assert captions.images == ()
    assert (refine.images, scratch.images, given_.images) == (None, None, None)  # those of the group
    asked = {one.mode: comparison.prompt(one) for one in (captions, refine, scratch, given_)}
    assert len({prompt.system for prompt in asked.values()}) == 4
    assert not any(prompt.turns for prompt in asked.values())  # on purpose, as in the paper
    for mode, prompt in asked.items():
        assert ("Two people with a dog." in prompt.user) == (mode in ("captions", "given"))
        assert ("The dog is white in the second one." in prompt.user) == (mode == "refine")


def test_rules_use_the_notes_that_are_to_be_refined() -> None:
    text = plain(made(PAIR, mode="refine").messages[1].spans)
    assert text.endswith(". The dog is white in the second one.")
    assert "white in Image 2" in text  # what is annotated comes before
    same = Group("same", (HELD, HELD), captions=("the leash is gone",))
    assert plain(made(same, mode="refine").messages[1].spans).endswith("\n\nDifferences:\nThe leash is gone.")


@pytest.mark.parametrize("mode", ["scratch", "refine"])
def test_rules_say_nothing_of_what_they_know_nothing_of(mode: str) -> None:
    bare = Group("bare", (HELD, SEEN.replace(regions=(), relations=(), captions=())), captions=("a dog is gone",))
    asked = item(bare, mode=mode)
    found = comparison.read(comparison.offline(asked, random.Random(0)), asked)
    assert isinstance(found, Rejection)
    assert found.reason == "empty-reply"


@pytest.mark.parametrize(("mode", "reason"), [("scratch", "host-not-allowed"), ("captions", "no-reply")])
def test_images_are_read_as_those_of_all_recipes(mode: str, reason: str, tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    away = Group("away", tuple(scene.replace(image="http://example.com/a.jpg") for scene in (HELD, SEEN)))
    teacher = tmp_path / "teacher.json"
    teacher.write_text('{"model": "m", "url": "http://127.0.0.1:9/v1", "attempts": 1}')  # nobody answers there
    report = relata.build(
        "comparison", [away], f"endpoint:{teacher}", out=tmp_path / "out", hosts=("example.org",), mode=mode
    )
    assert report.reasons == {reason: 1}


@pytest.mark.parametrize(
    ("mode", "group", "reason"),
    [
        ("captions", Group("g", (HELD, SEEN.replace(captions=(" ",)))), "no-captions"),
        ("given", Group("g", (HELD.replace(captions=()), SEEN)), "no-captions"),
        ("refine", Group("g", (HELD, SEEN)), "no-differences"),
    ],
)
def test_what_is_missing(mode: str, group: Group, reason: str) -> None:
    (found,) = comparison.items(group, here(), mode=mode)  # type: ignore[arg-type]
    assert isinstance(found, Rejection)
    assert (found.reason, found.id) == (reason, "g")


@pytest.mark.parametrize(
    ("captions", "told"),
    [
        (("a dog", "a dog"), {}),
        (("The image shows a dog.", "You can see a white dog here."), {"Image 2"}),  # the first fits both
        (("dogs and the grass", "grass with one dog"), {}),
        (("a dog on a lawn", "a dog and a person"), {"Image 1"}),  # a person is annotated in both
        (("a dog on a lawn", "a dog and a car"), {"Image 1", "Image 2"}),
    ],
)
def test_the_second_turn_takes_only_captions_that_tell_the_images_apart(
    captions: tuple[str, str], told: set[str]
) -> None:
    first, second = (scene.replace(captions=(text,)) for scene, text in zip((HELD, SEEN), captions))
    found = [made(Group("g", (first, second)), seed) for seed in range(12)]
    assert {plain(one.messages[3].spans) for one in found if len(one.messages) == 4} == set(told)
    assert len({len(one.messages) for one in found}) == 1


def test_the_second_turn_can_be_left_out() -> None:
    assert len(made(PAIR, retrieval=False).messages) == 2


PARTS = ("Both images have a dog.", "Image 1 has a car. Image 2 has none.")
LAYOUTS = [
    "Commonalities:\n{0}\nDifferences:\n{1}",
    "Commonalities: {0}\n\nDifferences: {1}",
    "**Commonalities:**\n\n1. **Object types**: {0}\n\n**Differences:**\n\n1. **Object types:** {1}",
    "## Commonalities\n- Object types: {0}\n## Differences\n- Object types: {1}",
    "1. Commonalities:\n(a) {0}\n2. Differences:\n(a) {1}",
    "Sure! Here is the summary.\n\nSimilarities between the images:\n* {0}\n\nKey differences:\n* {1}",
    "Part 1: Commonalities\n{0}\nPart 2: Differences\n{1}",
    "### 1. Commonalities between Image 1 and Image 2\n**Types of objects** - {0}\n### 2. Differences\n{1}",
    "DIFFERENCES:\nObject types\n{1}\nCOMMONALITIES:\nObject types\n{0}",
    "The commonalities:\n> {0}\nThe differences:\n> {1}",
]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    found = read(layout.format(*PARTS), 2)
    assert isinstance(found, Summary), found
    assert ([point.text for point in found.common], [point.text for point in found.different]) == (
        [PARTS[0]],
        [PARTS[1]],
    )
    axis = "object types" if re.search("object", layout, re.I) else ""
    assert found.common[0].axis == axis
    assert read(str(found), 2) == found


def test_titles_of_axes() -> None:
    titles = ("Object Types", "Colors", "Number of objects", "Activities", "Setting", "Relative Positioning", "Mood")
    lines = "\n".join(f"{n}. {title}: text {n}" for n, title in enumerate(titles, 1))
    found = read(f"Commonalities:\n{lines}\nDifferences:\n{lines}\n   and more", 2)
    assert isinstance(found, Summary)
    assert [point.axis for point in found.common] == [*AXES, ""]
    assert found.common[-1].text == "Mood: text 7"
    assert found.different[-1].text == "Mood: text 7 and more"


def test_an_item_that_begins_like_a_heading() -> None:
    found = read("Commonalities: a\nDifferences:\n1. Differences in color: red, blue\n2. Counts: one, two", 2)
    assert isinstance(found, Summary), found
    assert [point.text for point in found.different] == ["Differences in color: red, blue", "one, two"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty-reply"),
        ("I cannot compare images.", "no-commonalities"),
        ("Commonalities: a dog", "no-differences"),
        ("Commonalities:\nDifferences: a", "no-commonalities"),
        ("Commonalities: None.\nDifferences: a", "no-commonalities"),
        ("Commonalities: a\nDifferences:\n1. Counts: N/A", "no-differences"),
        ("Commonalities: a\nDifferences: b\nCommonalities: c", "repeated-part"),
        ("Commonalities: a\nDifferences: Image 3 is red.", "unknown-image"),
        ("Commonalities: Both captions mention a dog.\nDifferences: b", "speaks-of-captions"),
        ("Commonalities: a\nDifferences: In caption 2 there is a dog.", "speaks-of-captions"),
    ],
)
def test_refused(reply: str, reason: str) -> None:
    found = comparison.read(reply, item(PAIR))
    assert isinstance(found, Rejection)
    assert found.reason == reason


_PIECES = st.sampled_from(
    [
        "Commonalities",
        "Differences",
        ":",
        "\n",
        "1. ",
        "- ",
        "**",
        "Object types",
        "Counts: ",
        " a dog ",
        "Image 2",
        "#",
        "(",
        "\0",
        "None",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join) | st.text())
def test_any_reply_is_read_or_refused(reply: str) -> None:
    found = read(reply, 2)
    if isinstance(found, Summary):
        assert found.common
        assert found.different
        again = read(str(found), 2)
        assert isinstance(again, (Summary, Rejection))
    else:
        assert found.reason


def test_hostile_text_is_read_in_no_time() -> None:
    start = time.process_time()
    for piece in ("*", "# ", "_", " ", ">", "(", "Commonalities ", "1. ", "the ", "Counts - ", "colors and ", "Image "):
        for opening in ("", "Commonalities:\n", "Commonalities of ", "Commonalities: a\nDifferences:\n1. "):
            assert isinstance(read(opening + piece * 20_000, 2), (Summary, Rejection))
    assert time.process_time() - start < 5  # 48 texts of 20 to 220 kB; a pattern that backtracks takes minutes


def test_a_run_with_the_rules(tmp_path: Path) -> None:
    report = relata.build("comparison", [PAIR, THREE], out=tmp_path / "run", mode="given")
    assert (report.read, report.kept) == (2, 2)
    again = relata.build(
        "comparison", [HELD, SEEN, TOLD], out=tmp_path / "formed", levels=["0+"], pairs=2, most=2, seed=1
    )
    assert again.kept == 2
