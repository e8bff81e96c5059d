"""How far a number can be trusted: bootstrap intervals over the units it was measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from relata.metrics.graphs import Floats

Absent = Literal["leave out", "zero"]

#: Most random numbers drawn at once, so that memory stays near 64 MB whatever the number of units.
_AT_ONCE = 2_000_000


class Interval(NamedTuple):
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of 0 to 1 with its bootstrap 95 % interval, and how many things it was measured on."""

    value: float
    count: int
    interval: Interval


def rate(top: ArrayLike, bottom: ArrayLike | None, count: int, absent: Absent = "leave out") -> Rate:
    """`mean_of_ratios` with its interval."""
    return Rate(mean_of_ratios(top, bottom, absent), count, bootstrap(top, bottom, absent))


def mean_of_ratios(top: ArrayLike, bottom: ArrayLike | None = None, absent: Absent = "leave out") -> float:
    """The mean over columns of sum(top) / sum(bottom); 0 when no column has anything to divide by.

    Without `bottom` this is a plain mean; with one column of counts, a pooled rate; with a column per predicate or
    category, mean recall or the mean of splits.

    Args:
        top: (units,) or (units, columns).
        bottom: as `top`; None: ones.
        absent: what a column whose bottom sums to 0 does: it is left out of the mean, or enters it as 0.
    """
    tops, bottoms = _both(top, bottom)
    return float(_means(tops.sum(0)[None], bottoms.sum(0)[None], absent)[0])


def bootstrap(
    top: ArrayLike,
    bottom: ArrayLike | None = None,
    absent: Absent = "leave out",
    *,
    draws: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The percentile bootstrap interval of `mean_of_ratios`: units are drawn with replacement, `draws` times.

    A unit is what was sampled independently: an image, or a group of questions; rows that depend on each other are
    summed into their unit first. The same seed gives the same interval.
    """
    tops, bottoms = _both(top, bottom)
    means = [_means(w @ tops, w @ bottoms, absent) for w in _weights(len(tops), draws, seed)]
    return _interval(np.concatenate(means), level)


def bootstrap_of(
    sums: ArrayLike, statistic: Callable[[Floats], Floats], *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """The interval of any function of sums over units, e.g. F1.

    Args:
        sums: (units, terms), what each unit adds to each sum.
        statistic: (terms, draws) -> (draws,).
    """
    terms = np.asarray(sums, dtype=np.float64)
    values = [statistic((w @ terms).T) for w in _weights(len(terms), draws, seed)]
    return _interval(np.concatenate(values), level)


def bootstrap_each(
    top: ArrayLike, bottom: ArrayLike, *, draws: int = 1000, level: float = 0.95, seed: int = 0
) -> list[Interval]:
    """The interval of each column's ratio by itself, from the same draws."""
    tops, bottoms = _both(top, bottom)
    ratios = np.concatenate([_ratios(w @ tops, w @ bottoms) for w in _weights(len(tops), draws, seed)])
    return [_interval(column, level) for column in ratios.T]


def _weights(units: int, draws: int, seed: int) -> Iterator[Floats]:
    """Blocks of (some draws, units): how often each unit was drawn."""
    rng = np.random.default_rng(seed)
    step = max(1, _AT_ONCE // max(units, 1))
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        picks = rng.integers(0, max(units, 1), size=(rows, units)) + np.arange(rows)[:, None] * units
        yield np.bincount(picks.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def _interval(statistics: Floats, level: float) -> Interval:
    tail = (1 - level) / 2
    low, high = np.quantile(statistics, [tail, 1 - tail])
    return Interval(float(low), float(high))


def _both(top: ArrayLike, bottom: ArrayLike | None) -> tuple[Floats, Floats]:
    """Both as (units, columns)."""
    tops = np.asarray(top, dtype=np.float64)
    bottoms = np.ones_like(tops) if bottom is None else np.asarray(bottom, dtype=np.float64)
    return (tops[:, None], bottoms[:, None]) if tops.ndim == 1 else (tops, bottoms)


def _ratios(tops: Floats, bottoms: Floats) -> Floats:
    ratios: Floats = np.divide(tops, bottoms, out=np.zeros_like(tops), where=bottoms > 0)
    return ratios


def _means(tops: Floats, bottoms: Floats, absent: Absent) -> Floats:
    """Row by row, the mean of tops / bottoms."""
    columns = (bottoms > 0).sum(1) if absent == "leave out" else np.full(len(tops), tops.shape[1])
    means: Floats = _ratios(tops, bottoms).sum(1) / np.maximum(columns, 1)
    return means
