"""The user's mistakes, told in one line: what was wrong, where, and what to do.

A `RelataError` is printed by the command line without a traceback; any other exception is a bug of ours and keeps its
traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NoReturn


class RelataError(ValueError):
    """Something the user can mend: a bad record, a wrong name, a missing file."""


class MissingExtra(RelataError, ImportError):
    """An optional package is absent; the message holds the line that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; it comes with an extra: pip install 'relata[{extra}]'")


def near(name: str, known: Iterable[str]) -> str:
    """A sentence that offers the known names closest to `name`, or all of them when none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known: {', '.join(names) or 'none'}"


def unknown(kind: str, name: str, known: Iterable[str]) -> NoReturn:
    """Refuse a name that does not exist, offering the near ones."""
    raise RelataError(f"unknown {kind} {name!r}; {near(name, known)}")


class Unsafe(RelataError):
    """A file, path, address or archive member that was refused because it may do harm.

    `reason` is a short fixed word that reports count, `detail` the sentence for the user.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)  # both, so that it survives the way between processes
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return self.detail
