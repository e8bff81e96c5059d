"""`scene_graph`: all objects with their names, then all relations. The value is a Scene.

`<r0> plain red circle . <r1> plain blue star . <r0> above <r1> ;` in the region-token dialect. Of a pair of regions one
direction is written, the one from the region that comes first.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from relata.grounded import Mention, Predicate, Span, Text
from relata.scene import Box, Region, Relation, Scene
from relata.tasks import Facts, Turn, words


def question() -> tuple[Span, ...]:
    return words("graph ?")


def write(facts: Facts) -> tuple[Span, ...]:
    """The spans of a scene's graph."""
    spans: list[Span] = _objects(facts)
    for (i, j), predicate in sorted(facts.relations.items()):
        if i < j or (j, i) not in facts.relations:
            spans.append(Predicate(predicate, (facts.boxes[i],), (facts.boxes[j],), facts.image))
            spans.append(Text(" ; "))
    return tuple(spans)


def _objects(facts: Facts) -> list[Span]:
    spans: list[Span] = []
    for k, label in enumerate(facts.labels):
        spans += [facts.mention(k, text=label), Text(" . ")]
    return spans


def ask(facts: Facts, rng: random.Random) -> Turn | None:
    return Turn("graph", question(), write(facts))


def ask_list(facts: Facts, rng: random.Random) -> Turn | None:
    """The objects alone."""
    return Turn("list", words("list ?"), tuple(_objects(facts)))


def read(spans: Sequence[Span], scene: Scene, source: str) -> Scene:
    """A copy of `scene` with the names and relations that a reply gives to its boxes; what it does not name is
    `Unknown`.
    """
    names: dict[Box, str] = {}
    edges: dict[tuple[Box, str, Box], None] = {}
    for span in spans:
        if isinstance(span, Mention) and span.text:
            for box in span.boxes:
                names.setdefault(box, span.text)
        elif isinstance(span, Predicate):
            for subject, object in broadcast(span):
                if subject != object:
                    edges.setdefault((subject, span.text, object))
    regions = tuple(Region(r.id, names.get(r.box, "Unknown"), r.box, r.mask) for r in scene.regions)
    at = {region.box: region.id for region in regions}
    relations = tuple(Relation(at[s], p, at[o], source=source) for s, p, o in edges if s in at and o in at)
    return scene.replace(regions=regions, relations=relations)


def broadcast(span: Predicate) -> list[tuple[Box, Box]]:
    """The (subject, object) pairs of a predicate: in order, a single one on either side shared by all."""
    subjects, objects = span.subjects, span.objects
    if len(subjects) == 1:
        subjects = subjects * len(objects)
    if len(objects) == 1:
        objects = objects * len(subjects)
    return list(zip(subjects, objects))
