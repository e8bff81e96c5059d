"""`local`: work runs on this machine, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from relata.errors import RelataError

U = TypeVar("U")
R = TypeVar("R")


def run(work: Callable[[U], R], units: Iterable[U], workers: int = 1) -> Iterator[R]:
    """Do the work of every unit; results come as they are ready, in any order.

    Args:
        work: can be pickled if `workers` is more than one; so can the units and results.
        units: taken one by one as workers become free, so that there may be more than fit in memory.
        workers: processes. With more than one, the calling script needs the usual `if __name__ == "__main__":`.

    Raises:
        RelataError: if a worker process is killed.
    """
    if workers == 1:
        yield from map(work, units)
        return
    context = multiprocessing.get_context("spawn")  # a forked child would inherit locks and open files
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        try:
            yield from _as_done(pool, work, units, ahead=2 * workers)
        except BrokenProcessPool as error:
            raise RelataError(
                "a worker process was killed, perhaps for want of memory; run it again, finished shards stay"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _as_done(pool: ProcessPoolExecutor, work: Callable[[U], R], units: Iterable[U], ahead: int) -> Iterator[R]:
    waiting: set[Future[R]] = set()
    for unit in units:
        waiting.add(pool.submit(work, unit))
        if len(waiting) == ahead:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    yield from (future.result() for future in wait(waiting).done)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever; so it watches the parent and ends too."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
