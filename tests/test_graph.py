"""Grounded text and scene graphs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.chat import ImageRef
from relata.dialects import dialect
from relata.errors import RelataError
from relata.graph import UNKNOWN, from_scene, pairs, read_graph, to_scene
from relata.grounded import ImageSlot, Mention, Predicate, Text, plain
from relata.scene import Box, Region, Relation, Scene

IMAGE = ImageRef("a.jpg", 100, 100)
A, B, C, D = Box(0, 0, 10, 10), Box(20, 0, 30, 10), Box(0, 50, 100, 100), Box(40, 40, 50, 50)


def triplets(scene: Scene) -> list[tuple[str, str, str]]:
    return [(scene.region(r.subject).label, r.predicate, scene.region(r.object).label) for r in scene.relations]


def test_boxes_are_identity() -> None:
    """Labels come from the mention with the box, wherever it stands; boxes that only predicates hold are Unknown."""
    spans = (
        ImageSlot(0),
        Predicate("holding", (A,), (D,)),
        Text("Two "),
        Mention("people", (A, B)),
        Text(" are "),
        Predicate("standing on", (A, B), (C,)),
        Mention("grass", (C,)),
        Mention("the taller one", (A,)),
        Mention("", (B,)),
    )
    scene = to_scene(spans, IMAGE, id="7", source="teacher")
    assert [(region.id, region.label, region.box) for region in scene.regions] == [
        (0, "people", A),
        (1, UNKNOWN, D),
        (2, "people", B),
        (3, "grass", C),
    ]
    assert triplets(scene) == [
        ("people", "holding", UNKNOWN),
        ("people", "standing on", "grass"),
        ("people", "standing on", "grass"),
    ]
    assert scene.id == "7"
    assert {relation.source for relation in scene.relations} == {"teacher"}
    assert read_graph(spans).names[A] == ["people", "the taller one"], "every phrase of a box"


def test_pairs() -> None:
    assert pairs(Predicate("on", (A, B), (C, D))) == [(A, C), (B, D)]
    assert pairs(Predicate("on", (A, B), (C,))) == [(A, C), (B, C)]
    assert pairs(Predicate("on", (A,), (C, D))) == [(A, C), (A, D)]
    assert pairs(Predicate("on", (), (C, D))) == []
    with pytest.raises(RelataError, match="'on' has 2 subjects and 3 objects"):
        pairs(Predicate("on", (A, B), (C, D, A)))


def test_only_the_image_asked_for() -> None:
    spans = (Mention("dog", (A,), 0), Mention("cat", (B,), 1), Predicate("near", (B,), (C,), 1))
    assert [region.label for region in to_scene(spans, IMAGE).regions] == ["dog"]
    assert triplets(to_scene(spans, IMAGE, index=1)) == [("cat", "near", UNKNOWN)]


def test_repeated_relations_are_kept() -> None:
    spans = (Mention("dog", (A,)), Predicate("on", (A,), (C,)), Predicate("on", (A,), (C,)))
    assert triplets(to_scene(spans, IMAGE)) == [("dog", "on", UNKNOWN)] * 2


def test_graph_text_is_plain() -> None:
    scene = Scene(
        "s",
        "a.jpg",
        100,
        100,
        regions=(Region(5, "man", A), Region(2, "cup", D, attributes=("white", "small"))),
        relations=(Relation(5, "holding", 2), Relation(2, "in front of", 5)),
    )
    spans = from_scene(scene)
    assert plain(spans) == "man\ncup is white, small\n\nman holding cup\ncup in front of man\n"
    back = to_scene(spans, IMAGE, id="s", attributes=True)
    assert [(region.label, region.attributes) for region in back.regions] == [("man", ()), ("cup", ("white", "small"))]
    assert triplets(back) == triplets(scene)
    assert [region.label for region in to_scene(spans, IMAGE).regions] == ["man", "cup is white, small"]
    assert from_scene(scene.replace(regions=(), relations=())) == ()


words = st.text("abcdefg", min_size=1, max_size=6)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    corners = draw(st.lists(st.tuples(st.integers(0, 89), st.integers(0, 89)), max_size=6, unique=True))
    attributes = st.lists(words, max_size=2).map(tuple)
    regions = tuple(
        Region(i, draw(words), Box(x, y, x + 9, y + 9), attributes=draw(attributes)) for i, (x, y) in enumerate(corners)
    )
    ids = st.integers(0, max(len(regions) - 1, 0))
    relations = draw(st.lists(st.builds(Relation, ids, words, ids), max_size=6)) if regions else []
    return Scene("s", "a.jpg", 100, 100, regions, tuple(relations))


@settings(deadline=None)
@given(scene=scenes())
def test_scene_to_text_and_back(scene: Scene) -> None:
    assert to_scene(from_scene(scene), IMAGE, id="s", attributes=True) == scene


@pytest.mark.parametrize("name", ["asmv2", "llava", "qwen_vl", "robin", "paligemma", "relationvlm"])
def test_graph_through_a_dialect(name: str) -> None:
    """What a model would be trained to say about a scene comes back as the same graph, boxes to the codec's step."""
    regions = (
        Region(0, "man", Box(0, 0, 300, 400)),
        Region(1, "dog", Box(200, 200, 460, 440)),
        Region(2, "rug", Box(0, 300, 640, 480)),
    )
    relations = (Relation(0, "holding", 1), Relation(0, "on", 2), Relation(1, "on", 2))
    scene = Scene("a.jpg", "a.jpg", 640, 480, regions, relations)
    made, image = dialect(name), ImageRef("a.jpg", 640, 480)
    spans, problems = made.read(made.write(from_scene(scene), [image]), [image])
    assert not problems
    back = to_scene(spans, image)
    assert triplets(back) == triplets(scene)
    for before, after in zip(scene.regions, back.regions):
        assert after.box.tuple() == pytest.approx(before.box.tuple(), abs=20)


def test_published_conversations_hold_the_annotated_graph(shared_data: Path) -> None:
    """The five relations that the annotator was given (002_caps.txt), in the order in which the text says them."""
    folder = shared_data / "asmv2" / "detailed_description"
    text, image = (folder / "002_conv.txt").read_text(), ImageRef("dogs.jpg", 640, 480)
    spans, problems = dialect("asmv2:original").read(text, [image])
    assert not problems
    assert triplets(to_scene(spans, image)) == [
        ("cat", "beside", "dog"),
        ("dog", "beside", "cat"),
        ("cat", "standing on", "pavement"),
        ("dog", "standing on", "pavement"),
        ("grass", "attached to", "pavement"),
    ]
