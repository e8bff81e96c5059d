"""An engine is where work runs. One file each, with two functions:

    run(work, units, workers)  does the work of every unit; results come as they are ready, in any order
    hold(object, workers)      a context: gives a stand-in for an object of this process, which all workers may call

Work is an async function of a unit that can be pickled, as units and results can; its `abreast` says how many units a
worker may have open at once, for work that mostly waits.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import lru_cache
from typing import Any, Protocol, TypeVar

U_contra = TypeVar("U_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)
U = TypeVar("U")
R = TypeVar("R")


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


def begin(work: Callable[[U], Coroutine[Any, Any, R]], unit: U) -> Future[R]:
    """Start the work of a unit in this process."""
    return asyncio.run_coroutine_threadsafe(work(unit), loop())


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
