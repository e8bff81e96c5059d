"""Scenes and groups as a page draws them."""

from __future__ import annotations

from collections.abc import Iterable

from relata.scene import Group, Region, Relation, Scene
from relata.view.parts import Edge, Item, Panel, Piece, Place, Shape, Show, Turn, facts, rounded
from relata.view.words import clean, line

#: A scene with larger ids (those of COCO have seven digits) has its boxes numbered from 0, and ids beside their labels.
LARGEST = 999


def scene(record: Scene, show: Show) -> Item:
    """One picture with its boxes, relations and captions."""
    shown = panel(record, show, range(len(record.regions)))
    about = facts({"labels": ", ".join(record.labels), **record.provenance})
    return Item(line(record.id), "scene", (shown,), relations(record, 0), _captions(record), about)


def panel(scene: Scene, show: Show, colors: Iterable[int]) -> Panel:
    """The picture of a scene with its regions in these colours."""
    long = any(region.id > LARGEST for region in scene.regions)
    shapes = tuple(
        Shape(k if long else r.id, line(r.label), rounded(r.box), color, (*_told(r), *([f"id {r.id}"] if long else [])))
        for k, (r, color) in enumerate(zip(scene.regions, colors, strict=True))
    )
    shown = show(scene.image, scene.width, scene.height)
    return Panel(line(scene.image), scene.width, scene.height, shapes, shown.source, shown.problem)


def _told(region: Region) -> tuple[str, ...]:
    told = region.label.lower().split()  # "red circle" need not be followed by "red"
    attributes = [attribute for attribute in region.attributes if attribute.lower() not in told]
    return tuple(line(fact) for fact in (*attributes, region.description, _rated(region.score)) if fact)


def _rated(score: float | None) -> str:
    return "" if score is None else f"{score:.2f}"


def relations(scene: Scene, panel: int) -> tuple[Edge, ...]:
    """The relations of a scene, which is shown in this panel."""
    at = places(scene, panel)
    return tuple(Edge(at[r.subject], line(r.predicate), at[r.object], told(r)) for r in scene.relations)


def places(scene: Scene, panel: int) -> dict[int, Place]:
    """Where the regions are, by their ids."""
    return {region.id: (panel, index) for index, region in enumerate(scene.regions)}


def told(relation: Relation) -> tuple[str, ...]:
    """What is known of a relation beside its words."""
    return tuple(line(fact) for fact in (relation.kind, _rated(relation.score), relation.source) if fact)


def _captions(scene: Scene, title: str = "caption") -> tuple[Turn, ...]:
    return tuple(Turn(title, (Piece(clean(caption)),)) for caption in scene.captions)


def group(record: Group, show: Show) -> Item:
    """Its scenes side by side; linked regions share a colour."""
    colors = _shared_colors(record)
    panels = tuple(panel(scene, show, colors[i]) for i, scene in enumerate(record.scenes))
    edges = [edge for i, scene in enumerate(record.scenes) for edge in relations(scene, i)]
    for link in record.links:
        first, second = (_place(record, *end) for end in (link.first, link.second))
        edges.append(Edge(first, line(link.transform or "same"), second, link=True))
    turns = tuple(Turn("about all images", (Piece(clean(caption)),)) for caption in record.captions)
    turns += tuple(t for i, scene in enumerate(record.scenes) for t in _captions(scene, f"caption of image {i + 1}"))
    order = "" if record.order is None else ", ".join(str(position + 1) for position in record.order)
    about = facts({"true order": order, **record.provenance})
    return Item(line(record.id), "group", panels, tuple(edges), turns, about)


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
