"""Grounded text and scene graphs, both ways. A box is an object: spans with the same box speak of the same region.

All-Seeing v2's rule (arXiv 2402.19474, section 3): the label of a box is the phrase of a mention that holds exactly
this box; a box that only predicates hold is `Unknown`; a predicate's subjects and objects are paired in order, and a
single one on either side is shared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from relata.chat import ImageRef
from relata.errors import RelataError
from relata.grounded import Mention, Predicate, Span, Text
from relata.scene import Box, Region, Relation, Scene

#: The label of a box that no mention names.
UNKNOWN = "Unknown"

#: Between a label and its attributes in graph text: `cup is white, small` (ROBIN's form).
IS = " is "


class Triplet(NamedTuple):
    """A relation between boxes."""

    subject: Box
    predicate: str
    object: Box


class Graph(NamedTuple):
    """What grounded text says about one image: every box with the phrases that name it, and the relations."""

    names: dict[Box, list[str]]
    triplets: list[Triplet]


def read_graph(spans: Iterable[Span], image: int = 0) -> Graph:
    """The boxes of one image in order of appearance, each with all its phrases, and the triplets between them.

    Raises:
        RelataError: if a predicate's subjects and objects cannot be paired. What a dialect reads always can.
    """
    names: dict[Box, list[str]] = {}
    triplets: list[Triplet] = []
    for span in spans:
        if isinstance(span, Mention) and span.image == image:
            phrase = span.text.strip()
            for box in span.boxes:
                names.setdefault(box, []).extend([phrase] if phrase else [])
        elif isinstance(span, Predicate) and span.image == image:
            for subject, other in pairs(span):
                names.setdefault(subject, [])
                names.setdefault(other, [])
                triplets.append(Triplet(subject, span.text.strip(), other))
    return Graph(names, triplets)


def pairs(predicate: Predicate) -> list[tuple[Box, Box]]:
    """Subjects with objects, in order; a single one on either side is shared. None if a side is empty.

    Raises:
        RelataError: if both sides hold several and they differ in number.
    """
    subjects, objects = predicate.subjects, predicate.objects
    if not (subjects and objects):
        return []
    if len(subjects) != len(objects) and 1 not in (len(subjects), len(objects)):
        raise RelataError(
            f"predicate '{predicate.text}' has {len(subjects)} subjects and {len(objects)} objects; "
            "they must be equal in number, or one side single"
        )
    count = max(len(subjects), len(objects))
    return list(
        zip(
            subjects * count if len(subjects) == 1 else subjects,
            objects * count if len(objects) == 1 else objects,
        )
    )


def to_scene(
    spans: Iterable[Span], image: ImageRef, index: int = 0, id: str = "", attributes: bool = False, source: str = ""
) -> Scene:
    """The scene graph that grounded text describes.

    A region's label is the first phrase that names its box. Relations are kept as often as they are said, since a
    benchmark may count repetitions.

    Args:
        image: the image that the boxes are in; boxes may not leave it (a dialect clips what it reads).
        index: which image of the text, where there are several.
        id: of the scene; the image's path if not given.
        attributes: split phrases like `cup is white, small` into label and attributes.
        source: who says so, written into each relation.

    Raises:
        RelataError: if a predicate's subjects and objects cannot be paired.
    """
    graph = read_graph(spans, index)
    ids = {box: number for number, box in enumerate(graph.names)}
    regions = []
    for box, phrases in graph.names.items():
        label, _, rest = (phrases[0] if phrases else UNKNOWN).partition(IS if attributes else "\0")
        adjectives = tuple(word.strip() for word in rest.split(",") if word.strip())
        regions.append(Region(ids[box], label, box, attributes=adjectives))
    relations = tuple(
        Relation(ids[subject], predicate, ids[other], source=source or None)
        for subject, predicate, other in graph.triplets
    )
    return Scene(id or image.path, image.path, image.width, image.height, tuple(regions), relations)


def from_scene(scene: Scene, image: int = 0) -> tuple[Span, ...]:
    """A scene graph as plain readable text: a line for each region, an empty line, a line for each relation.

        man
        cup is white, small

        man holding cup

    `to_scene` with `attributes` gives the same regions and relations back, numbered from 0. Regions with exactly the
    same box come back as one; masks, descriptions, kinds and scores are not part of the text.
    """
    boxes = {region.id: region.box for region in scene.regions}
    names: dict[Box, list[str]] = {}
    for region in scene.regions:
        attributes = IS + ", ".join(region.attributes) if region.attributes else ""
        names.setdefault(region.box, []).append(region.label + attributes)
    return lines(
        Graph(names, [Triplet(boxes[r.subject], r.predicate, boxes[r.object]) for r in scene.relations]),
        image,
    )


def lines(graph: Graph, image: int = 0) -> tuple[Span, ...]:
    """The spans of `from_scene` for the boxes and triplets of a graph; the first phrase of a box is used."""
    phrases = {box: names[0] if names else UNKNOWN for box, names in graph.names.items()}
    spans: list[Span] = []
    for box, phrase in phrases.items():
        spans += (Mention(phrase, (box,), image), Text("\n"))
    if graph.triplets and spans:
        spans[-1] = Text("\n\n")
    for subject, predicate, other in graph.triplets:
        spans += (
            Mention(phrases[subject].partition(IS)[0], (subject,), image),
            Text(" "),
            Predicate(predicate, (subject,), (other,), image),
            Text(" "),
            Mention(phrases[other].partition(IS)[0], (other,), image),
            Text("\n"),
        )
    return tuple(spans)
