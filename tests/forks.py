"""Work in a child process that a test can kill."""

from __future__ import annotations

import os
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Do something in a child process and return its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def lived(child: int) -> bool:
    """Wait for a child process; whether it ended by itself."""
    return os.waitpid(child, 0)[1] == 0
