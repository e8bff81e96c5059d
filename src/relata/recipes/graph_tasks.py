"""`graph_tasks`: training tasks made of scene graphs (Synthetic Visual Genome, section 3.2 and its published code).

| kind | question | answer |
|---|---|---|
| `sg` | the regions | the graph: their names and relations |
| `sg_detection` | the image alone | the graph with its boxes |
| `relation` | the regions, and which one is meant | the graph of that subject |
| `relation_description` | a region | sentences about it and its relations, by a teacher |
| `relation_summary` | the image | sentences about what matters in it, by a teacher |
| `refexp` | an expression; or a region | where that is; or an expression for it |
| `region_qa` | about a region | what it is, how it looks, how it relates |
| `vsr` | a spatial statement | yes or no |
| `chain` | a question over two relations | the steps, then the answer |
| `point` | a point | what is there |

Graphs are neutral (`relata.graph`); the dialect `robin` writes them as that model reads them. What needs no teacher is
made by rules from the annotations.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from msgspec import Meta

from relata import graph, notation
from relata.chat import Example, ImageRef, Message
from relata.english import graph_questions
from relata.english.facts import triples
from relata.english.graphs import named
from relata.english.sentences import caption, describe
from relata.english.talk import Turn
from relata.filters import Rejection, validity
from relata.grounded import ImageSlot, Span, Text
from relata.prompts import sheet, template
from relata.quoting import quote
from relata.recipes._here import Here
from relata.recipes._points import point
from relata.scene import Box, Region, Relation, Scene
from relata.teachers import Prompt

Kind = Literal[
    "sg",
    "sg_detection",
    "relation",
    "relation_description",
    "relation_summary",
    "refexp",
    "region_qa",
    "vsr",
    "chain",
    "point",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Count = Annotated[int, Meta(ge=1)]

#: Most attributes of an object in a graph, most relations of a subject, most regions; the last two also for detection.
ATTRIBUTES = 5
RELATIONS, RELATIONS_DETECTION = 5, 10
REGIONS, REGIONS_DETECTION = 99, 50
#: With `augment`, at least this share of the regions stays.
LEAST = 0.7

_GRAPH = (
    "Write the scene graph of these regions.",
    "Name these regions and say how they relate.",
    "Which objects are these, and which relations hold between them? Answer with a scene graph.",
    "Give the objects and relations of these regions.",
)
_DETECT = (
    "Find the objects in the image and write its scene graph.",
    "Detect the objects, with boxes, and the relations between them.",
    "Write a scene graph of the image, with a box for each object.",
    "Which objects are in the image, where are they, and how do they relate?",
)
_RELATION = (
    "How does [](%d) relate to the other regions?",
    "Give all relations of [](%d) to the other regions.",
    "Which relations does [](%d) have?",
    "Write the part of the scene graph that begins at [](%d).",
)
_DESCRIBE = (
    "Describe [](%d) and how it relates to what is around it.",
    "What has [](%d) to do with the things around it?",
    "Tell how [](%d) stands to the other objects.",
    "Put the relations of [](%d) into words.",
)
_SUMMARY = (
    "Sum up how the objects in the image relate to each other.",
    "What is going on between the objects in this image?",
    "Summarise the relations in the image.",
    "Put the scene graph of the image into words.",
)

_ASKS: dict[str, graph_questions.Ask] = {
    "refexp": graph_questions.refexp,
    "region_qa": graph_questions.region_qa,
    "vsr": graph_questions.vsr,
    "chain": graph_questions.chain,
}


@dataclass(frozen=True, slots=True)
class Item:
    """One text to ask a teacher for."""

    id: str
    kind: Kind
    source: Scene
    question: str
    """The user's turn, in the notation."""
    region: int = -1
    """Position of the region to speak of; -1 for all."""


