"""An engine is where work runs. One file each, with two functions:

    run(work, units, workers)  does the work of every unit; results come as they are ready, in any order
    hold(object, workers)      a context: gives a stand-in for an object of this process, which all workers may call

Work is an async function of a unit that can be pickled, as units and results can; its `abreast` says how many units a
worker may have open at once, for work that mostly waits. Workers in other processes are
given bundles of units.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, TypeVar

U_contra = TypeVar("U_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
U = TypeVar("U")
R = TypeVar("R")

#: A bundle of units is up to so many times what a worker has open.
_BUNDLE = 4


class Work(Protocol[U_contra, R_co]):
    """What is done to each unit."""

    @property
    def abreast(self) -> int:
        """Units that one worker may have open at once."""

    def __call__(self, unit: U_contra, /) -> Coroutine[Any, Any, R_co]: ...


@lru_cache(maxsize=1)
def loop() -> asyncio.AbstractEventLoop:
    """This process's event loop for work, in a thread of its own: clients of a teacher live as long as the process."""
    made = asyncio.new_event_loop()
    threading.Thread(target=made.run_forever, name="work", daemon=True).start()
    return made


os.register_at_fork(after_in_child=loop.cache_clear)  # threads stay behind in a fork


def begin(work: Work[U, R], unit: U) -> Future[R]:
    """Start the work of a unit in this process."""
    return asyncio.run_coroutine_threadsafe(work(unit), loop())


def do(work: Work[U, R], units: Sequence[U]) -> list[R]:
    """Do the work of some units, in this process."""
    return list(as_done(lambda unit: begin(work, unit), units, work.abreast))


def bundles(units: Iterable[U], abreast: int, workers: int) -> Iterator[list[U]]:
    """Units as they are given to workers in other processes.

    Where several are open at once a worker gets many, since at the end of a bundle it has fewer and fewer open. The
    first bundles are small, so that a short run is spread over all workers too.
    """
    rest, given, most = iter(units), 0, 1 if abreast == 1 else _BUNDLE * abreast
    while bundle := list(islice(rest, min(most, 1 + given // workers))):
        yield bundle
        given += 1


def as_done(submit: Callable[[U], Future[R]], units: Iterable[U], ahead: int) -> Iterator[R]:
    """Results as they are ready; `ahead` units are under way, so that there may be more of them than fit in memory."""
    waiting: set[Future[R]] = set()
    try:
        for unit in units:
            waiting.add(submit(unit))
            while len(waiting) >= ahead:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    finally:  # one failed: the others may finish what they have begun, so that what is paid for is filed
        wait(waiting)
