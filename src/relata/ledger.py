"""The ledger: every reply of a paid teacher, durable before it is used, so that nothing is paid for twice.

A reply is filed under a digest of all that it depends on: prompt, images' bytes, schema, teacher and its settings. A
reply that the recipe or judge could use is `kept`; one that it could not is `refused`, with the cause, and is never
served as an answer: it only spares asking the same again after a restart. Calls without a reply are listed apart, with
their cause, and may be tried again.

The ledger is one SQLite file, written by one process. Workers elsewhere call it through their engine.
"""

from __future__ import annotations

import hashlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from relata import store
from relata.errors import RelataError
from relata.teachers import Prompt, Reply

NAME = "ledger.sqlite"
SCHEMA = 1
#: Seconds to wait for calls under way when the budget is all set aside.
PATIENCE = 600.0

_TABLES = """
create table if not exists replies (
  key text primary key, kept integer not null, reply text not null, cause text not null, request text not null,
  teacher text not null, prompt text not null, tokens_in integer not null, tokens_out integer not null,
  cost real not null, seconds real not null, time real not null
) without rowid;
create table if not exists failures (
  id integer primary key, key text not null, cause text not null, reply text not null, request text not null,
  teacher text not null, tokens_in integer not null, tokens_out integer not null, cost real not null, time real not null
);
create index if not exists by_prompt on replies (teacher, prompt);
"""

_SUMS = "coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0), coalesce(sum(cost), 0.0)"


class BudgetSpent(RelataError):
    """The next call could cost more than what is left of the budget."""


class Entry(NamedTuple):
    """One reply as the ledger holds it."""

    key: str
    reply: Reply
    kept: bool
    """The recipe or judge that asked could use it."""
    cause: str
    """Why it could not."""
    request: str
    """Id of the request that was answered first."""
    teacher: str
    prompt: str
    """Version of the prompt's file."""


class Spent(NamedTuple):
    """What a ledger's replies have cost."""

    calls: int
    kept: int
    failures: int
    tokens_in: int
    tokens_out: int
    cost: float
    """US dollars, of replies that were refused or of no use too."""


class Typical(NamedTuple):
    """What one call has taken on average, of calls that are like it."""

    calls: int
    tokens_in: float
    tokens_out: float
    seconds: float
    again: float
    """Share of replies that could not be used, each of which was asked for again."""


def key(teacher: str, prompt: Prompt, pictures: Sequence[bytes], attempt: int = 0) -> str:
    """The digest that a reply is filed under. One changed pixel, word, field of the schema or setting changes it."""
    schema = None if prompt.schema is None else msgspec.json.schema(prompt.schema)
    asked = [teacher, prompt.system, prompt.turns, prompt.user, schema, attempt]
    digest = hashlib.sha256(msgspec.json.encode(asked, order="deterministic"))
    for picture in pictures:
        digest.update(hashlib.sha256(picture).digest())
    return digest.hexdigest()