def items(
    scene: Scene, here: Here, *, kinds: tuple[Kind, ...] = KINDS, each: Count = 2, augment: bool = False
) -> list[Item | Example | Rejection]:
    """The examples and requests of a scene, or for each kind that it has nothing for, a rejection.

    Args:
        kinds: which of them.
        each: questions of each kind about single regions or relations, at most; `refexp` has as many each way.
        augment: shuffle the regions that are given, and leave out up to 30 % of them.
    """
    found: list[Item | Example | Rejection] = []
    for kind in kinds:
        id = f"{scene.id}/graph_tasks/{kind}"
        made = list(_made(scene, here.rng, kind, id, each, augment)) if scene.regions else []
        found += made or [_nothing(scene, kind, id)]
    return found


def _nothing(scene: Scene, kind: Kind, id: str) -> Rejection:
    """Why there is nothing of a kind."""
    if not scene.regions:
        return Rejection("no-regions", id=id)
    if kind == "point":
        return Rejection("no-clear-point", "a point needs a mask that no other covers", id=id)
    if kind in ("refexp", "region_qa", "vsr"):
        return Rejection("nothing-to-ask", "no region or pair can be told from the others", id=id)
    return Rejection("no-relations", "no chain of two" if kind == "chain" else "", id=id)


def _made(
    scene: Scene, rng: random.Random, kind: Kind, id: str, each: int, augment: bool
) -> Iterator[Item | Example | Rejection]:
    if kind in ("sg", "sg_detection"):
        part = _part(scene, rng, augment, detection=kind == "sg_detection")
        if part.relations:
            yield _graph(part, scene, rng, kind, id)
    elif kind == "relation":
        part = _part(scene, rng, augment)
        for subject in _drawn({relation.subject for relation in part.relations}, rng, each):
            yield _subject(part, scene, rng, subject, id)
    elif kind == "relation_description":
        for k in _drawn({s for s, _, _ in triples(scene)}, rng, each):
            yield Item(f"{id}/{scene.regions[k].id}", kind, scene, rng.choice(_DESCRIBE) % (k + 1), k)
    elif kind == "relation_summary":
        if triples(scene):
            yield Item(id, kind, scene, rng.choice(_SUMMARY))
    else:
        boxes = [region.box for region in scene.regions]
        spots: list[Box] = []
        if kind == "point":
            turns, spots = point(scene, rng, each)
        else:
            turns = _ASKS[kind](scene, rng, each)
        for number, turn in enumerate(turns):
            yield _asked(scene, turn, [*boxes, *spots[number : number + 1]], f"{id}/{number}", kind)


def _drawn(some: set[int], rng: random.Random, most: int) -> list[int]:
    """Some of them at random, in order."""
    return sorted(rng.sample(sorted(some), min(most, len(some))))


def _part(scene: Scene, rng: random.Random, augment: bool, detection: bool = False) -> Scene:
    """What of a scene goes into a graph: names without suffixes, one region per box, within the caps.

    Where a subject has too many relations, some are drawn at random. A box that several regions share cannot be told
    apart in text: the first of them speaks for all.
    """
    regions: dict[Box, Region] = {}
    stands_for: dict[int, int] = {}
    for region in scene.regions:
        first = regions.setdefault(region.box, named(region))
        stands_for[region.id] = first.id
    chosen = list(regions.values())
    if augment and not detection:
        chosen = rng.sample(chosen, max(1, round(rng.uniform(LEAST, 1.0) * len(chosen))))
    chosen = chosen[: REGIONS_DETECTION if detection else REGIONS]
    ids = {region.id for region in chosen}
    own: dict[int, dict[tuple[int, str], Relation]] = {region.id: {} for region in chosen}
    for relation in scene.relations:
        subject, object = stands_for[relation.subject], stands_for[relation.object]
        predicate = notation.words(relation.predicate)
        if subject != object and {subject, object} <= ids and predicate:
            told = relation.replace(subject=subject, predicate=predicate, object=object)
            own[subject].setdefault((object, predicate), told)
    relations: list[Relation] = []
    for some in (list(told.values()) for told in own.values()):
        keep = _drawn(set(range(len(some))), rng, RELATIONS_DETECTION if detection else RELATIONS)
        relations += [some[k] for k in keep]
    shown = tuple(region.replace(attributes=region.attributes[:ATTRIBUTES]) for region in chosen)
    return scene.replace(regions=shown, relations=tuple(relations))


