"""Records turned into what a page draws: panels with numbered shapes, edges between them, text that points at them.

A shape is named by its place, `[panel, index]`. Text in an item stays data: the page sets it as text, never as HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from relata.chat import Example
from relata.errors import RelataError
from relata.graph import pairs
from relata.grounded import ImageSlot, Mention, Predicate, Span
from relata.scene import Box, Group, Region, Relation, Scene
from relata.view.pictures import Shown
from relata.view.words import clean, line

Place = tuple[int, int]
Show = Callable[[str, int, int], Shown]

#: A set of graphs is called suspicious when one predicate makes up this share of at least so many relations.
ALARM_SHARE = 0.8
ALARM_COUNT = 20


class Shape(msgspec.Struct, frozen=True, omit_defaults=True):
    """A numbered box; `color` is its place in the palette."""

    id: int
    label: str
    box: tuple[float, float, float, float]
    color: int
    facts: tuple[str, ...] = ()


class Panel(msgspec.Struct, frozen=True, omit_defaults=True):
    """One image with its shapes; `source` is empty when the image may not or cannot be shown."""

    name: str
    width: int
    height: int
    shapes: tuple[Shape, ...]
    source: str = ""
    problem: str = ""


class Edge(msgspec.Struct, frozen=True, omit_defaults=True):
    subject: Place
    predicate: str
    object: Place
    facts: tuple[str, ...] = ()
    link: bool = False
    """Whether it says "the same individual" across images rather than a relation."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """A run of text; a mention lights up its places, a predicate its edges."""

    text: str
    places: tuple[Place, ...] = ()
    edges: tuple[int, ...] = ()
    image: int | None = None


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    role: str
    pieces: tuple[Piece, ...]


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One scene, group or example."""

    id: str
    kind: str
    panels: tuple[Panel, ...]
    edges: tuple[Edge, ...] = ()
    turns: tuple[Turn, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


def item(record: Scene | Group | Example, show: Show) -> Item:
    """What a page draws for one record; `show` gives the address of an image."""
    if isinstance(record, Example):
        return _example(record, show)
    if isinstance(record, Group):
        return _group(record, show)
    facts = _facts({"labels": ", ".join(record.labels), **record.provenance})
    panel = _panel(record, show, range(len(record.regions)))
    return Item(line(record.id), "scene", (panel,), _relations(record, 0), _captions(record), facts)


def summary(items: Sequence[Item]) -> list[str]:
    """Counts of a set of items, and an alarm when nearly all relations have the same predicate.

    A model that has collapsed answers every pair alike ("on top of"); the share of the commonest predicate shows it.
    """
    predicates = Counter(edge.predicate for item in items for edge in item.edges if not edge.link)
    total = predicates.total()
    lines = [f"{total:,} relations, {len(predicates):,} predicates"]
    if predicates:
        top, count = predicates.most_common(1)[0]
        lines.append(f"most common: {top}, {count / total:.0%}")
        if total >= ALARM_COUNT and count >= ALARM_SHARE * total:
            lines.append(f"Warning: nearly every relation is '{top}'; so answers a model that treats all pairs alike")
    return lines


def _panel(scene: Scene, show: Show, colors: Iterable[int]) -> Panel:
    shapes = tuple(
        Shape(r.id, line(r.label), _rounded(r.box), color, _told(r))
        for r, color in zip(scene.regions, colors, strict=True)
    )
    shown = show(scene.image, scene.width, scene.height)
    return Panel(line(scene.image), scene.width, scene.height, shapes, shown.source, shown.problem)


def _told(region: Region) -> tuple[str, ...]:
    told = region.label.lower().split()  # "red circle" need not be followed by "red"
    attributes = [attribute for attribute in region.attributes if attribute.lower() not in told]
    return tuple(line(fact) for fact in (*attributes, region.description, _score(region.score)) if fact)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def _rounded(box: Box) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (round(v, 1) for v in box.tuple())
    return x1, y1, x2, y2


def _relations(scene: Scene, panel: int) -> tuple[Edge, ...]:
    places = {region.id: (panel, index) for index, region in enumerate(scene.regions)}

    def facts(relation: Relation) -> tuple[str, ...]:
        return tuple(line(fact) for fact in (relation.kind, _score(relation.score), relation.source) if fact)

    return tuple(Edge(places[r.subject], line(r.predicate), places[r.object], facts(r)) for r in scene.relations)


def _captions(scene: Scene, title: str = "caption") -> tuple[Turn, ...]:
    return tuple(Turn(title, (Piece(clean(caption)),)) for caption in scene.captions)


def _facts(facts: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((line(key), clean(value)) for key, value in facts.items() if value)


def _group(group: Group, show: Show) -> Item:
    """Its scenes side by side; linked regions share a colour."""
    colors = _shared_colors(group)
    panels = tuple(_panel(scene, show, colors[i]) for i, scene in enumerate(group.scenes))
    edges = [edge for i, scene in enumerate(group.scenes) for edge in _relations(scene, i)]
    for link in group.links:
        first, second = (_place(group, *end) for end in (link.first, link.second))
        edges.append(Edge(first, line(link.transform or "same"), second, link=True))
    turns = tuple(t for i, scene in enumerate(group.scenes) for t in _captions(scene, f"caption of image {i + 1}"))
    order = "" if group.order is None else ", ".join(str(position + 1) for position in group.order)
    facts = _facts({"true order": order, **group.provenance})
    return Item(line(group.id), "group", panels, tuple(edges), turns, facts)


def _place(group: Group, scene: int, region: int) -> Place:
    return scene, next(i for i, r in enumerate(group.scenes[scene].regions) if r.id == region)


def _shared_colors(group: Group) -> list[list[int]]:
    """A palette place for every region of every scene; the same individual has the same one in all of them."""
    first: dict[Place, Place] = {}  # to the same individual, earlier in the group

    def origin(place: Place) -> Place:
        while place in first:
            place = first[place]
        return place

    met: dict[str, Place] = {}
    same = [(link.first, link.second) for link in group.links]
    for i, scene in enumerate(group.scenes):
        same += [(met.setdefault(r.identity, (i, r.id)), (i, r.id)) for r in scene.regions if r.identity]
    for a, b in ((origin(a), origin(b)) for a, b in same):
        if a != b:
            first[max(a, b)] = min(a, b)
    colors: dict[Place, int] = {}
    return [
        [colors.setdefault(origin((i, region.id)), len(colors)) for region in scene.regions]
        for i, scene in enumerate(group.scenes)
    ]


class _Boxes:
    """The distinct boxes of an example, numbered through all its images in the order in which they turn up."""

    def __init__(self, example: Example) -> None:
        self.lists: list[list[Box]] = [list(dict.fromkeys(boxes)) for boxes in example.regions]
        self.lists += [[] for _ in example.images[len(self.lists) :]]
        self.labels: dict[tuple[int, Box], str] = {}
        for span in (span for message in example.messages for span in message.spans):
            if isinstance(span, Mention):
                self._meet(span.image, span.boxes, span.text)
            elif isinstance(span, Predicate):
                self._meet(span.image, span.subjects + span.objects, "")

    def _meet(self, image: int, boxes: tuple[Box, ...], label: str) -> None:
        for box in boxes:
            if box not in self.lists[image]:
                self.lists[image].append(box)
            if label and not self.labels.get((image, box)):
                self.labels[image, box] = line(label, 40)

    def place(self, image: int, box: Box) -> Place:
        return image, self.lists[image].index(box)

    def places(self, image: int, boxes: tuple[Box, ...]) -> tuple[Place, ...]:
        return tuple(self.place(image, box) for box in boxes)

    def shapes(self, image: int) -> tuple[Shape, ...]:
        before = sum(map(len, self.lists[:image]))
        return tuple(
            Shape(before + i, self.labels.get((image, box), ""), _rounded(box), before + i)
            for i, box in enumerate(self.lists[image])
        )


def _example(example: Example, show: Show) -> Item:
    boxes = _Boxes(example)
    panels = []
    for i, image in enumerate(example.images):
        shown = show(image.path, image.width, image.height)
        size = image.width, image.height
        panels.append(Panel(line(image.path), *size, boxes.shapes(i), shown.source, shown.problem))
    edges: dict[Edge, int] = {}
    turns = tuple(
        Turn(message.role, tuple(_piece(span, boxes, edges) for span in message.spans)) for message in example.messages
    )
    facts = _facts({"recipe": example.recipe, **example.provenance})
    return Item(line(example.id), "example", tuple(panels), tuple(edges), turns, facts)


def _piece(span: Span, boxes: _Boxes, edges: dict[Edge, int]) -> Piece:
    """One span; a predicate adds its edges to `edges`, an edge said twice counts once."""
    if isinstance(span, ImageSlot):
        return Piece("", image=span.image)
    if isinstance(span, Mention):
        return Piece(clean(span.text), boxes.places(span.image, span.boxes))
    if isinstance(span, Predicate):
        try:
            told = [(boxes.place(span.image, s), boxes.place(span.image, o)) for s, o in pairs(span)]
        except RelataError:  # ends that cannot be paired are shown without an edge
            return Piece(clean(span.text), boxes.places(span.image, span.subjects + span.objects))
        found = [Edge(subject, line(span.text), object) for subject, object in told]
        return Piece(clean(span.text), edges=tuple(edges.setdefault(edge, len(edges)) for edge in found))
    return Piece(clean(span.text))
