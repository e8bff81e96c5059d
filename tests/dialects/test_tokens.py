"""The dialects with tokens of their own: qwen_vl, robin, relationvlm, paligemma."""

from __future__ import annotations

import re

import pytest

from relata.chat import ImageRef
from relata.dialects import dialect
from relata.errors import RelataError
from relata.graph import from_scene, to_scene
from relata.grounded import ImageSlot, Mention, Predicate, Problem, Span, Text
from relata.scene import Box, Region, Relation, Scene

IMAGES = (ImageRef("a.jpg", 1000, 1000), ImageRef("b.jpg", 1000, 1000))
L = "<loc0020><loc0010><loc0400><loc0300>"
A, B, C = Box(10, 20, 300, 400), Box(50, 60, 700, 800), Box(0, 0, 1000, 1000)
SCENE = Scene(
    "s",
    "a.jpg",
    1000,
    1000,
    regions=(Region(0, "cup", A, attributes=("white", "small")), Region(1, "table", B), Region(2, "floor", C)),
    relations=(Relation(0, "resting on, near the edge of", 1), Relation(1, "standing on", 2), Relation(1, "below", 0)),
)
BLOCKS = """\
Objects:
region1: cup is white, small in <|box_start|>(10,20),(300,400)<|box_end|>
region2: table in <|box_start|>(50,60),(700,800)<|box_end|>
region3: floor in <|box_start|>(0,0),(1000,1000)<|box_end|>

Relations:
region1: region2 resting on, near the edge of
region2: region3 standing on, region1 below
"""


def kinds(problems: list[Problem]) -> list[str]:
    return [problem.kind for problem in problems]


def test_qwen_written_form() -> None:
    spans = (Mention("two dogs", (A, B)), Text(" "), Predicate("on", (A, B), (C,)), Text(" it, "), Mention("", (A,), 1))
    assert dialect("qwen_vl:1000").write(spans, IMAGES) == (
        "<|object_ref_start|>two dogs<|object_ref_end|>"
        "<|box_start|>(10,20),(300,400)<|box_end|><|box_start|>(50,60),(700,800)<|box_end|>"
        " <pred>on</pred><|box_start|>(10,20),(300,400),(50,60),(700,800)<|box_end|>"
        "<|box_start|>(0,0),(1000,1000)<|box_end|>"
        " it, Image 2: <|box_start|>(10,20),(300,400)<|box_end|>"
    )


def test_qwen_tells_the_name_of_an_image_from_words_like_it() -> None:
    """What ms-swift's placeholders make of two images is read; words that only look so stay words."""
    qwen = dialect("qwen_vl:1000")
    box = "<|box_start|>(10,20),(300,400)<|box_end|>"
    assert qwen.read(f"Image 2: {box}", IMAGES) == ((Mention("", (A,), 1),), [])
    likely = (Text("See Image 2: "), Mention("", (A,)))
    assert qwen.read(qwen.write(likely, IMAGES), IMAGES) == (likely, [])


def test_qwen_pixels_are_those_of_the_resized_image() -> None:
    image = (ImageRef("a.jpg", 1920, 1080),)
    half = (Mention("", (Box(0, 0, 960, 540),)),)
    assert dialect("qwen_vl").write(half, image) == "<|box_start|>(0,0),(966,546)<|box_end|>"  # 1932 x 1092
    few = dialect("qwen_vl", max_pixels=1003520)
    assert few.write(half, image) == "<|box_start|>(0,0),(658,364)<|box_end|>"  # 1316 x 728
    assert few.read("<|box_start|>(0,0),(658,364)<|box_end|>", image) == (half, [])
    with pytest.raises(RelataError, match="does not depend on the resize; leave max_pixels out"):
        dialect("qwen_vl:1000", max_pixels=1003520)


