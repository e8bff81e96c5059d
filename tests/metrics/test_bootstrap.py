"""Means of ratios and their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.metrics.interval import bootstrap, bootstrap_each, bootstrap_of, mean_of_ratios


def test_mean_of_ratios_by_hand() -> None:
    assert mean_of_ratios([1, 0, 0, 1]) == 0.5
    assert mean_of_ratios([1, 0], [1, 3]) == 0.25  # pooled
    # columns: 1/2, 3/4, and one with nothing in it
    top, bottom = [[1, 1, 0], [0, 2, 0]], [[1, 2, 0], [1, 2, 0]]
    assert mean_of_ratios(top, bottom) == pytest.approx((0.5 + 0.75) / 2)
    assert mean_of_ratios(top, bottom, "zero") == pytest.approx((0.5 + 0.75) / 3)
    assert mean_of_ratios([]) == 0
    assert mean_of_ratios([0.0], [0.0]) == 0


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    # 1000 coin flips of which 300 are heads: 0.3 +- 1.96 sqrt(0.3 * 0.7 / 1000) = 0.3 +- 0.0284
    flips = np.array([1] * 300 + [0] * 700)
    low, high = bootstrap(flips, draws=4000)
    assert (low, high) == pytest.approx((0.2716, 0.3284), abs=0.003)


def test_grouped_units_give_a_wider_interval() -> None:
    # 40 groups of 25 equal answers each: as 1000 rows they look sure, as 40 units they are not
    groups = np.array([1] * 12 + [0] * 28)
    rows = np.repeat(groups, 25)
    by_row, by_group = bootstrap(rows), bootstrap(groups * 25, np.full(40, 25))
    assert by_group.high - by_group.low > 4 * (by_row.high - by_row.low)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(3).random(50)
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_no_units() -> None:
    assert bootstrap([]) == (0.0, 0.0)


def test_each_column_by_itself() -> None:
    rng = np.random.default_rng(0)
    top = (rng.random((200, 3)) < (0.1, 0.5, 0.9)).astype(float)
    each = bootstrap_each(top, np.ones((200, 3)))
    assert [interval == bootstrap(top[:, c]) for c, interval in enumerate(each)] == [True] * 3


def test_any_function_of_sums() -> None:
    top, bottom = np.array([1.0, 0, 2, 1]), np.array([2.0, 1, 2, 4])
    ratio = bootstrap_of(np.stack([top, bottom], axis=1), lambda sums: sums[0] / sums[1])
    assert ratio == pytest.approx(bootstrap(top, bottom))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(0, 1000))
def test_the_interval_is_ordered_and_holds_the_value(values: list[bool], seed: int) -> None:
    low, high = bootstrap(values, draws=300, seed=seed)
    assert 0 <= low <= high <= 1
    assert low <= mean_of_ratios(values) <= high


def test_many_units_are_drawn_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random(100)
    monkeypatch.setattr("relata.metrics.interval._AT_ONCE", 250)  # two draws at a time
    low, high = bootstrap(values, draws=401)
    assert low < values.mean() < high
