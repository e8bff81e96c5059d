"""What a page draws for each kind of record."""

from __future__ import annotations

import random

import pytest

from relata import Box, Example, Group, Message, Region, Relation, Scene
from relata.chat import ImageRef
from relata.grounded import Mention, Predicate, Text
from relata.scene import Link
from relata.view.items import Item, item, summary
from relata.view.pictures import Shown

from .samples import CIRCLE, SQUARE


def show(image: str, width: int, height: int) -> Shown:
    return Shown(f"assets/{image}")


def test_a_scene_has_one_panel_with_shapes_and_edges_between_their_places(scene: Scene) -> None:
    found = item(scene, show)
    (panel,) = found.panels
    assert [(s.id, s.label, s.color) for s in panel.shapes] == [(0, "red circle", 0), (1, "green square", 1)]
    assert panel.shapes[1].facts == ("large", "0.90")
    assert [(e.subject, e.predicate, e.object) for e in found.edges] == [
        ((0, 0), "left of", (0, 1)),
        ((0, 1), "right of", (0, 0)),
        ((0, 0), "above", (0, 1)),
    ]
    assert found.turns[0].pieces[0].text == "A circle and a square."


def test_region_ids_need_not_be_places() -> None:
    regions = (Region(40, "a", CIRCLE), Region(7, "b", SQUARE))
    found = item(Scene("s", "a.png", 128, 96, regions, (Relation(7, "on", 40),)), show)
    assert (found.edges[0].subject, found.edges[0].object) == ((0, 1), (0, 0))


def test_linked_objects_of_a_group_share_a_colour_and_an_edge(group: Group) -> None:
    found = item(group, show)
    before, after = found.panels
    assert [s.color for s in before.shapes] == [0, 1]
    assert [s.color for s in after.shapes] == [1, 0]  # the square first, then the circle
    links = [(e.subject, e.predicate, e.object) for e in found.edges if e.link]
    assert links == [((0, 0), "recoloured", (1, 1)), ((0, 1), "same", (1, 0))]


def test_the_same_identity_shares_a_colour_without_a_link() -> None:
    first = Scene("1", "a.png", 128, 96, (Region(0, "x", CIRCLE), Region(1, "ann", SQUARE, identity="ann")))
    second = Scene("2", "b.png", 128, 96, (Region(0, "ann", CIRCLE, identity="ann"), Region(1, "y", SQUARE)))
    found = item(Group("g", (first, second)), show)
    assert [[s.color for s in panel.shapes] for panel in found.panels] == [[0, 1], [1, 2]]


def test_links_in_a_circle_end(scene: Scene) -> None:
    links = (Link((0, 0), (1, 0)), Link((1, 0), (0, 0)), Link((0, 0), (0, 1)), Link((0, 0), (0, 0)))
    found = item(Group("g", (scene, scene), links), show)
    assert [[s.color for s in panel.shapes] for panel in found.panels] == [[0, 0], [0, 1]]


def test_an_example_numbers_its_boxes_through_all_images(example: Example) -> None:
    found = item(example, show)
    assert [[(s.id, s.label, s.box) for s in panel.shapes] for panel in found.panels] == [
        [(0, "the circle", CIRCLE.tuple()), (1, "Both shapes", SQUARE.tuple())],
        [(2, "the circle", CIRCLE.tuple())],
    ]
    question, answer = found.turns
    assert [piece.image for piece in question.pieces[:2]] == [0, 1]
    assert question.pieces[3].places == ((0, 0),)
    assert answer.pieces[0].places == ((0, 0), (0, 1))
    assert answer.pieces[2].edges == (0,)
    assert (found.edges[0].subject, found.edges[0].predicate, found.edges[0].object) == ((0, 0), "left of", (0, 1))
    assert answer.pieces[4].places == ((1, 0),)