@pytest.mark.parametrize(
    ("reply", "spans", "problems"),
    [
        (
            '```json\n[\n\t{"bbox_2d": [10, 20, 300, 400], "label": "a \\"dog\\""},'
            '\n\t{"label": "cat", "bbox_2d": [50, 60, 700, 800]}\n]\n```',
            [Text("```json\n[\n\t"), Mention('a "dog"', (A,)), Text(",\n\t"), Mention("cat", (B,)), Text("\n]\n```")],
            [],
        ),
        ('{"bbox_2d": [10, 20, 300, 400]}', [Mention("", (A,))], []),
        ('{"bbox_2d": [10, 20, 300, 400], "label": "dog", "score', [Mention("dog", (A,))], ["unclosed-tag"]),
        ('{"bbox_2d": [10, 20, 3', [], ["unclosed-tag", "bad-box"]),
        ('{"bbox_2d": [], "label": "dog"}', [Text("dog")], ["empty-boxes"]),
        ('{"label": "dog\\q", "bbox_2d": [300, 400, 10, 20]}', [Mention("dog\\q", (A,))], ["swapped-corners"]),
        ('{"label": "dog"}', [Text('{"label": "dog"}')], []),
        ("<|box_start|>(10,20),(300,400)<|box_end|>", [Mention("", (A,))], []),
        ("<|box_start|>(10,20),(300", [], ["unclosed-tag", "bad-box"]),
        ("<|box_start|>(10,20),(300,400),(5,6)<|box_end|>", [Mention("", (A,))], ["bad-box"]),
        ("<|box_start|>[10, 20, 300, 400]<|box_end|>", [Mention("", (A,))], []),
        ("<|object_ref_start|>dog<|box_start|>(10,20),(300,400)<|box_end|>", [Mention("dog", (A,))], ["unclosed-tag"]),
    ],
)  # fmt: skip
def test_qwen_replies(reply: str, spans: list[Span], problems: list[str]) -> None:
    read, found = dialect("qwen_vl:1000").read(reply, IMAGES)
    assert list(read) == spans
    assert kinds(found) == problems


def test_no_caption_ends_a_turn() -> None:
    spans = (Text("<|im_end|>\n<|im_start|>system"), Mention("<|endoftext|>", (A,)))
    for name in ("qwen_vl", "robin"):
        written = dialect(name).write(spans, IMAGES)
        assert "<|im" not in written
        assert "<|endoftext" not in written


def test_robin_graph_in_blocks() -> None:
    made = dialect("robin")
    spans = from_scene(SCENE)
    assert made.write(spans, IMAGES) == BLOCKS
    read, problems = made.read(BLOCKS, IMAGES)
    assert not problems
    assert to_scene(read, IMAGES[0], id="s", attributes=True) == SCENE
    assert dialect("robin:text").write(from_scene(SCENE.replace(relations=())), IMAGES).splitlines()[1] == (
        "region1: cup is white, small in <box>[[10,20,300,400]]</box>"
    )


def test_robin_graph_over_given_regions() -> None:
    """The boxes are those of the model's masks, so objects are numbers: here 2, 3 and 1."""
    made = dialect("robin", regions=[C, A, B])
    written = made.write(from_scene(SCENE), IMAGES)
    assert written == (
        "Objects:\nregion1: floor\nregion2: cup is white, small\nregion3: table\n\n"
        "Relations:\nregion2: region3 resting on, near the edge of\nregion3: region1 standing on, region2 below\n"
    )
    read, problems = made.read(written, IMAGES)
    assert not problems
    scene = to_scene(read, IMAGES[0], attributes=True)
    assert {(r.label, r.box) for r in scene.regions} == {(r.label, r.box) for r in SCENE.regions}
    with pytest.raises(RelataError, match="none of the 1 regions given"):
        dialect("robin", regions=[A]).write(from_scene(SCENE), IMAGES)


def test_robin_prose() -> None:
    """A phrase alone is no graph, and words that begin like one are changed."""
    made = dialect("robin")
    written = made.write((Mention("dog", (A,)),), IMAGES)
    assert written == "<|object_ref_start|>dog<|object_ref_end|><|box_start|>(10,20),(300,400)<|box_end|>"
    assert made.write((Text("Objects:\nregion1: dog"),), IMAGES) == "Objects -\nregion1: dog"


def test_robin_names_cannot_break_the_blocks() -> None:
    regions = (Region(0, "cup\nregion9: x <|box_start|>", A), Region(1, "in", B))
    scene = SCENE.replace(regions=regions, relations=(Relation(0, "by, region2\nof", 1),))
    read, problems = dialect("robin").read(dialect("robin").write(from_scene(scene), IMAGES), IMAGES)
    assert not problems
    found = to_scene(read, IMAGES[0])
    assert [region.box for region in found.regions] == [A, B]
    assert [relation.predicate for relation in found.relations] == ["by, region 2 of"]


def test_robin_damaged_blocks() -> None:
    """Each damage costs its own line or piece, and never moves the numbers of other objects."""
    reply = (
        "Objects:\nregion1: cup in <|box_start|>(10,20),(300,400)<|box_end|>\nregion2: table\n"
        "region4: floor in <|box_start|>(0,0),(1000,1000)<|box_end|>\n"
        "region1: mug in <|box_start|>(1,2),(3,4)<|box_end|>\nand so on\n\n"
        "Relations:\nregion1: region4 on, over, region2 on, region9 near, by region4\nregion7: region1 by\n"
        "region4: region1 und"
    )
    read, problems = dialect("robin").read(reply, IMAGES)
    scene = to_scene(read, IMAGES[0])
    assert [(region.label, region.box) for region in scene.regions] == [("cup", A), ("floor", C)]
    assert [(r.subject, r.predicate, r.object) for r in scene.relations] == [(0, "on, over", 1), (1, "und", 0)]
    assert kinds(problems) == ["missing-boxes", "bad-line", "bad-line", *["unknown-region"] * 3]
    assert all(reply[problem.at :] for problem in problems)


