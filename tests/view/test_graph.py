"""A scene as text, Graphviz, SVG and page."""

from __future__ import annotations

import random
import re
from xml.etree import ElementTree as ET

import pytest

from relata import Box, Region, RelataError, Relation, Scene
from relata.view import graph
from relata.view.places import Rect, covered

from .samples import picture_bytes

SVG = "{http://www.w3.org/2000/svg}"


def crowd(nodes: int, edges: int, seed: int = 0) -> Scene:
    """A scene with random boxes and relations."""
    rng = random.Random(seed)
    regions = []
    for i in range(nodes):
        x, y = rng.uniform(0, 560), rng.uniform(0, 400)
        regions.append(Region(i, rng.choice(["person", "potted plant", "car"]), Box(x, y, x + 70, y + 70)))
    names = ["on", "in front of", "looking at", "attached to"]
    pairs = [rng.sample(range(nodes), 2) for _ in range(edges)]
    return Scene("crowd", "x.jpg", 640, 480, tuple(regions), tuple(Relation(a, rng.choice(names), b) for a, b in pairs))


def rects(svg: str, kind: str) -> list[Rect]:
    """The rectangles of all nodes or predicates of a drawing."""
    groups = [g for g in ET.fromstring(svg).iter(f"{SVG}g") if g.get("class") == kind]
    frames = [g.find(f"{SVG}rect") for g in groups]
    numbers = [
        [float(frame.get(key, "nan")) for key in ("x", "y", "width", "height")] for frame in frames if frame is not None
    ]
    return [Rect(x, y, x + w, y + h) for x, y, w, h in numbers]


def test_text_has_a_line_per_relation_then_the_lonely_regions() -> None:
    box = Box(0, 0, 9, 9)
    regions = (Region(0, "plain red circle", box), Region(1, "blue star", box), Region(7, "cat", box))
    scene = Scene("s", "s.png", 10, 10, regions, (Relation(0, "left of", 1),))
    assert graph.text(scene) == "plain red circle [0] left of blue star [1]\ncat [7]\n"


def test_text_of_an_empty_scene_is_empty() -> None:
    assert graph.text(Scene("s", "s.png", 10, 10)) == ""


def test_dot_names_every_node_and_edge_and_escapes_quotes() -> None:
    box = Box(0, 0, 9, 9)
    regions = (Region(4, 'a "big" one\\N', box), Region(9, "two\nlines", box))
    found = graph.dot(Scene("s", "s.png", 10, 10, regions, (Relation(4, 'says "hi"', 9),)))
    assert 'n0 [label="a \\"big\\" one\\\\N [4]"' in found
    assert 'n1 [label="two lines [9]"' in found
    assert 'n0 -> n1 [label="says \\"hi\\""];' in found
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", found)  # what remains outside strings is ours alone
    assert "big" not in outside
    assert outside.count("{") == outside.count("}") == 1


def test_svg_holds_image_boxes_nodes_and_predicates(scene: Scene) -> None:
    drawn = graph.svg(scene, picture_bytes())
    root = ET.fromstring(drawn)
    (image,) = root.iter(f"{SVG}image")
    assert (image.get("href") or "").startswith("data:image/png;base64,")
    assert len(rects(drawn, "node")) == 2
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert words.count("red circle [0]") == 1
    # "left of" and "above" run from 0 to 1 and share a line; "right of" runs back
    assert len(rects(drawn, "predicate")) == 2
    assert {"left of", "above", "right of"} <= set(words)


@pytest.mark.parametrize(("nodes", "edges"), [(2, 1), (8, 12), (15, 40), (30, 120)])
def test_labels_of_a_drawing_hardly_overlap(nodes: int, edges: int) -> None:
    drawn = graph.svg(crowd(nodes, edges))
    boxes, labels = rects(drawn, "node"), rects(drawn, "predicate")
    assert len(boxes) == nodes
    assert all(covered(box, boxes[:i]) < 1 for i, box in enumerate(boxes))  # square units: rounding only
    hidden = sum(covered(label, boxes + labels[:i]) for i, label in enumerate(labels))
    assert hidden <= 0.03 * sum(label.area for label in labels)


def test_a_drawing_fits_its_canvas_and_is_the_same_each_time() -> None:
    drawn = graph.svg(crowd(12, 20))
    assert drawn == graph.svg(crowd(12, 20))
    wide, high = (float(v) for v in (ET.fromstring(drawn).get("viewBox") or "").split()[2:])
    assert 0 < high < 3000
    assert 0 < wide < 4000


def test_regions_in_one_place_and_relations_to_oneself_can_be_drawn() -> None:
    regions = tuple(Region(i, "same", Box(1, 1, 5, 5)) for i in range(6))
    scene = Scene("s", "s.png", 10, 10, regions, (Relation(0, "touches", 0), Relation(0, "touches", 1)))
    drawn = graph.svg(scene)
    assert len(rects(drawn, "node")) == 6
    assert "nan" not in drawn
    boxes = rects(drawn, "node")
    assert all(covered(box, boxes[:i]) < 1 for i, box in enumerate(boxes))


def test_a_scene_without_regions_is_a_picture_alone() -> None:
    assert ET.fromstring(graph.svg(Scene("s", "s.png", 10, 10), picture_bytes())).find(f".//{SVG}image") is not None


def test_bytes_that_are_no_picture_are_refused(scene: Scene) -> None:
    for show in (graph.svg, graph.html):
        with pytest.raises(RelataError, match="the file is none of JPEG"):
            show(scene, b"<svg onload='alert(1)'/>")


def test_a_page_of_one_scene_needs_no_other_file(scene: Scene) -> None:
    page = graph.html(scene, picture_bytes())
    assert "data:image/png;base64," in page
    assert "assets/" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "no picture" not in graph.html(scene).split('id="data"')[1].split("</script>")[0]