def _graph(part: Scene, scene: Scene, rng: random.Random, kind: Kind, id: str) -> Example:
    if kind == "sg_detection":
        return _example(part, rng.choice(_DETECT), graph.from_scene(part), (), id, kind, scene)
    boxes = tuple(region.box for region in part.regions)
    question = f"{_given(part)}{rng.choice(_GRAPH)}"
    return _example(part, question, graph.from_scene(part), boxes, id, kind, scene)


def _subject(part: Scene, scene: Scene, rng: random.Random, subject: int, id: str) -> Example:
    """The relations of one subject, as the part of the graph that it and its objects are."""
    relations = tuple(relation for relation in part.relations if relation.subject == subject)
    ends = {subject, *(relation.object for relation in relations)}
    told = part.replace(regions=tuple(region for region in part.regions if region.id in ends), relations=relations)
    number = next(n for n, region in enumerate(part.regions, 1) if region.id == subject)
    question = f"{_given(part)}{rng.choice(_RELATION) % number}"
    boxes = tuple(region.box for region in part.regions)
    return _example(part, question, graph.from_scene(told), boxes, f"{id}/{subject}", "relation", scene)


def _given(part: Scene) -> str:
    """The regions that a question is about, in order."""
    count = len(part.regions)
    cited = ", ".join(notation.cite("", [number]) for number in range(1, count + 1))
    return f"There {'is one region' if count == 1 else f'are {count} regions'} in the image: {cited}. "


def _example(
    part: Scene, question: str, answer: Sequence[Span], boxes: tuple[Box, ...], id: str, kind: Kind, scene: Scene
) -> Example:
    asked, _ = notation.read(question, boxes)
    shares = {
        "regions": f"{len(part.regions)} of {len(scene.regions)}",
        "relations": f"{len(part.relations)} of {len(scene.relations)}",
    }
    return _conversation(scene, asked, answer, boxes, id, kind).replace(provenance=shares)


def _conversation(
    scene: Scene, question: Sequence[Span], answer: Sequence[Span], boxes: tuple[Box, ...], id: str, kind: Kind
) -> Example:
    image = ImageRef(scene.image, scene.width, scene.height)
    messages = (Message("user", (ImageSlot(), Text("\n"), *question)), Message("assistant", tuple(answer)))
    return Example(id, (image,), messages, (boxes,) if boxes else (), f"graph_tasks/{kind}")


def _asked(scene: Scene, turn: Turn, boxes: Sequence[Box], id: str, kind: Kind) -> Example | Rejection:
    """An example from a question and answer in the notation."""
    question, wrong = notation.read(turn.question, boxes)
    answer, wrong_too = notation.read(turn.answer, boxes)
    for problem in (*wrong, *wrong_too):
        return Rejection(problem.kind, f"{problem.text} at character {problem.at}", id)
    return _conversation(scene, question, answer, tuple(boxes), id, kind)


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    if item.kind == "relation_summary":
        task = "Sum up the relations in the image."
    else:
        task = f"Describe [{item.region + 1}] {quote(item.source.regions[item.region].label)}."
    return template("graph_tasks", item.kind).fill(f"{sheet(item.source)}\n\n{task}")


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the scene's annotations."""
    return describe(item.source, rng) if item.region < 0 else caption(item.source, item.region, rng)


def read(reply: str, item: Item) -> Example | Rejection:
    """An example from a teacher's reply, or why it is none; it has to say a relation."""
    boxes = [region.box for region in item.source.regions]
    example = _asked(item.source, Turn(item.question, reply.strip()), boxes, item.id, item.kind)
    if isinstance(example, Rejection):
        return example
    fault = validity.check(example, boxes[item.region] if item.region >= 0 else None)
    if fault:
        return fault
    told = graph.read_graph(example.messages[-1].spans).triplets
    return example if told else Rejection("no-relation", "no relation is cited")
