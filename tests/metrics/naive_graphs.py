"""The published scene graph scorers written out as plain loops, from their description, to compare ours with.

Nothing here is shared with the package but the `Graph` record.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence

from relata.metrics.graphs import Graph

Boxes = tuple[float, float, float, float]


def overlap(a: Boxes, b: Boxes) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inner = width * height
    return inner / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inner)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def same(p: tuple[int, str, int], predicted: Graph, g: tuple[int, str, int], gold: Graph) -> bool:
    return (
        predicted.labels[p[0]] == gold.labels[g[0]]
        and p[1] == g[1]
        and predicted.labels[p[2]] == gold.labels[g[2]]
        and overlap(predicted.boxes[p[0]], gold.boxes[g[0]]) >= 0.5
        and overlap(predicted.boxes[p[2]], gold.boxes[g[2]]) >= 0.5
    )


def openpsg(
    golds: Sequence[Graph], predictions: Sequence[Graph], k: int, predicates: Sequence[str]
) -> tuple[float, float]:
    """R@K and mR@K: mean over images that have gold and predictions; mean over the whole list of predicates."""
    recalls, of_predicate = [], defaultdict(list)
    for gold, predicted in zip(golds, predictions):
        if not gold.relations or not predicted.relations:
            continue
        chosen: dict[tuple[int, int], str] = {}
        listed = []
        for s, p, o in predicted.relations:
            if chosen.setdefault((s, o), p) == p:
                listed.append((s, p, o))
        found = {i for row in listed[:k] for i, g in enumerate(gold.relations) if same(row, predicted, g, gold)}
        recalls.append(len(found) / len(gold.relations))
        for predicate in {p for _, p, _ in gold.relations}:
            rows = [i for i, g in enumerate(gold.relations) if g[1] == predicate]
            of_predicate[predicate].append(len(found & set(rows)) / len(rows))
    return mean(recalls), mean([mean(of_predicate[predicate]) for predicate in predicates])


def asmv2(
    golds: Sequence[Graph], predictions: Sequence[Graph], tags: Callable[[str], Sequence[str]]
) -> tuple[float, float, float]:
    """Recall, mean recall and tuples per image: pooled over all gold, every tag of a label tried."""
    hits, of_predicate, tuples = [], defaultdict(list), 0
    for gold, predicted in zip(golds, predictions):
        listed = [
            (subject, predicted.boxes[s], p, object, predicted.boxes[o])
            for s, p, o in predicted.relations
            for subject in tags(predicted.labels[s])
            for object in tags(predicted.labels[o])
        ]
        tuples += len(listed)
        for s, p, o in gold.relations:
            want = (gold.labels[s].split("-")[0], p, gold.labels[o].split("-")[0])
            hit = any(
                (subject, q, object) == want
                and overlap(subject_box, gold.boxes[s]) >= 0.5
                and overlap(object_box, gold.boxes[o]) >= 0.5
                for subject, subject_box, q, object, object_box in listed
            )
            hits.append(hit)
            of_predicate[p].append(hit)
    return mean(hits), mean([mean(values) for values in of_predicate.values()]), tuples / len(golds)


def predcls(golds: Sequence[Graph], predictions: Sequence[Graph], k: int) -> tuple[float, float]:
    """Recall and mean recall: ranked by score, cut to K, then the last one lost; objects are their names."""
    hits, of_predicate = [], defaultdict(list)
    for gold, predicted in zip(golds, predictions):
        ranked = sorted(zip(predicted.relations, predicted.scores), key=lambda row: row[1], reverse=True)
        kept = {(predicted.labels[s], p, predicted.labels[o]) for (s, p, o), _ in ranked[:k][:-1]}
        for s, p, o in gold.relations:
            hit = (gold.labels[s], p, gold.labels[o]) in kept
            hits.append(hit)
            of_predicate[p].append(hit)
    return mean(hits), mean([mean(values) for values in of_predicate.values()])


LABELS = ("person", "dog", "the sky", "wall-brick", "wall-other-merged", "wall", "dogs")
PREDICATES = ("on", "over", "beside", "holding", "riding")


def graph(rng: random.Random, relations: int, objects: int = 4) -> Graph:
    """A graph on a coarse grid, so that many labels agree and many overlaps are 0.5 exactly."""
    corners = []
    for _ in range(objects):
        x, y = rng.choice((0, 4)), rng.choice((0, 4))
        corners.append((float(x), float(y), x + rng.choice((4.0, 8.0)), y + rng.choice((4.0, 8.0))))
    rows = tuple(
        (rng.randrange(objects), rng.choice(PREDICATES), rng.randrange(objects))
        for _ in range(relations if objects else 0)
    )
    labels = tuple(rng.choice(LABELS) for _ in range(objects))
    return Graph(labels, tuple(corners), rows, tuple(rng.choice((0.1, 0.5, 0.9)) for _ in rows))


def world(seed: int, images: int = 6) -> tuple[list[Graph], list[Graph]]:
    """Gold and predictions, some of them empty; half of the predictions are about the gold's own regions."""
    rng = random.Random(seed)
    golds, predictions = [], []
    for _ in range(images):
        gold = graph(rng, rng.choice((0, 1, 3, 6)))
        said = graph(rng, rng.choice((0, 2, 8, 20)))
        golds.append(gold)
        predictions.append(said if rng.random() < 0.5 else informed(rng, gold, said))
    return golds, predictions


def informed(rng: random.Random, gold: Graph, said: Graph) -> Graph:
    """The predictions with most gold relations among them, some boxes half as wide: an overlap of 0.5 exactly."""
    rows = [*said.relations, *(row for row in gold.relations if rng.random() < 0.8)]
    rng.shuffle(rows)
    boxes = tuple((x1, y1, x1 + (x2 - x1) / rng.choice((1, 1, 2, 4)), y2) for x1, y1, x2, y2 in gold.boxes)
    return Graph(gold.labels, boxes, tuple(rows), tuple(rng.choice((0.1, 0.5, 0.9)) for _ in rows))
