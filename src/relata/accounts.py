"""What a ledger's calls have cost and why some were of no use, and what can be saved of a ledger that is damaged.

Nothing here locks the ledger: it can be read while a run writes to it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from relata.errors import RelataError
from relata.ledger import Ledger, unpacked

#: Rows that are read and written together when a ledger is saved.
_MANY = 1000
#: No row takes fewer bytes than this, which tells how many there may be in a file of which even that is damaged.
_LEAST = 64


class Account(NamedTuple):
    """The calls of one teacher with one prompt."""

    teacher: str
    prompt: str
    """Version of the prompt's file."""
    calls: int
    """That had a reply."""
    kept: int
    """Replies that the recipe or judge could use."""
    tokens_in: int
    tokens_out: int
    cost: float
    """US dollars."""
    seconds: float
    """Mean time to a reply."""


class Cause(NamedTuple):
    """Why calls were of no use."""

    cause: str
    calls: int
    cost: float
    """US dollars."""


class Saved(NamedTuple):
    """What came of saving a ledger."""

    replies: int
    failures: int
    damaged: int
    """Replies that could be read and are not as they were filed; left out."""


def accounts(path: str | os.PathLike[str]) -> list[Account]:
    """The calls that had a reply, by teacher and prompt, the dearest first.

    Raises:
        RelataError: if there is no ledger, or it is damaged.
    """
    return [
        Account(*row)
        for row in _rows(
            path,
            "select teacher, prompt, count(*), sum(kept), sum(tokens_in), sum(tokens_out), sum(cost) as dollars,"
            " avg(seconds) from replies group by teacher, prompt order by dollars desc, count(*) desc",
        )
    ]


def causes(path: str | os.PathLike[str]) -> list[Cause]:
    """Why replies were refused and calls failed, the most frequent first; what follows a colon is left out.

    Raises:
        RelataError: if there is no ledger, or it is damaged.
    """
    short = "case instr(cause, ':') when 0 then cause else substr(cause, 1, instr(cause, ':') - 1) end"
    return [
        Cause(*row)
        for row in _rows(
            path,
            f"select {short} as why, count(*), sum(cost) from (select cause, cost from replies where not kept"
            " union all select cause, cost from failures) group by why order by count(*) desc, why",
        )
    ]


def save(path: str | os.PathLike[str], into: str | os.PathLike[str]) -> Saved:
    """Write what can still be read of a damaged ledger into a new one, row by row; every reply's checksum is looked at.

    Raises:
        RelataError: if there is no ledger, nothing of it can be read, or `into` exists.
    """
    if Path(into).exists():
        raise RelataError(f"{into} exists; name a new file")
    with closing(_opened(path)) as old:
        try:
            old.execute("select 1 from replies limit 0")
        except sqlite3.Error as error:
            raise RelataError(f"{path}: not even its list of tables can be read ({error}); restore a copy") from error
        Ledger(into).close()  # makes the tables
        with closing(sqlite3.connect(into)) as new:
            replies, damaged = _copied(old, new, "replies")
            failures, _ = _copied(old, new, "failures")
    return Saved(replies, failures, damaged)


def _copied(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> tuple[int, int]:
    """Rows of a table that were copied, and those that were damaged."""
    copied = damaged = 0
    rows = _readable(old, table)
    while some := list(islice(rows, _MANY)):
        whole = [row for row in some if table == "failures" or unpacked(row)[1]]
        marks = ", ".join("?" * len(some[0]))
        with new:
            copied += new.executemany(f"insert or ignore into {table} values ({marks})", whole).rowcount
        damaged += len(some) - len(whole)
    return copied, damaged


def _readable(base: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    """The rows that can be read, each asked for alone: a damaged page hides only those that lie in it."""
    try:
        (last,) = base.execute(f"select max(rowid) from {table}").fetchone()
    except sqlite3.DatabaseError:
        pages, size = (base.execute(f"pragma {what}").fetchone()[0] for what in ("page_count", "page_size"))
        last = pages * size // _LEAST
    for number in range(1, (last or 0) + 1):
        try:
            row = base.execute(f"select * from {table} where rowid = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row:
            yield row


def _rows(path: str | os.PathLike[str], question: str) -> list[Any]:
    try:
        with closing(_opened(path)) as base:
            return base.execute(question).fetchall()
    except sqlite3.DatabaseError as error:
        raise RelataError(f"{path} is no ledger, or is damaged: {error}") from error


def _opened(path: str | os.PathLike[str]) -> sqlite3.Connection:
    if not Path(path).is_file():
        raise RelataError(f"{path}: there is no such file; a run's ledger is ledger.sqlite in its folder")
    base = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    base.text_factory = lambda text: text.decode(errors="replace")  # a damaged text is told by its checksum
    return base
