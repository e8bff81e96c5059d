"""Which predictions match which gold triplets, for all images at once.

Words are compared first, as numbers; only the pairs of a prediction and a gold triplet whose three words agree are
looked at in pixels. There is no one-to-one assignment: a prediction may hit several gold triplets, and several the
same one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from relata.metrics.graphs import (
    Bools,
    Flat,
    Floats,
    Graph,
    Ints,
    LabelMapper,
    Objects,
    PredicateMapper,
    Triplets,
    Vocabulary,
    flatten,
    turns,
)
from relata.metrics.rules import Rules

_NEVER = np.iinfo(np.int64).max

#: Most pairs compared in pixels at once, so that memory stays near 200 MB even if all labels are the same.
_AT_ONCE = 1_000_000


class Mappers(NamedTuple):
    """How words are brought together before they are compared: on the gold's side and on the predictions'."""

    gold: LabelMapper = str
    label: LabelMapper = str
    predicate: PredicateMapper = str


EXACT = Mappers()


@dataclass(frozen=True)
class Match:
    """The outcome of matching under one set of rules; recall at any K is read off it.

    Attributes:
        gold, predicted: all images in flat arrays; `predicted` as ordered and filtered by the rules.
        rank: place of each prediction among those of its image, from 0.
        first: for each gold triplet, the rank of the first prediction that matches it; a huge number if none does.
        hit: for each prediction, whether it matches a gold triplet.
        sizes: predictions per image that compete for K.
        labels, predicates: the words behind the numbers; the first `known` predicates are the given vocabulary.
    """

    rules: Rules
    gold: Flat
    predicted: Flat
    rank: Ints
    first: Ints
    hit: Bools
    sizes: Ints
    labels: list[str]
    predicates: list[str]
    known: int

    def limits(self, k: int | None) -> Ints:
        """How many predictions of each image count."""
        cut: Ints = self.sizes if k is None else np.minimum(self.sizes, k)
        return np.maximum(cut - 1, 0) if self.rules.drop_last else cut

    @cached_property
    def grounded(self) -> Bools:
        """For each prediction, whether both its regions are in the gold: same label, same place."""
        ours, theirs = self.predicted.objects, self.gold.objects
        found = np.zeros(len(ours.image), dtype=np.bool_)
        for a, b in _join([ours.image, ours.label], [theirs.image, theirs.label]):
            found[a[_in_place(self.rules, ours, a, theirs, b)]] = True
        subject, target = self.predicted.triplets.ends.T
        both: Bools = found[subject] & found[target]
        return both


def match(
    gold: Sequence[Graph],
    predicted: Sequence[Graph],
    rules: Rules,
    mappers: Mappers = EXACT,
    vocabulary: Sequence[str] = (),
) -> Match:
    """Match the predictions of all images with their gold; the two lists go image by image.

    Args:
        vocabulary: every predicate that exists; `mean_over="all"` averages over it.

    Raises:
        ValueError: if the lists differ in length.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} gold graphs but {len(predicted)} predicted ones; they go in pairs")
    labels, predicates = Vocabulary(), Vocabulary(vocabulary)
    theirs = flatten(gold, labels, predicates, mappers.gold)
    flat = flatten(predicted, labels, predicates, mappers.label, mappers.predicate)
    triplets, rank, sizes = _ranked(flat, rules, len(gold))
    first = np.full(len(theirs.triplets.image), _NEVER)
    hit = np.zeros(len(rank), dtype=np.bool_)
    for a, b in _join(_words(flat.objects, triplets), _words(theirs.objects, theirs.triplets)):
        for end in (0, 1):
            row, gold_row = triplets.ends[a, end], theirs.triplets.ends[b, end]
            here = _in_place(rules, flat.objects, row, theirs.objects, gold_row)
            a, b = a[here], b[here]
        np.minimum.at(first, b, rank[a])
        hit[a] = True
    ours = Flat(flat.objects, triplets)
    return Match(rules, theirs, ours, rank, first, hit, sizes, labels.words, predicates.words, len(vocabulary))


