"""The SVG of a scene: its picture with numbered boxes on the left, its graph on the right.

Nodes start where their boxes are in the picture and are spread until their labels fit; the graph then grows until the
labels on the lines hardly cover each other. Elements are made by `xml.etree`, which escapes every text.
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np

from relata.scene import Scene
from relata.view.layout import Bow, Floats, Point, bow, spread
from relata.view.palette import color, dash, ink
from relata.view.pictures import picture
from relata.view.places import Rect, around, covered, freest
from relata.view.words import line, name, width

FONT = 13.0
ROW = 18.0
PAD = 24.0
#: The picture is drawn this wide at least and at most, in SVG units; larger beside a larger graph.
PICTURE = (560.0, 900.0)
#: A label may be covered by others to this share of all labels' area before the graph is drawn larger.
COVERED = 0.01
GROWTH = 1.18
_LONGEST_LABEL = 30
_SPOTS = (0.5, 0.43, 0.57, 0.36, 0.64, 0.29, 0.71, 0.22, 0.78)


class Line(NamedTuple):
    """All relations from one region to another, drawn as one arrow with their predicates above each other."""

    subject: int
    object: int
    label: tuple[str, ...]
    size: tuple[float, float]


class Plan(NamedTuple):
    """A laid out graph: node centres, the curve and the label's place of each line."""

    centres: list[Point]
    bows: list[Bow]
    labels: list[Rect]


def drawing(scene: Scene, image: bytes | None) -> str:
    """The SVG text; `image` is an encoded picture.

    Raises:
        RelataError: if `image` cannot be read as a picture.
    """
    nodes = [_node(name(region, _LONGEST_LABEL)) for region in scene.regions]
    lines = _lines(scene)
    plan = _plan(scene, nodes, lines)
    rects = [around(*centre, *size) for centre, size in zip(plan.centres, nodes, strict=True)]
    extent = _extent([*rects, *plan.labels])
    tall = extent.y2 - extent.y1
    wide = min(PICTURE[1], max(PICTURE[0], 0.5 * tall * scene.width / scene.height))
    scale = wide / scene.width
    total = (wide + extent.x2 - extent.x1 + 3 * PAD, max(scene.height * scale, tall) + 2 * PAD)
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg")
    root.attrib |= {"width": _n(total[0]), "height": _n(total[1]), "viewBox": f"0 0 {_n(total[0])} {_n(total[1])}"}
    root.attrib |= {"font-family": "system-ui, 'Segoe UI', Helvetica, Arial, sans-serif", "font-size": _n(FONT)}
    ET.SubElement(root, "title").text = line(scene.id)
    ET.SubElement(root, "rect", width="100%", height="100%", fill="#ffffff")
    _picture(_moved(root, PAD, (total[1] - scene.height * scale) / 2), scene, image, scale)
    graph = _moved(root, wide + 2 * PAD - extent.x1, (total[1] - tall) / 2 - extent.y1)
    _draw_lines(graph, lines, plan)
    for i, (region, rect) in enumerate(zip(scene.regions, rects, strict=True)):
        _pill(graph, rect, (name(region, _LONGEST_LABEL),), color(i), ink(color(i)), color(i)).set("class", "node")
    return ET.tostring(root, encoding="unicode") + "\n"


def _node(text: str) -> tuple[float, float]:
    return width(text) * FONT + 22, ROW + 10


def _lines(scene: Scene) -> list[Line]:
    places = {region.id: i for i, region in enumerate(scene.regions)}
    ends = [(places[r.subject], places[r.object], line(r.predicate, _LONGEST_LABEL)) for r in scene.relations]
    found = []
    for (subject, object), group in groupby(sorted(ends, key=lambda end: end[:2]), key=lambda end: end[:2]):
        label = tuple(dict.fromkeys(predicate for *_, predicate in group))
        found.append(Line(subject, object, label, (max(map(width, label)) * FONT + 10, ROW * len(label) + 2)))
    return found


def _plan(scene: Scene, nodes: list[tuple[float, float]], lines: list[Line]) -> Plan:
    """Lay the graph out, and draw it larger as long as its labels cover each other too much."""
    if not nodes:
        return Plan([], [], [])
    middle = [((r.box.x1 + r.box.x2) / 2, (r.box.y1 + r.box.y2) / 2) for r in scene.regions]
    start: Floats = np.array(middle) * (600.0 / max(scene.width, scene.height))
    sizes: Floats = np.array(nodes)
    lengths = [(a, b, 80.0 + size[0] + (nodes[a][0] + nodes[b][0]) / 3) for a, b, _, size in lines]
    places = spread(start, sizes, lengths)
    for _ in range(12):
        plan = _placed(places, nodes, lines)
        if _covered(plan, nodes) <= COVERED:
            break
        places = places * GROWTH
    return plan


def _placed(places: Floats, nodes: list[tuple[float, float]], lines: list[Line]) -> Plan:
    centres = [Point(float(x), float(y)) for x, y in places]
    bows = [bow(centres[a], nodes[a], centres[b], nodes[b]) for a, b, *_ in lines]
    taken = [around(*centre, *size) for centre, size in zip(centres, nodes, strict=True)]
    labels = []
    for curve, (*_, size) in zip(bows, lines, strict=True):
        labels.append(freest((around(*curve.at(t), *size) for t in _SPOTS), taken))
        taken.append(labels[-1])
    return Plan(centres, bows, labels)


