"""`local`: work runs on this machine, in this process or in several."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import current_process
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, TypeVar, cast

from relata.engines import Work, as_done, begin
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
            yield from as_done(lambda unit: pool.submit(_do, work, unit), units, 2 * workers)
        except BrokenProcessPool as error:
            raise RelataError(
                "a worker process was killed, perhaps for want of memory; run it again, finished shards stay"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def hold(made: T, workers: int = 1) -> Iterator[T]:
    """One object for all workers: they call its methods, which run in this process."""
    if workers == 1:
        yield made
        return
    with Listener(authkey=current_process().authkey) as listener:
        threading.Thread(target=_serve, args=(listener, made), daemon=True).start()
        yield cast(T, _StandIn(listener.address))


def _serve(listener: Listener, made: object) -> None:
    """Take callers until the listener is closed."""
    with suppress(OSError):
        while True:
            caller = listener.accept()
            threading.Thread(target=_attend, args=(caller, made), daemon=True).start()


def _attend(caller: Connection[Any, Any], made: object) -> None:
    """Answer one thread of a worker until it ends."""
    with caller, suppress(EOFError, ConnectionError):
        while True:
            method, arguments = caller.recv()
            try:
                caller.send((getattr(made, method)(*arguments), None))
            except Exception as error:  # the worker raises it where the method was called
                caller.send((None, error))


class _StandIn:
    """Calls the methods of an object that the parent process holds. Every thread has a line of its own."""

    def __init__(self, address: Any) -> None:
        self._address = address
        self._lines = threading.local()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _StandIn) and other._address == self._address

    def __hash__(self) -> int:
        return hash(self._address)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):  # nothing that pickle or copy look for
            raise AttributeError(method)
        return lambda *arguments: self._call(method, arguments)

    def __getstate__(self) -> Any:
        return self._address

    def __setstate__(self, address: Any) -> None:
        self.__init__(address)  # type: ignore[misc]

    def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        line = getattr(self._lines, "line", None)
        if line is None:
            line = self._lines.line = Client(self._address, authkey=current_process().authkey)
        line.send((method, arguments))
        result, error = line.recv()
        if error is not None:
            raise error
        return result


def _do(work: Work[U, R], unit: U) -> R:
    return begin(work, unit).result()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever; so it watches the parent and ends too."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()