def iou(a: Floats, b: Floats) -> Floats:
    """Intersection over union of boxes row by row, (n, 4) and (n, 4) in pixels; 0 for a box without area."""
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    inner = sides[:, 0] * sides[:, 1]
    outer = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - inner
    ratio: Floats = np.divide(inner, outer, out=np.zeros_like(inner), where=outer > 0)
    return ratio


def _ranked(flat: Flat, rules: Rules, images: int) -> tuple[Triplets, Ints, Ints]:
    """The predictions as ordered and filtered by the rules, their rank in their image, and how many each image has."""
    triplets = flat.triplets
    if rules.order == "score":
        triplets = triplets.take(np.lexsort((-triplets.score, triplets.image)))  # stable: equal scores stay in order
    if rules.duplicates == "first":
        first = _first_of_each(triplets.ends[:, 0], triplets.ends[:, 1], triplets.predicate)
        triplets = triplets.take(first == np.arange(len(first)))
    if rules.constraint == "before the cut":
        triplets = triplets.take(_of_first_predicate(flat.objects, triplets))
    sizes = np.bincount(triplets.image, minlength=images)
    rank = turns(sizes)
    if rules.constraint == "after the cut":
        keep = _of_first_predicate(flat.objects, triplets)
        triplets, rank = triplets.take(keep), rank[keep]
    return triplets, rank, sizes


def _of_first_predicate(objects: Objects, triplets: Triplets) -> Bools:
    """Which relations have the predicate that their pair of regions was first given."""
    regions = objects.region[triplets.ends]
    first = _first_of_each(triplets.image, regions[:, 0], regions[:, 1])
    same: Bools = triplets.predicate == triplets.predicate[first]
    return same


def _words(objects: Objects, triplets: Triplets) -> list[Ints]:
    subject, target = triplets.ends[:, 0], triplets.ends[:, 1]
    return [triplets.image, objects.label[subject], triplets.predicate, objects.label[target]]


def _in_place(rules: Rules, ours: Objects, a: Ints, theirs: Objects, b: Ints) -> Bools:
    """Whether region a[i] of ours is where region b[i] of theirs is."""
    here: Bools
    if rules.locate == "labels":
        here = np.ones(len(a), dtype=np.bool_)
    elif rules.locate == "regions":
        here = ours.region[a] == theirs.region[b]
    else:
        overlap = iou(ours.box[a], theirs.box[b])
        here = overlap > rules.iou if rules.comparison == ">" else overlap >= rules.iou
    return here


def _join(ours: list[Ints], theirs: list[Ints]) -> Iterator[tuple[Ints, Ints]]:
    """All pairs of rows (i, j) at which all columns of ours and theirs agree, some at a time."""
    key = _key(*(np.concatenate(pair) for pair in zip(ours, theirs)))
    left, right = key[: len(ours[0])], key[len(ours[0]) :]
    order = np.argsort(right, kind="stable")
    start = np.searchsorted(right[order], left, "left")
    count = np.searchsorted(right[order], left, "right") - start
    full = np.flatnonzero(np.diff(np.cumsum(count) // _AT_ONCE)) + 1
    for rows in np.split(np.arange(len(left)), full):
        i = np.repeat(rows, count[rows])
        yield i, order[start[i] + turns(count[rows])]


def _first_of_each(*columns: Ints) -> Ints:
    """For each row, the number of the first row equal to it."""
    _, first, group = np.unique(_key(*columns), return_index=True, return_inverse=True)
    number: Ints = first[group]
    return number


def _key(*columns: Ints) -> Ints:
    """One number per row, equal for equal rows; compressed after each column, so that it cannot overflow."""
    key = columns[0]
    for column in columns[1:]:
        key = np.unique(key, return_inverse=True)[1] * (int(column.max(initial=0)) + 1) + column
    return key
