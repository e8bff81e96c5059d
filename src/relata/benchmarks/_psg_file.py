"""The question files of PSG: OpenPSG's psg.json, and All-Seeing v2's questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from relata import store
from relata.errors import RelataError
from relata.metrics.graphs import Graph

PROMPT = "Which objects are in this image, and how are they related? Name each object and each relation with its boxes."
"""What is asked of `psg.json`'s images, which come without a question, of a model that has no `graph`."""

_PREDICATES = """
over, in front of, beside, on, in, attached to, hanging from, on back of, falling off, going down, painted on,
walking on, running on, crossing, standing on, lying on, sitting on, flying over, jumping over, jumping from, wearing,
holding, carrying, looking at, guiding, kissing, eating, drinking, feeding, biting, catching, picking, playing with,
chasing, climbing, cleaning, playing, touching, pushing, pulling, opening, cooking, talking to, throwing, slicing,
driving, riding, parked on, driving on, about to hit, kicking, swinging, entering, exiting, enclosing, leaning on
"""
PREDICATES = tuple(" ".join(predicate.split()) for predicate in _PREDICATES.split(","))
"""PSG's 56, in index order; a question file of All-Seeing v2 does not list them."""


class Question(NamedTuple):
    """One image with its gold graph. `classes` and `predicates` are the whole vocabulary, the same in all questions."""

    id: str
    image: str
    text: str
    width: int
    height: int
    gold: Graph
    classes: tuple[str, ...]
    predicates: tuple[str, ...]


class _Object(msgspec.Struct, gc=False):
    bbox: tuple[float, float, float, float]
    category_id: int


class Image(msgspec.Struct):
    """One image of it. Indices count from 0; boxes are x1, y1, x2, y2 in pixels."""

    image_id: int | str
    file_name: str
    width: int
    height: int
    annotations: list[_Object]
    relations: list[tuple[int, int, int]]


class Psg(msgspec.Struct):
    """psg.json."""

    data: list[Image]
    thing_classes: tuple[str, ...]
    stuff_classes: tuple[str, ...]
    predicate_classes: tuple[str, ...]
    test_image_ids: list[int | str] = []

    @property
    def test(self) -> set[str]:
        return set(map(str, self.test_image_ids))


Corners = tuple[float, float, float, float]


class _Row(msgspec.Struct):
    question_id: int | str
    image: str
    width: int
    height: int
    text: str
    relation_tuples: list[tuple[str, Corners, str, Corners, str]]


def questions(data: Path) -> list[Question]:
    """The questions of `psg.json`, or of a `.jsonl` of All-Seeing v2.

    A psg.json that names no test images is asked whole. Exact repetitions of a gold relation are dropped there, as its
    loader does, and kept in question files, as their scorer does.

    Raises:
        RelataError: naming the image, on damaged JSON or an index that points nowhere.
    """
    if data.suffix == ".jsonl":
        rows = list(store.records(data, _Row))
        classes = sorted({label for row in rows for s, _, o, _, _ in row.relation_tuples for label in (s, o)})
        own = {predicate for row in rows for *_, predicate in row.relation_tuples}
        predicates = PREDICATES if own <= set(PREDICATES) else tuple(sorted(own))  # of another data set
        return [_asked(row, tuple(classes), predicates) for row in rows]
    file = load(data)
    names, test = file.thing_classes + file.stuff_classes, file.test
    return [
        Question(str(i.image_id), i.file_name, PROMPT, i.width, i.height, gold, names, file.predicate_classes)
        for i, gold in graphs(file, data)
        if gold.relations and (not test or str(i.image_id) in test)
    ]


def load(data: Path) -> Psg:
    """The whole file.

    Raises:
        RelataError: if it is not there or is no psg.json.
    """
    try:
        return msgspec.json.decode(data.read_bytes(), type=Psg)
    except (msgspec.DecodeError, UnicodeDecodeError, FileNotFoundError) as error:
        raise RelataError(f"{data}: {error}; expected OpenPSG's psg.json, or questions in a .jsonl file") from error


def graphs(file: Psg, data: Path) -> Iterator[tuple[Image, Graph]]:
    """Every image with its gold graph, exact repetitions of a relation dropped.

    Raises:
        RelataError: naming the image, on an index that points nowhere.
    """
    classes = file.thing_classes + file.stuff_classes
    for image in file.data:
        try:
            names = tuple(classes[thing.category_id] for thing in image.annotations)
            boxes = tuple(thing.bbox for thing in image.annotations)
            unique = dict.fromkeys(image.relations)
            relations = tuple((s, file.predicate_classes[p], o) for s, o, p in unique)
        except IndexError as error:
            raise RelataError(f"{data}: image {image.image_id} has a category or predicate beyond the lists") from error
        if any(not 0 <= end < len(names) for s, o, _ in unique for end in (s, o)):
            raise RelataError(f"{data}: image {image.image_id} relates an object beyond its {len(names)}")
        yield image, Graph(names, boxes, relations)


def _asked(row: _Row, classes: tuple[str, ...], predicates: tuple[str, ...]) -> Question:
    places: dict[tuple[str, Corners], int] = {}
    relations = []
    for subject, subject_box, object, object_box, predicate in row.relation_tuples:
        s = places.setdefault((subject, subject_box), len(places))
        o = places.setdefault((object, object_box), len(places))
        relations.append((s, predicate, o))
    gold = Graph(tuple(label for label, _ in places), tuple(box for _, box in places), tuple(relations))
    return Question(str(row.question_id), row.image, row.text, row.width, row.height, gold, classes, predicates)