def _covered(plan: Plan, nodes: list[tuple[float, float]]) -> float:
    """The share of the labels' area that lies under another label or a node."""
    total = sum(label.area for label in plan.labels)
    taken = [around(*centre, *size) for centre, size in zip(plan.centres, nodes, strict=True)] + plan.labels
    first = len(plan.centres)
    shared = sum(covered(label, taken[: first + i]) for i, label in enumerate(plan.labels))
    return shared / total if total else 0.0


def _extent(rects: list[Rect]) -> Rect:
    if not rects:
        return Rect(0, 0, 0, 0)
    x1, y1, x2, y2 = zip(*rects, strict=True)
    return Rect(min(x1), min(y1), max(x2), max(y2))


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _moved(parent: ET.Element, x: float, y: float) -> ET.Element:
    return ET.SubElement(parent, "g", transform=f"translate({_n(x)} {_n(y)})")


def _frame(rect: Rect) -> dict[str, str]:
    x1, y1, x2, y2 = rect
    return {"x": _n(x1), "y": _n(y1), "width": _n(x2 - x1), "height": _n(y2 - y1)}


def _picture(parent: ET.Element, scene: Scene, image: bytes | None, scale: float) -> None:
    """The image, or an empty frame, with a numbered box per region."""
    area = Rect(0, 0, scene.width * scale, scene.height * scale)
    if image is None:
        ET.SubElement(parent, "rect", _frame(area) | {"fill": "#f1f3f5", "stroke": "#cfd5db"})
    else:
        crisp = {"style": "image-rendering:pixelated"} if max(scene.width, scene.height) < 480 else {}
        uri = {"href": picture(image).uri, "preserveAspectRatio": "none"}
        ET.SubElement(parent, "image", _frame(area) | uri | crisp)
    taken: list[Rect] = []
    for i, region in enumerate(scene.regions):
        box = Rect(*(value * scale for value in region.box.tuple()))
        for stroke, thick in (("#000000", "4"), (color(i), "2")):
            look = {"fill": "none", "stroke": stroke, "stroke-width": thick, "stroke-dasharray": dash(i)}
            ET.SubElement(parent, "rect", _frame(box) | {k: v for k, v in look.items() if v})
        tag = str(region.id)
        wide = width(tag) * FONT + 8
        corners = [(box.x1, box.y1), (box.x2 - wide, box.y1), (box.x1, box.y2 - ROW), (box.x2 - wide, box.y2 - ROW)]
        spots = (Rect(x, y, x + wide, y + ROW).within(area.x2, area.y2) for x, y in corners)
        taken.append(freest(spots, taken))
    for i, (region, rect) in enumerate(zip(scene.regions, taken, strict=True)):
        _pill(parent, rect, (str(region.id),), color(i), ink(color(i)), color(i), round=3)


def _draw_lines(graph: ET.Element, lines: list[Line], plan: Plan) -> None:
    for (subject, *_), curve in zip(lines, plan.bows, strict=True):
        (x1, y1), (cx, cy), (x2, y2) = curve
        path = f"M{_n(x1)} {_n(y1)}Q{_n(cx)} {_n(cy)} {_n(x2)} {_n(y2)}"
        for stroke, thick in (("#6b7280", "2.8"), (color(subject), "1.8")):  # the rim keeps yellow visible on white
            ET.SubElement(graph, "path", {"d": path, "fill": "none", "stroke": stroke, "stroke-width": thick})
        ET.SubElement(graph, "polygon", {"points": _arrow(curve), "fill": color(subject), "stroke": "#6b7280"})
    for (subject, _, label, _), rect in zip(lines, plan.labels, strict=True):
        _pill(graph, rect, label, "#ffffff", "#1b1f24", color(subject), round=5).set("class", "predicate")


def _arrow(curve: Bow) -> str:
    """The head of an arrow at the end of a curve."""
    tip, back = np.array(curve.end), np.array(curve.control)
    along = (tip - back) / max(float(np.hypot(*(tip - back))), 1e-9)
    across = np.array([-along[1], along[0]])
    corners = (tip, tip - 10 * along + 4.5 * across, tip - 10 * along - 4.5 * across)
    return " ".join(f"{_n(float(x))},{_n(float(y))}" for x, y in corners)


def _pill(
    parent: ET.Element, rect: Rect, text: tuple[str, ...], fill: str, text_color: str, stroke: str, round: float = 9
) -> ET.Element:
    """A rounded rectangle with centred lines of text."""
    group = ET.SubElement(parent, "g")
    ET.SubElement(group, "rect", _frame(rect) | {"rx": _n(round), "fill": fill, "stroke": stroke})
    top = (rect.y1 + rect.y2) / 2 - ROW * (len(text) - 1) / 2 + FONT * 0.36
    for i, words in enumerate(text):
        place = {"x": _n((rect.x1 + rect.x2) / 2), "y": _n(top + ROW * i), "fill": text_color, "text-anchor": "middle"}
        ET.SubElement(group, "text", place).text = words
    return group