class Ledger:
    """A ledger file, opened by its one writer. Its methods may be called from any thread.

    Args:
        path: the SQLite file; made when it does not exist.
        budget: US dollars that all calls filed in it may cost together, those of earlier runs included.

    Raises:
        RelataError: if another process has it open, or it is no ledger.
    """

    def __init__(self, path: str | os.PathLike[str], budget: float | None = None) -> None:
        self.path = Path(path)
        self._budget = budget
        self._todo: queue.SimpleQueue[tuple[str, tuple[Any, ...], Future[None]] | None] = queue.SimpleQueue()
        self._held = 0.0
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        self._owner = store.lock(self.path.parent, f".{self.path.name}.lock")
        self._owner.__enter__()
        try:
            self._read = self._connect()
            self._spent = self.spent().cost
        except BaseException:
            self._owner.__exit__(None, None, None)
            raise
        self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    def _connect(self) -> sqlite3.Connection:
        try:
            base = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
            base.execute("pragma journal_mode=wal")
            base.execute("pragma synchronous=full")
            version = base.execute("pragma user_version").fetchone()[0]
            if version not in (0, SCHEMA):
                raise RelataError(f"{self.path} has schema {version}, this version of relata reads {SCHEMA}")
            base.executescript(_TABLES)
            base.execute(f"pragma user_version={SCHEMA}")
        except sqlite3.DatabaseError as error:
            raise RelataError(f"{self.path} is no ledger, or is damaged: {error}; name another file") from error
        return base

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for what is being written, and let go of the file."""
        self._todo.put(None)
        self._writer.join()
        self._read.close()
        self._owner.__exit__(None, None, None)

    def find(self, key: str) -> Entry | None:
        """The reply filed under a digest."""
        with self._lock:
            row = self._read.execute(
                "select reply, tokens_in, tokens_out, cost, seconds, kept, cause, request, teacher, prompt"
                " from replies where key = ?",
                (key,),
            ).fetchone()
        return row and Entry(key, Reply(*row[:5]), bool(row[5]), *row[6:])

    def reserve(self, most: float) -> None:
        """Set money aside for a call that costs `most` at the most; `record` or `fail` settles it.

        Where too little is left for now, this waits for calls under way, which may cost less than was set aside.

        Raises:
            BudgetSpent: if what is spent and `most` are together over the budget.
        """
        with self._lock:
            while self._budget is not None and self._spent + self._held + most > self._budget:
                # a worker that was lost never gives back what it set aside, so the wait has an end
                if self._spent + most > self._budget or not self._settled.wait(PATIENCE):
                    raise BudgetSpent(
                        f"budget: ${self._spent:.4f} of ${self._budget:.4f} is spent, and the next call may cost "
                        f"${most:.4f}; raise the budget and run again to go on"
                    )
            self._held += most

    def record(self, entry: Entry, most: float) -> None:
        """File a reply; it is on disk when this returns.

        Args:
            most: what was reserved for the call.
        """
        reply = entry.reply
        self._do(
            "insert or ignore into replies values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (entry.key, entry.kept, reply.text, entry.cause, entry.request, entry.teacher, entry.prompt,
             reply.tokens_in, reply.tokens_out, reply.cost, reply.seconds, time.time()),
        )  # fmt: skip
        self._settle(most, reply.cost)

    def fail(self, key: str, request: str, teacher: str, cause: str, reply: Reply, most: float) -> None:
        """Note a call that had no reply, or one that was paid for but is of no use to anybody.

        Args:
            most: what was reserved for the call.
        """
        self._do(
            "insert into failures (key, cause, reply, request, teacher, tokens_in, tokens_out, cost, time)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, cause, reply.text, request, teacher, reply.tokens_in, reply.tokens_out, reply.cost, time.time()),
        )
        self._settle(most, reply.cost)

    def release(self, most: float) -> None:
        """Give back what was set aside for a call that did not take place."""
        self._settle(most, 0.0)

    def spent(self) -> Spent:
        """Totals over all runs."""
        with self._lock:
            kept = self._read.execute(f"select count(*), coalesce(sum(kept), 0), {_SUMS} from replies").fetchone()
            lost = self._read.execute(f"select count(*), {_SUMS} from failures").fetchone()
        return Spent(kept[0], kept[1], lost[0], *(one + other for one, other in zip(kept[2:], lost[1:])))

    def typical(self, teacher: str, prompt: str) -> Typical | None:
        """What calls of a teacher with a prompt have taken so far."""
        with self._lock:
            row = self._read.execute(
                "select count(*), avg(tokens_in), avg(tokens_out), avg(seconds), avg(1 - kept) from replies"
                " where teacher = ? and prompt = ?",
                (teacher, prompt),
            ).fetchone()
        return Typical(*row) if row[0] else None

    def _settle(self, most: float, cost: float) -> None:
        with self._lock:
            self._held -= most
            self._spent += cost
            self._settled.notify_all()

    def _do(self, statement: str, row: tuple[Any, ...]) -> None:
        done: Future[None] = Future()
        self._todo.put((statement, row, done))
        done.result()

    def _write(self) -> None:
        """Commit whatever has come together while the last commit went to disk: one flush serves many calls."""
        with closing(self._connect()) as base:
            while (first := self._todo.get()) is not None:
                batch, last = [first], False
                while not self._todo.empty():
                    more = self._todo.get()
                    if more is None:
                        last = True
                        break
                    batch.append(more)
                self._commit(base, batch)
                if last:
                    return

    def _commit(self, base: sqlite3.Connection, batch: Sequence[tuple[str, tuple[Any, ...], Future[None]]]) -> None:
        try:
            base.execute("begin immediate")
            for statement, row, _ in batch:
                base.execute(statement, row)
            base.execute("commit")
        except sqlite3.Error as error:
            if base.in_transaction:
                base.execute("rollback")
            said = RelataError(f"cannot write {self.path}: {error}; mend that and run again; what is filed stays")
            for *_, done in batch:
                done.set_exception(said)
        else:
            for *_, done in batch:
                done.set_result(None)