@pytest.mark.parametrize(
    ("subjects", "objects", "pairs"),
    [
        ((0, 1), (2, 3), [(0, 2), (1, 3)]),  # paired in order
        ((0,), (1, 2, 3), [(0, 1), (0, 2), (0, 3)]),  # a single subject is shared
        ((0, 1), (2,), [(0, 2), (1, 2)]),
        ((), (1,), []),
    ],
)
def test_predicates_pair_their_ends(
    subjects: tuple[int, ...], objects: tuple[int, ...], pairs: list[tuple[int, int]]
) -> None:
    boxes = [Box(10 * i, 0, 10 * i + 9, 9) for i in range(5)]
    span = Predicate("near", tuple(boxes[i] for i in subjects), tuple(boxes[i] for i in objects))
    message = Message("assistant", (Mention("all", tuple(boxes)), span))
    found = item(Example("e", (ImageRef("a.png", 128, 96),), (message,)), show)
    assert [(e.subject[1], e.object[1]) for e in found.edges] == pairs


def test_ends_that_cannot_be_paired_are_shown_without_edges() -> None:
    boxes = tuple(Box(10 * i, 0, 10 * i + 9, 9) for i in range(5))
    message = Message("assistant", (Predicate("near", boxes[:3], boxes[3:]),))
    found = item(Example("e", (ImageRef("a.png", 128, 96),), (message,)), show)
    assert found.edges == ()
    assert found.turns[0].pieces[0].places == ((0, 0), (0, 1), (0, 2), (0, 3), (0, 4))


def test_an_edge_told_twice_is_one_edge() -> None:
    span = Predicate("near", (CIRCLE,), (SQUARE,))
    message = Message("assistant", (span, Text(" and again "), span))
    found = item(Example("e", (ImageRef("a.png", 128, 96),), (message,)), show)
    assert len(found.edges) == 1
    assert [piece.edges for piece in found.turns[0].pieces] == [(0,), (), (0,)]


def test_the_boxes_an_example_lists_come_first_in_their_order() -> None:
    message = Message("assistant", (Mention("square", (SQUARE,)),))
    example = Example("e", (ImageRef("a.png", 128, 96),), (message,), regions=((CIRCLE, SQUARE),))
    assert [s.label for s in item(example, show).panels[0].shapes] == ["", "square"]


def test_what_is_only_asked_about_is_not_said_to_hold() -> None:
    on, by = (Predicate(word, (CIRCLE,), (SQUARE,)) for word in ("on", "beside"))
    turns = (("user", on), ("assistant", Text("No, it is ")), ("assistant", by), ("user", by))
    messages = tuple(Message(role, (span,)) for role, span in turns)
    found = item(Example("e", (ImageRef("a.png", 128, 96),), messages), show)
    assert [(edge.predicate, edge.change) for edge in found.edges] == [("on", "asked"), ("beside", "")]


def edges(names: list[str]) -> Item:
    """An item with one relation of each name."""
    box = Box(0, 0, 9, 9)
    regions = (Region(0, "a", box), Region(1, "b", box))
    return item(Scene("s", "a.png", 10, 10, regions, tuple(Relation(0, name, 1) for name in names)), show)


def test_summary_counts_and_warns_of_one_predicate_for_everything() -> None:
    # 18 of 22 is 82 %, past the 80 % from which 20 relations or more are suspicious
    found = summary([edges(["on top of"] * 18), edges(["near", "under", "left of", "right of"])])
    assert found[:2] == ["22 relations, 5 predicates", "most common: on top of, 82%"]
    assert found[2].startswith("Warning: nearly every relation is 'on top of'")


def test_one_is_not_counted_in_the_plural() -> None:
    assert summary([edges(["near"])])[0] == "1 relation, 1 predicate"


def test_summary_keeps_quiet_about_few_or_varied_relations() -> None:
    names = ["on", "under", "near", "left of"]
    varied = random.Random(0).choices(names, k=200)
    for items in ([edges(["on"] * 19)], [edges(varied)], []):
        assert not any(line.startswith("Warning") for line in summary(items))
