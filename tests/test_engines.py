"""Engines do every unit once, keep few open, let others finish when one fails; objects are held for all workers."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from relata.engines import local
from relata.engines._feed import Feed
from relata.engines._held import held
from relata.errors import RelataError, Unsafe


@dataclass(frozen=True)
class Square:
    """Work that waits a moment; it fails on one unit."""

    abreast: int = 1
    bad: int = -1

    async def __call__(self, unit: int, /) -> int:
        await asyncio.sleep(0)
        if unit == self.bad:
            raise Unsafe("bad-unit", f"unit {unit}")  # its arguments have to survive the way between processes
        return unit * unit


@pytest.mark.parametrize(
    ("workers", "abreast", "count"), [(1, 1, 9), (1, 4, 9), (1, 4, 0), (2, 1, 9), (2, 1, 1), (2, 3, 9)]
)
def test_every_unit_is_done_once(workers: int, abreast: int, count: int) -> None:
    assert sorted(local.run(Square(abreast), range(count), workers)) == [n * n for n in range(count)]


@dataclass(frozen=True)
class Pairs:
    """Work that ends when the other unit of its pair is at work in the same process."""

    abreast: int = 2

    async def __call__(self, unit: int, /) -> int:
        mine, other = (_MET.setdefault(number, asyncio.Event()) for number in (unit, unit ^ 1))
        mine.set()
        await asyncio.wait_for(other.wait(), 30)
        return unit


_MET: dict[int, asyncio.Event] = {}


def test_a_worker_has_several_units_of_a_bundle_open() -> None:
    assert sorted(local.run(Pairs(), range(20), 1)) == [*range(20)]
    assert sorted(local.run(Pairs(), [0, 1], 1)) == [0, 1]


@pytest.mark.parametrize("abreast", [1, 3])
def test_units_are_taken_as_they_are_needed(abreast: int) -> None:
    taken: list[int] = []
    done = 0
    for _ in local.run(Square(abreast), (taken.append(n) or n for n in range(30)), 1):  # type: ignore[func-returns-value]
        done += 1
        assert len(taken) <= done + abreast
    assert done == 30


@pytest.mark.parametrize("workers", [1, 2])
def test_a_fault_is_told_as_it_was_raised(workers: int) -> None:
    with pytest.raises(Unsafe, match="unit 3") as raised:
        list(local.run(Square(2, bad=3), range(9), workers))
    assert raised.value.reason == "bad-unit"


@dataclass(frozen=True)
class Slow:
    """Work of which one unit fails at once, while the others wait for that."""

    failed: threading.Event
    finished: list[int]
    abreast: int = 4

    async def __call__(self, unit: int, /) -> int:
        if unit == 0:
            self.failed.set()
            raise ValueError("unit 0")
        await asyncio.to_thread(self.failed.wait)
        await asyncio.sleep(0.05)
        self.finished.append(unit)
        return unit


def test_what_is_open_when_one_fails_comes_to_its_end() -> None:
    work = Slow(threading.Event(), [])
    with pytest.raises(ValueError, match="unit 0"):
        list(local.run(work, range(9)))
    assert sorted(work.finished) == [1, 2, 3]


def test_what_a_lost_worker_had_open_is_done_by_others() -> None:
    feed: Feed[str, str] = Feed("abc", most=9)
    for worker in (0, 1):
        feed.start(worker)
    assert (feed.take(0), feed.take(1)) == ((0, "a"), (1, "b"))
    feed.start(0)  # it is there again, and knows nothing
    assert (feed.take(1), feed.take(1), feed.take(1)) == ((0, "a"), (2, "c"), None)
    feed.done(1, 0, "A")
    feed.done(0, 0, "A, from a worker that was thought to be lost")
    feed.done(1, 1, "B")
    feed.close()
    assert [one for one, _ in zip(feed.results(0), range(2))] == ["A", "B"]


def test_whoever_uses_the_results_slowly_is_waited_for() -> None:
    feed: Feed[int, int] = Feed(range(9), most=1)
    feed.start(0)
    taken = feed.take(0)
    assert taken is not None
    feed.done(0, *taken)
    with ThreadPoolExecutor(1) as thread:
        next_one = thread.submit(feed.take, 0)
        assert not next_one.done()
        assert next(feed.results(1)) == 0
        assert next_one.result(30) == (1, 1)


def test_units_that_cannot_be_made_end_the_run_with_their_fault() -> None:
    def units() -> Iterator[int]:
        yield 1
        raise Unsafe("no-unit", "the file ends here")

    with pytest.raises(Unsafe, match="ends here"):
        list(local.run(Square(), units(), 2))


@dataclass(frozen=True)
class Dies:
    """Work that takes its process along."""

    abreast: int = 1

    async def __call__(self, unit: int, /) -> int:
        os._exit(1)


def test_a_worker_that_is_killed_is_told() -> None:
    with pytest.raises(RelataError, match="was killed"):
        list(local.run(Dies(), range(9), 2))


class Counter:
    """What is held."""

    def __init__(self) -> None:
        self.count = 0
        self.lock = threading.Lock()

    def add(self, number: int) -> int:
        with self.lock:
            self.count += number
            return self.count

    def fail(self) -> None:
        raise Unsafe("no-way", "there is none")


@pytest.mark.parametrize("host", [None, "127.0.0.1"])
def test_a_held_object_is_called_from_many_threads(host: str | None) -> None:
    counter = Counter()
    with held(counter, host) as stand_in, ThreadPoolExecutor(8) as threads:
        there = pickle.loads(pickle.dumps(stand_in))
        assert there == stand_in
        assert hash(there) == hash(stand_in)
        results = list(threads.map(there.add, [1] * 200))
        with pytest.raises(Unsafe, match="there is none"):
            there.fail()
        with pytest.raises(AttributeError):
            there.absent()
    assert sorted(results) == list(range(1, 201))
    assert counter.count == 200
