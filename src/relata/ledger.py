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
import zlib
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack, closing
from functools import cache
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
  cost real not null, seconds real not null, time real not null, crc integer not null
);
create table if not exists failures (
  id integer primary key, key text not null, cause text not null, reply text not null, request text not null,
  teacher text not null, tokens_in integer not null, tokens_out integer not null, cost real not null, time real not null
);
"""

_REMEDY = "`relata ledger FILE --save NEW` writes what can still be read into a new file; or restore a copy"
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
    schema = None if prompt.schema is None else _schema(prompt.schema)
    asked = [teacher, prompt.system, prompt.turns, prompt.user, schema, attempt]
    digest = hashlib.sha256(msgspec.json.encode(asked, order="deterministic"))
    for picture in pictures:
        digest.update(hashlib.sha256(picture).digest())
    return digest.hexdigest()


@cache
def _schema(type: Any) -> dict[str, Any]:
    return msgspec.json.schema(type)


def _crc(entry: Entry) -> int:
    """A checksum of all that is filed of a reply, types included: a flipped bit makes bytes of a text."""
    return zlib.crc32(repr(entry).encode(errors="replace"))


def unpacked(row: Sequence[Any]) -> tuple[Entry, bool]:
    """The reply that a row of the file holds, and whether it is as it was filed."""
    key, kept, text, cause, request, teacher, prompt, tokens_in, tokens_out, cost, seconds, _, crc = row
    entry = Entry(key, Reply(text, tokens_in, tokens_out, cost, seconds), bool(kept), cause, request, teacher, prompt)
    return entry, _crc(entry) == crc


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
        self._todo: queue.SimpleQueue[tuple[str, tuple[Any, ...], Future[int]] | None] = queue.SimpleQueue()
        self._held = 0.0
        self._fault: RelataError | None = None
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)
        with ExitStack() as opened:
            opened.enter_context(store.lock(self.path.parent, f".{self.path.name}.lock"))
            self._read = opened.enter_context(closing(self._connect()))
            base = opened.enter_context(closing(self._connect()))
            self._spent = self.spent().cost
            self._opened = opened.pop_all()
        self._writer = threading.Thread(target=self._write, args=(base,), name="ledger", daemon=True)
        self._writer.start()

    def _connect(self) -> sqlite3.Connection:
        with ExitStack() as opened:
            try:
                base = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
                opened.callback(base.close)
                base.text_factory = lambda text: text.decode(errors="replace")  # a damaged text is told by its checksum
                base.execute("pragma journal_mode=wal")
                base.execute("pragma synchronous=full")
                version = base.execute("pragma user_version").fetchone()[0]
                if version not in (0, SCHEMA):
                    raise RelataError(f"{self.path} has schema {version}, this version of relata reads {SCHEMA}")
                base.executescript(_TABLES)
                base.execute(f"pragma user_version={SCHEMA}")
            except sqlite3.OperationalError as error:  # said of full disks too, in various words
                raise RelataError(
                    f"cannot open {self.path}: {error}; is the disk full? mend that and run again; what is filed stays"
                ) from error
            except sqlite3.DatabaseError as error:
                raise RelataError(f"{self.path} is no ledger, or is damaged: {error}; {_REMEDY}") from error
            opened.pop_all()
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
        self._opened.close()

    def find(self, key: str) -> Entry | None:
        """The reply filed under a digest; one that was damaged since is listed as a failure, and asked for again.

        Raises:
            RelataError: if the file cannot be read.
        """
        row = self._row("select * from replies where key = ?", key)
        if row is None:
            return None
        entry, whole = unpacked(row)
        if whole:
            return entry
        self._do("delete from replies where key = ?", (key,))
        self._list(key, "the reply was damaged in the file", entry.reply, entry.request, entry.teacher)
        return None

    def reserve(self, most: float) -> None:
        """Set money aside for a call that costs `most` at the most; `record` or `fail` settles it.

        Where too little is left for now, this waits for calls under way, which may cost less than was set aside.

        Raises:
            BudgetSpent: if what is spent and `most` are together over the budget.
            RelataError: if something could not be filed: what would be paid for now might be lost too.
        """
        if self._fault:
            raise self._fault
        with self._lock:
            while self._budget is not None and self._spent + self._held + most > self._budget:
                # a worker that was lost never gives back what it set aside, so the wait has an end
                if self._spent + most > self._budget or not self._settled.wait(PATIENCE):
                    raise BudgetSpent(
                        f"budget: ${self._spent:.4f} of ${self._budget:.4f} is spent, and the next call may cost "
                        f"${most:.4f}; raise the budget and run again to go on"
                    )
            self._held += most

    def record(self, entry: Entry, most: float) -> Entry:
        """File a reply; it is on disk when this returns.

        Args:
            most: what was reserved for the call.

        Returns:
            What is filed now: the reply of another worker, if that has asked the same and was first.
        """
        reply = entry.reply
        new = self._do(
            "insert or ignore into replies values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (entry.key, entry.kept, reply.text, entry.cause, entry.request, entry.teacher, entry.prompt,
             reply.tokens_in, reply.tokens_out, reply.cost, reply.seconds, time.time(), _crc(entry)),
        )  # fmt: skip
        self._settle(most, reply.cost)
        return entry if new else self.find(entry.key) or entry

    def fail(self, key: str, request: str, teacher: str, cause: str, reply: Reply, most: float) -> None:
        """Note a call that had no reply, or one that was paid for but is of no use to anybody.

        Args:
            most: what was reserved for the call.
        """
        self._list(key, cause, reply, request, teacher)
        self._settle(most, reply.cost)

    def release(self, most: float) -> None:
        """Give back what was set aside for a call that did not take place."""
        self._settle(most, 0.0)

    def spent(self) -> Spent:
        """Totals over all runs."""
        kept = self._row(f"select count(*), coalesce(sum(kept), 0), {_SUMS} from replies")
        lost = self._row(f"select count(*), {_SUMS} from failures")
        return Spent(kept[0], kept[1], lost[0], *(one + other for one, other in zip(kept[2:], lost[1:])))

    def typical(self, teacher: str, prompt: str) -> Typical | None:
        """What calls of a teacher with a prompt have taken so far."""
        row = self._row(
            "select count(*), avg(tokens_in), avg(tokens_out), avg(seconds), avg(1 - kept) from replies"
            " where teacher = ? and prompt = ?",
            teacher,
            prompt,
        )
        return Typical(*row) if row[0] else None

    def _row(self, question: str, *values: str) -> Any:
        try:
            with self._lock:
                return self._read.execute(question, values).fetchone()
        except sqlite3.Error as error:
            raise RelataError(f"{self.path} is damaged: {error}; {_REMEDY}") from error

    def _list(self, key: str, cause: str, reply: Reply, request: str, teacher: str) -> None:
        """Put a call into the list of failures."""
        self._do(
            "insert into failures (key, cause, reply, request, teacher, tokens_in, tokens_out, cost, time)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, cause, reply.text, request, teacher, reply.tokens_in, reply.tokens_out, reply.cost, time.time()),
        )

    def _settle(self, most: float, cost: float) -> None:
        with self._lock:
            self._held -= most
            self._spent += cost
            self._settled.notify_all()

    def _do(self, statement: str, row: tuple[Any, ...]) -> int:
        """Write something; how many rows it changed, once they are on disk."""
        done: Future[int] = Future()
        self._todo.put((statement, row, done))
        return done.result()

    def _write(self, base: sqlite3.Connection) -> None:
        """Commit whatever has come together while the last commit went to disk: one flush serves many calls."""
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

    def _commit(self, base: sqlite3.Connection, batch: Sequence[tuple[str, tuple[Any, ...], Future[int]]]) -> None:
        try:
            base.execute("begin immediate")
            changed = [base.execute(statement, row).rowcount for statement, row, _ in batch]
            base.execute("commit")
        except Exception as error:  # whatever it is, those who wait have to hear of it
            if base.in_transaction:
                base.execute("rollback")
            said = RelataError(f"cannot write {self.path}: {error}; mend that and run again; what is filed stays")
            self._fault = said
            for *_, done in batch:
                done.set_exception(said)
        else:
            for (*_, done), rows in zip(batch, changed):
                done.set_result(rows)
