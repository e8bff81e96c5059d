"""Triplet recall, mean recall, zero-shot recall, precision, F1 and hallucinated edges, read off a `Match`.

All rates are shares of 0 to 1 with a bootstrap interval over images; they count gold triplets, or predicted edges.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

import numpy as np

from relata.metrics.graphs import Bools, Floats
from relata.metrics.interval import Rate, bootstrap_each, bootstrap_of, rate
from relata.metrics.matching import Match

Averaging = Literal["micro", "image"]
Words = tuple[str, str, str]
"""Subject label, predicate, object label."""


class Edges(NamedTuple):
    """What became of the predicted edges, pooled over all images: `precision` + `ungrounded` + `unsupported` = 1."""

    precision: Rate
    """Edges that match a gold triplet."""
    f1: Rate
    """Harmonic mean of this precision and of the pooled recall at the same K."""
    hallucinated: Rate
    """Edges that match none: the two below together."""
    ungrounded: Rate
    """Edges with an end that is not in the gold: no gold region has its label at its place."""
    unsupported: Rate
    """Edges between two gold regions that the gold does not relate so. Gold graphs are never complete, so some of these
    edges are true; models can still be compared on the same gold."""
    per_image: Rate
    """Edges per image; the count is that of images."""


def recall(matched: Match, k: int | None, averaging: Averaging | None = None) -> Rate:
    """The share of gold triplets found among the first `k` predictions of their image (None: all).

    `averaging` is the rules' unless given.
    """
    return _recall(matched, k, averaging or matched.rules.averaging, _asked(matched))


def zero_shot_recall(matched: Match, k: int | None, seen: AbstractSet[Words]) -> Rate:
    """Recall of the gold triplets whose three words, as mapped, are not in `seen`: the training data's triplets."""
    (objects, triplets), names, verbs = matched.gold, matched.labels, matched.predicates
    subjects, targets = (objects.label[triplets.ends[:, end]].tolist() for end in (0, 1))
    words = zip(subjects, triplets.predicate.tolist(), targets)
    unseen = np.fromiter(((names[s], verbs[p], names[o]) not in seen for s, p, o in words), dtype=np.bool_)
    return _recall(matched, k, matched.rules.averaging, _asked(matched) & unseen)


def mean_recall(matched: Match, k: int | None) -> Rate:
    """The mean of the predicates' recalls, so that a rare predicate weighs as much as a common one.

    Raises:
        ValueError: if the rules average over all predicates and `match` got no vocabulary.
    """
    top, bottom = _by_predicate(matched, k)
    count = int(_asked(matched).sum())
    if matched.rules.mean_over == "present":
        return rate(top, bottom, count)
    if not matched.known:
        raise ValueError(f"{matched.rules.name} averages over all predicates; give match() the vocabulary")
    top, bottom = top[:, : matched.known], bottom[:, : matched.known]
    return rate(top, bottom, count, "zero")


def per_predicate(matched: Match, k: int | None) -> dict[str, Rate]:
    """The recall of each predicate that the gold has, by the rules' averaging."""
    top, bottom = _by_predicate(matched, k)
    counts = np.bincount(matched.gold.triplets.predicate[_asked(matched)], minlength=len(matched.predicates))
    present = np.flatnonzero(counts)
    intervals = bootstrap_each(top[:, present], bottom[:, present])
    values = top[:, present].sum(0) / bottom[:, present].sum(0)
    return {
        matched.predicates[p]: Rate(value, count, interval)
        for p, value, count, interval in zip(present.tolist(), values.tolist(), counts[present].tolist(), intervals)
    }


def edges(matched: Match, k: int | None) -> Edges:
    """Precision and hallucination of the first `k` predictions of each image."""
    image, images = matched.predicted.triplets.image, len(matched.sizes)
    counted = matched.rank < matched.limits(k)[image]
    bottom = np.bincount(image[counted], minlength=images).astype(np.float64)

    def share(rows: Bools) -> Rate:
        return rate(np.bincount(image[counted & rows], minlength=images), bottom, int(bottom.sum()))

    hits = np.bincount(image[counted & matched.hit], minlength=images)
    gold_found, gold = _by_image(matched, k, _asked(matched))
    sums = np.stack([hits, bottom, gold_found, gold], axis=1)
    return Edges(
        precision=share(matched.hit),
        f1=Rate(float(_f1(sums.sum(0))), int(bottom.sum()), bootstrap_of(sums, _f1)),
        hallucinated=share(~matched.hit),
        ungrounded=share(~matched.hit & ~matched.grounded),
        unsupported=share(~matched.hit & matched.grounded),
        per_image=rate(bottom, np.ones(images), images),
    )


def _f1(sums: Floats) -> Floats:
    """From sums over images of hits, edges, gold triplets found, gold triplets: (4,) or (4, draws)."""
    hits, said, found, gold = sums
    precision, recall = hits / np.maximum(said, 1), found / np.maximum(gold, 1)
    f1: Floats = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return f1


def _recall(matched: Match, k: int | None, averaging: Averaging, asked: Bools) -> Rate:
    top, bottom = _by_image(matched, k, asked)
    if averaging == "image":
        top, bottom = _one_vote(top, bottom)
    return rate(top, bottom, int(asked.sum()))


def _by_image(matched: Match, k: int | None, asked: Bools) -> tuple[Floats, Floats]:
    """Gold triplets found and asked for, (images,)."""
    image, images = matched.gold.triplets.image, len(matched.sizes)
    top = np.bincount(image[asked & _found(matched, k)], minlength=images).astype(np.float64)
    return top, np.bincount(image[asked], minlength=images).astype(np.float64)


def _by_predicate(matched: Match, k: int | None) -> tuple[Floats, Floats]:
    """Found and asked for, (images, predicates); where averages go by image, each image has one vote per predicate."""
    asked, triplets = _asked(matched), matched.gold.triplets
    shape = (len(matched.sizes), len(matched.predicates))
    cell = triplets.image * shape[1] + triplets.predicate
    size = shape[0] * shape[1]
    top = np.bincount(cell[asked & _found(matched, k)], minlength=size).reshape(shape).astype(np.float64)
    bottom = np.bincount(cell[asked], minlength=size).reshape(shape).astype(np.float64)
    return _one_vote(top, bottom) if matched.rules.averaging == "image" else (top, bottom)


def _one_vote(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """Counts to recalls that weigh 1 each; where nothing was asked for, 0 with weight 0."""
    ratio: Floats = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
    return ratio, (bottom > 0).astype(np.float64)


def _found(matched: Match, k: int | None) -> Bools:
    found: Bools = matched.first < matched.limits(k)[matched.gold.triplets.image]
    return found


def _asked(matched: Match) -> Bools:
    """The gold triplets that count: all, or those of images with predictions."""
    least = 1 if matched.rules.empty == "skip" else 0
    asked: Bools = matched.sizes[matched.gold.triplets.image] >= least
    return asked
