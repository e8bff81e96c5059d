"""Scene graphs in the light form that is matched: one `Graph` per image, and `Flat`, all images in flat arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from relata.scene import Scene

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LabelMapper = Callable[[str], str | tuple[str, ...]]
"""Turns the label of a region into the label, or labels, that are compared."""
PredicateMapper = Callable[[str], str]


class Graph(NamedTuple):
    """The graph of one image, unchecked: what a model said may hold boxes that no `Scene` accepts.

    Relations are (subject, predicate, object), where subject and object are positions in `labels` and `boxes`. Boxes
    are x1, y1, x2, y2 in pixels. `scores` is empty, or holds one number per relation.
    """

    labels: tuple[str, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    relations: tuple[tuple[int, str, int], ...] = ()
    scores: tuple[float, ...] = ()

    @classmethod
    def of(cls, scene: Scene) -> Graph:
        """The graph of a scene. Relations keep their order; their scores count only if all have one."""
        at = {region.id: position for position, region in enumerate(scene.regions)}
        scores = tuple([r.score for r in scene.relations if r.score is not None])
        return cls(
            tuple([region.label for region in scene.regions]),
            tuple([(b.x1, b.y1, b.x2, b.y2) for b in [region.box for region in scene.regions]]),
            tuple([(at[r.subject], r.predicate, at[r.object]) for r in scene.relations]),
            scores if len(scores) == len(scene.relations) else (),
        )


class Vocabulary:
    """Numbers for words, given out as the words come."""

    def __init__(self, words: Sequence[str] = ()) -> None:
        self.ids: dict[str, int] = {}
        for word in words:
            self.id(word)

    def id(self, word: str) -> int:
        return self.ids.setdefault(word, len(self.ids))

    @property
    def words(self) -> list[str]:
        return list(self.ids)


@dataclass(frozen=True)
class Objects:
    """The regions of all images, a row for each of their labels.

    Attributes:
        image: (m,) position of the image.
        region: (m,) position among the regions of its image.
        label: (m,) number of the label.
        box: (m, 4) pixels.
    """

    image: Ints
    region: Ints
    label: Ints
    box: Floats


@dataclass(frozen=True)
class Triplets:
    """The relations of all images, in order.

    Attributes:
        image: (n,) position of the image.
        ends: (n, 2) rows of `Objects`: the subject and the object.
        predicate: (n,) number of the predicate.
        score: (n,) confidence; 0 where none is given.
    """

    image: Ints
    ends: Ints
    predicate: Ints
    score: Floats

    def take(self, rows: Ints | Bools) -> Triplets:
        """Some of the relations, in the order of `rows`."""
        return Triplets(self.image[rows], self.ends[rows], self.predicate[rows], self.score[rows])


class Flat(NamedTuple):
    objects: Objects
    triplets: Triplets


def flatten(
    graphs: Sequence[Graph],
    labels: Vocabulary,
    predicates: Vocabulary,
    label: LabelMapper = str,
    predicate: PredicateMapper = str,
) -> Flat:
    """All graphs in flat arrays, their words mapped by `label` and `predicate` and numbered by the vocabularies.

    Where `label` gives a region several labels, its relations are repeated: subject labels x object labels.
    """
    names: dict[str, tuple[int, ...]] = {}
    for word in dict.fromkeys(chain.from_iterable(graph.labels for graph in graphs)):
        mapped = label(word)
        names[word] = tuple(labels.id(w) for w in ((mapped,) if isinstance(mapped, str) else mapped))
    verbs = {p: predicates.id(predicate(p)) for p in dict.fromkeys(p for g in graphs for _, p, _ in g.relations)}

    of_region = [names[word] for graph in graphs for word in graph.labels]
    regions = np.fromiter((len(graph.labels) for graph in graphs), int)
    boxes = np.fromiter(chain.from_iterable(chain.from_iterable(g.boxes for g in graphs)), float).reshape(-1, 4)
    times = np.fromiter(map(len, of_region), int)
    owner = np.repeat(np.arange(len(of_region)), times)
    objects = Objects(
        image=np.repeat(np.arange(len(graphs)), regions)[owner],
        region=turns(regions)[owner],
        label=np.fromiter(chain.from_iterable(of_region), int),
        box=boxes[owner],
    )
    image = np.repeat(np.arange(len(graphs)), np.fromiter((len(graph.relations) for graph in graphs), int))
    numbers = (number for g in graphs for s, p, o in g.relations for number in (s, verbs[p], o))
    rows = np.fromiter(numbers, int).reshape(-1, 3)
    score = np.fromiter(chain.from_iterable(g.scores or (0.0,) * len(g.relations) for g in graphs), float)
    subject, object = ((np.cumsum(regions) - regions)[image] + rows[:, end] for end in (0, 2))
    row, ends = _ends(subject, object, times)
    return Flat(objects, Triplets(image[row], ends, rows[row, 1], score[row]))


def _ends(subject: Ints, object: Ints, times: Ints) -> tuple[Ints, Ints]:
    """Each relation with each label of its subject and each of its object: its number, and the two rows of `Objects`.

    `times` is how many labels, which is how many rows, a region has.
    """
    first = np.cumsum(times) - times
    repeats = times[subject] * times[object]
    row = np.repeat(np.arange(len(subject)), repeats)
    turn = turns(repeats)
    subject, object = subject[row], object[row]
    ends = np.stack([first[subject] + turn // times[object], first[object] + turn % times[object]], axis=1)
    return row, ends


def turns(counts: Ints) -> Ints:
    """0, 1, 2 ... counts[0] - 1, 0, 1 ... counts[1] - 1, and so on."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
