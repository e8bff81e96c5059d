"""`ray`: work runs on a Ray cluster, or on this machine if there is none.

`RAY_ADDRESS` names the cluster, as Ray's own tools have it. The run's folder and the folder of images have to be at the
same path on every node. A unit whose node is lost is done again on another one; its replies are in the ledger, which
lives here, with the process that started the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import TypeVar, cast

from relata.engines import Work
from relata.engines._feed import Feed, fed, work_off
from relata.engines._held import held
from relata.errors import MissingExtra, RelataError

try:
    import ray
except ModuleNotFoundError as error:
    raise MissingExtra("ray", "ray") from error

T = TypeVar("T")
U = TypeVar("U")
R = TypeVar("R")


def run(work: Work[U, R], units: Iterable[U], workers: int = 1) -> Iterator[R]:
    """Do the work of every unit; results come as they are ready, in any order.

    Args:
        work: can be pickled, as the units and results can.
        units: taken one by one as workers become free, so that there may be more than fit in memory.
        workers: processes, one processor each.

    Raises:
        RelataError: if the cluster gives up.
    """
    _start()
    # a worker that dies has done nothing wrong: it is started again elsewhere
    task = ray.remote(num_cpus=1, max_retries=-1)(work_off)
    held = ray.put(work)

    def start(feed: Feed[U, R], worker: int) -> Future[None]:
        return cast("Future[None]", task.remote(held, feed, worker).future())

    try:
        yield from fed(start, units, workers, ray.util.get_node_ip_address())
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise RelataError(f"the cluster gave up: {error}; run it again, finished shards stay") from error


def hold(made: T, workers: int = 1) -> AbstractContextManager[T]:
    """One object for all workers: they call its methods, which run in this process."""
    _start()
    return held(made, ray.util.get_node_ip_address())


def _start() -> None:
    if ray.is_initialized():
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS")
    # alone, nothing but this machine need reach it
    alone = {} if address else {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    ray.init(address, log_to_driver=False, **alone)
