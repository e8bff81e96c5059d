"""Units for workers in other processes, also on other machines: each takes the next one when it has room for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from typing import Generic, TypeVar

from relata.engines import Work, as_done, begin
from relata.engines._held import held

U = TypeVar("U")
R = TypeVar("R")


class Feed(Generic[U, R]):
    """Hands out units and takes results back. It lives where the run was started; any thread may call it.

    Args:
        units: taken as workers ask for them.
        most: results that may wait to be used; while there are more, no unit is handed out.
    """

    def __init__(self, units: Iterable[U], most: int) -> None:
        self._units = enumerate(units)
        self._most = most
        self._again: list[tuple[int, U]] = []
        self._open: dict[tuple[int, int], U] = {}
        """By worker and number of the unit."""
        self._results: deque[R] = deque()
        self._ended = 0
        self._closed = False
        self._change = threading.Condition()

    def start(self, worker: int) -> None:
        """A worker begins, perhaps anew after it was lost: what it had open is to be done again."""
        with self._change:
            for key in [key for key in self._open if key[0] == worker]:
                self._again.append((key[1], self._open.pop(key)))

    def take(self, worker: int) -> tuple[int, U] | None:
        """The next unit and its number; None: there are no more."""
        with self._change:
            self._change.wait_for(lambda: self._closed or len(self._results) < self._most)
            if self._closed:
                return None
            found = self._again.pop() if self._again else next(self._units, None)
            if found:
                self._open[worker, found[0]] = found[1]
            return found

    def done(self, worker: int, number: int, result: R) -> None:
        with self._change:
            if self._open.pop((worker, number), None) is not None:  # else it was given to another worker since
                self._results.append(result)
                self._change.notify_all()

    def end(self, worker: Future[None]) -> None:
        """A worker has ended; if by a fault, the others only finish what they have open."""
        with self._change:
            self._ended += 1
            self._closed = self._closed or worker.cancelled() or worker.exception() is not None
            self._change.notify_all()

    def close(self) -> None:
        """Hand out no more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def results(self, workers: int) -> Iterator[R]:
        """Results as they come, until all workers have ended."""
        while True:
            with self._change:
                self._change.wait_for(lambda: self._results or self._ended == workers)
                if not self._results:
                    return
                result = self._results.popleft()
                self._change.notify_all()
            yield result


def fed(
    start: Callable[[Feed[U, R], int], Future[None]], units: Iterable[U], workers: int, host: str | None = None
) -> Iterator[R]:
    """Results of units that workers do.

    Args:
        start: has one worker, given by its number, run `work_off` elsewhere.
        host: address of this machine under which workers reach it; None: they are all on this machine.
    """
    feed: Feed[U, R] = Feed(units, 2 * workers)
    with held(feed, host) as line:
        running = [start(line, worker) for worker in range(workers)]
        try:
            for worker in running:
                worker.add_done_callback(feed.end)
            yield from feed.results(workers)
        finally:  # what is open may be paid for
            feed.close()
            wait(running)
        for worker in running:
            worker.result()


def work_off(work: Work[U, R], feed: Feed[U, R], worker: int) -> None:
    """Do units until there are none; in the worker."""
    feed.start(worker)

    async def one(taken: tuple[int, U]) -> tuple[int, R]:
        return taken[0], await work(taken[1])

    ahead = work.abreast + 1  # so that the next unit is here when one is done
    for number, result in as_done(partial(begin, one), iter(partial(feed.take, worker), None), ahead):
        feed.done(worker, number, result)