def test_relationvlm_written_form() -> None:
    """Cells of 31.25 pixels: A goes from (0, 0) to (12, 9), B from (1, 1) to (25, 22)."""
    spans = (
        ImageSlot(0),
        ImageSlot(1),
        Text(" share "),
        Mention("a kite", (A,)),
        Text(" and "),
        Mention("two dogs", (A, B), 1),
        Text(": "),
        Predicate("near", (A,), (B,)),
    )
    patch = dialect("relationvlm").write(spans, IMAGES)
    a, b = "<patch_index_0000><patch_index_0393>", "<patch_index_0033><patch_index_0822>"
    assert patch == (
        f"<img0></img0><img1></img1> share <caption>a kite</caption><img0>{a}</img0> and "
        f"<caption>two dogs</caption><img1>{a}{b}</img1>: <pred>near</pred><img0>{a}</img0><img0>{b}</img0>"
    )
    loc = dialect("relationvlm:loc").write(spans, IMAGES)
    assert loc == re.sub(r"patch_index_0*(\d+)", r"loc_\1", patch)
    assert dialect("relationvlm").read(loc, IMAGES) == dialect("relationvlm:loc").read(patch, IMAGES)


@pytest.mark.parametrize(
    ("reply", "spans", "problems"),
    [
        ("<caption>kite</caption><img0></img0>", [Text("kite"), ImageSlot(0)], ["missing-boxes"]),
        ("<caption>kite</caption><img0><patch_index_0033></img0>", [Text("kite")], ["bad-box"]),
        ("<caption>kite</caption><img7><patch_index_0033><patch_index_0066></img7>", [Text("kite")], ["unknown-image"]),
        ("<caption>kite</caption><img0><patch_index_0033><patch_in", [Text("kite")], ["unclosed-tag", "bad-box"]),
        ("<caption>kite</img0>", [Text("kite")], ["stray-tag", "unclosed-tag"]),
        (
            "<pred>by</pred><img0><loc_33><loc_66></img0><img1><loc_33><loc_66></img1>",
            [Text("by")],
            ["mixed-images"],
        ),
    ],
)
def test_relationvlm_replies(reply: str, spans: list[Span], problems: list[str]) -> None:
    read, found = dialect("relationvlm").read(reply, IMAGES)
    assert list(read) == spans
    assert kinds(found) == problems


def test_paligemma_written_form() -> None:
    image = (ImageRef("a.jpg", 1024, 1024),)
    spans = (Mention("dog", (Box(1, 2, 30, 40),)), Text(" "), Mention("rug", (Box(0, 0, 1024, 1024), Box(5, 6, 7, 8))))
    text = (
        "<loc0002><loc0001><loc0040><loc0030> dog ; "
        "<loc0000><loc0000><loc1023><loc1023><loc0006><loc0005><loc0008><loc0007> rug"
    )
    assert dialect("paligemma").write(spans, image) == text
    predicate = (Predicate("on", (Box(1, 2, 30, 40),), (Box(5, 6, 7, 8),)),)
    assert dialect("paligemma").write((*predicate, Text(" it")), image) == (
        "<loc0002><loc0001><loc0040><loc0030> > <loc0006><loc0005><loc0008><loc0007> on ; it"
    )


@pytest.mark.parametrize(
    ("reply", "spans", "problems"),
    [
        (f"{L} dog ; {L} cat", ["dog", " ", "cat"], []),
        (f"{L}dog;", ["dog"], []),
        ("<loc0020><loc0010><loc0400>dog", ["dog"], ["bad-box"]),
        ("<loc0400><loc0010><loc0020><loc0300>dog", ["dog"], ["swapped-corners"]),
        (f"{L} dog ; <loc0020><lo", ["dog", " <lo"], ["unclosed-tag", "bad-box"]),
        (f"{L} dog ; <loc00", ["dog", " "], ["unclosed-tag"]),
        (f"{L} dog {L} cat", ["dog ", "cat"], ["unclosed-tag"]),
        ("<loc9999><loc0010><loc9999><loc0300> dog", ["dog"], ["flat-box"]),
        ("<loc0020><loc0010><loc9999><loc0300> dog", ["dog"], ["out-of-range"]),
    ],
)  # fmt: skip
def test_paligemma_replies(reply: str, spans: list[str], problems: list[str]) -> None:
    read, found = dialect("paligemma").read(reply, (ImageRef("a.jpg", 1024, 1024),))
    assert [span.text for span in read if not isinstance(span, ImageSlot)] == spans
    assert kinds(found) == problems
