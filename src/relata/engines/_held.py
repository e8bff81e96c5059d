"""An object of one process that workers in other processes, also on other machines, may call."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, TypeVar, cast

T = TypeVar("T")


@contextmanager
def held(made: T, host: str | None = None) -> Iterator[T]:
    """A stand-in that can be pickled: its methods are those of `made`, and run in this process.

    Args:
        host: address of this machine under which workers reach it; None: they are all on this machine.
    """
    key = os.urandom(32)  # goes to workers with the stand-in; nobody else is listened to
    with Listener((host, 0) if host else None, backlog=128, authkey=key) as listener:
        threading.Thread(target=_serve, args=(listener, made), daemon=True).start()
        yield cast(T, _StandIn(listener.address, key))


def _serve(listener: Listener, made: object) -> None:
    """Take callers until the listener is closed."""
    while True:
        try:
            caller = listener.accept()
        except (EOFError, ConnectionError, AuthenticationError):
            continue  # a caller that gave up, or is none of ours
        except OSError:
            return
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
    """Calls the methods of an object elsewhere. Every thread has a line of its own."""

    def __init__(self, address: Any, key: bytes) -> None:
        self._address = address
        self._key = key
        self._lines = threading.local()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _StandIn) and other._key == self._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        if method.startswith("_"):  # nothing that pickle or copy look for
            raise AttributeError(method)
        return lambda *arguments: self._call(method, arguments)

    def __reduce__(self) -> Any:
        return _StandIn, (self._address, self._key)

    def _call(self, method: str, arguments: tuple[Any, ...]) -> Any:
        line = getattr(self._lines, "line", None)
        if line is None:
            line = self._lines.line = Client(self._address, authkey=self._key)
        line.send((method, arguments))
        result, error = line.recv()
        if error is not None:
            raise error
        return result
