"""`local`: work runs on this machine, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from relata.engines import Work, as_done, begin
from relata.engines._feed import fed, work_off
from relata.engines._held import held
from relata.errors import RelataError

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R")


def run(work: Work[U, R], units: Iterable[U], workers: int = 1) -> Iterator[R]:
    """Do the work of every unit; results come as they are ready, in any order.

    Args:
        work: can be pickled if `workers` is more than one; so can the units and results.
        units: taken one by one as workers become free, so that there may be more than fit in memory.
        workers: processes. With more than one, the calling script needs the usual `if __name__ == "__main__":`.

    Raises:
        RelataError: if a worker process is killed.
    """
    if workers == 1:
        yield from as_done(lambda unit: begin(work, unit), units, work.abreast)
        return
    context = multiprocessing.get_context("spawn")  # a forked child would inherit locks and open files
    with ProcessPoolExecutor(workers, context, initializer=_end_with_parent) as pool:
        try:
            yield from fed(lambda feed, worker: pool.submit(work_off, work, feed, worker), units, workers)
        except BrokenProcessPool as error:
            raise RelataError(
                "a worker process was killed, perhaps for want of memory; run it again, finished shards stay"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def hold(made: T, workers: int = 1) -> AbstractContextManager[T]:
    """One object for all workers: they call its methods, which run in this process."""
    return nullcontext(made) if workers == 1 else held(made)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever; so it watches the parent and ends too."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
