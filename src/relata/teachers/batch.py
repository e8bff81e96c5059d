"""`batch:settings.yaml`: the provider's batch mode, slower and at a lower price; nothing is paid for twice.

Requests that are awaited together go into one batch, or into several where the provider's limits ask for it. A folder
keeps what was sent: a run that is started again finds its batches, under way or done, and takes their replies. What is
written there before a batch is made, its digest, is also in the batch's metadata, so that even a batch whose id was
never heard is found.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import msgspec

from relata import store
from relata.scene import Record, decode, encode
from relata.teachers import NoReply, Reply, Request
from relata.teachers._batches import ENDPOINT, Line, Made, Provider
from relata.teachers._chat import Completion, Fault, body, completion, reply, said
from relata.teachers._client import needs_openai
from relata.teachers._settings import Count, Seconds, Settings, settings


class BatchSettings(Settings, frozen=True, kw_only=True):
    """How a model is asked in batches. Prices are those of the batch mode; `patience` is not used."""

    state: str = ""
    """Folder that keeps what was sent; empty: `batches` beside the settings. Delete it to ask all anew."""
    requests: Count = 50_000
    """The provider's limit for one batch."""
    bytes: Count = 200_000_000
    """The provider's limit for one batch's file."""
    batches: Count = 4
    """Batches under way at once; 1 where the provider limits the tokens that may be queued."""
    window: str = "24h"
    """Time that the provider has."""
    gather: Seconds = 2.0
    """A batch that is not full is sent after so many seconds without a new request."""
    poll: Seconds = 30.0
    """Seconds between looks at a batch."""


class Sent(Record, frozen=True):
    """A batch, as the folder keeps it."""

    digest: str
    """Of its requests; also in its metadata."""
    ids: tuple[str, ...]
    """Of its requests, each made of the request's content."""
    batch: str = ""
    """The provider's id; empty until it is known."""


class _File:
    """Requests that wait to be sent, on disk."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "next.jsonl"
        self.ids: list[str] = []
        self.size = 0
        self._digest = hashlib.sha256()
        self._file: BinaryIO = self.path.open("wb")

    def add(self, id: str, line: bytes) -> None:
        self._file.write(line)
        self._digest.update(line)
        self.ids.append(id)
        self.size += len(line)

    def close(self) -> Sent:
        """Give the file the name of its digest."""
        self._file.close()
        sent = Sent(self._digest.hexdigest()[:32], tuple(self.ids))
        self.path.rename(self.path.with_name(f"{sent.digest}.jsonl"))
        return sent


class Batch:
    """Asks in batches. Of one process: its folder has one user at a time."""

    paid = True

    def __init__(self, settings: BatchSettings, folder: Path) -> None:
        self.settings = settings
        self.name = settings.name("batch")
        self.longest = settings.max_tokens
        self.concurrency = settings.requests * settings.batches
        self.folder = folder
        self._key = settings.key()
        self._desk: _Desk | None = None
        self._held = ExitStack()

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return self.settings.price(tokens_in, tokens_out)

    async def answer(self, request: Request) -> Reply:
        start = time.monotonic()
        if self._desk is None:
            self._held.enter_context(store.lock(self.folder))
        if self._desk is None or self._desk.loop is not asyncio.get_running_loop():
            self._desk = _Desk(self.settings, self.folder, self._key)
        found = await self._desk.ask(request)
        return reply(self.settings, request, found, time.monotonic() - start)

    def close(self) -> None:
        """Let go of the folder."""
        self._held.close()
        self._desk = None


class _Desk:
    """What goes out and what comes back; of one event loop."""

    def __init__(self, settings: BatchSettings, folder: Path, key: str) -> None:
        self.settings = settings
        self.folder = folder
        self.loop = asyncio.get_running_loop()
        self.provider = Provider(settings, key, 10 * settings.bytes, settings.poll)
        self._results: dict[str, asyncio.Future[Completion]] = {}
        self._before: dict[str, Sent] = {}
        """Requests of batches that an earlier run sent."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(settings.batches)
        self._file: _File | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ready = asyncio.ensure_future(self._remember())

    async def _remember(self) -> None:
        """Take up what an earlier run sent. What never became a batch is not paid for and comes again by itself."""
        for path in sorted(self.folder.glob("*.json")):
            sent = decode(path.read_bytes(), Sent, str(path))
            if not sent.batch:
                sent = sent.replace(batch=await self.provider.find(sent.digest) or "")
            if sent.batch:
                self._keep(sent)
                self._before.update(dict.fromkeys(sent.ids, sent))
            else:
                path.unlink()
        for path in self.folder.glob("*.jsonl"):
            path.unlink()

    def _keep(self, sent: Sent) -> None:
        store.write(self.folder / f"{sent.digest}.json", [encode(sent), b"\n"])

    async def ask(self, request: Request) -> Completion:
        """The completion of a request, from a batch of before or from one of now."""
        await asyncio.shield(self._ready)
        id, line = await self._line(request)
        if sent := self._before.get(id):
            if sent.digest not in self._tasks:
                self._watch(sent)
            try:
                return await asyncio.shield(self._results[id])
            except NoReply:  # it came to nothing then; once more
                if self._before.pop(id, None):
                    del self._results[id]
        if id not in self._results:
            self._send(id, line)
        found = await asyncio.shield(self._results[id])
        self._results.pop(id, None)
        return found

    async def _line(self, request: Request) -> tuple[str, bytes]:
        """A request's id, made of its content, and its line in a batch's file."""
        content = body(self.settings, request, await request.load())
        id = hashlib.sha256(self.settings.base.encode() + b" " + content).hexdigest()[:32]
        line = {"custom_id": id, "method": "POST", "url": ENDPOINT, "body": msgspec.Raw(content)}
        return id, msgspec.json.encode(line) + b"\n"

    def _send(self, id: str, line: bytes) -> None:
        """Put a line into the file that goes out next, and send that when it is full."""
        if len(line) > self.settings.bytes:
            raise NoReply(f"the request has {len(line)} bytes, and a batch has place for {self.settings.bytes}")
        if self._file and self._file.size + len(line) > self.settings.bytes:
            self._close()
        self._file = self._file or _File(self.folder)
        self._file.add(id, line)
        self._expect([id])
        if self._timer:
            self._timer.cancel()
        if len(self._file.ids) == self.settings.requests:
            self._close()
        else:
            self._timer = self.loop.call_later(self.settings.gather, self._close)

    def _close(self) -> None:
        """Send what has come together."""
        if self._timer:
            self._timer.cancel()
        if self._file:
            sent, self._file = self._file.close(), None
            self._keep(sent)
            self._watch(sent)

    def _expect(self, ids: Iterable[str]) -> None:
        for id in ids:
            future: asyncio.Future[Completion] = self.loop.create_future()
            future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else may be waiting
            self._results[id] = future

    def _watch(self, sent: Sent) -> None:
        self._expect(id for id in sent.ids if id not in self._results)
        self._tasks[sent.digest] = asyncio.ensure_future(self._see_through(sent))

    async def _see_through(self, sent: Sent) -> None:
        """Send a batch if it is not sent, wait for its end, and hand out what came of it."""
        waiting = {id: self._results[id] for id in sent.ids}
        cause: Exception = NoReply("the batch has no line for this request")
        try:
            async with self._places:
                done = await self._done(sent)
                if done.status != "completed":
                    told = self.provider.hidden(msgspec.json.encode(done.errors)[:500].decode("utf-8", "replace"))
                    cause = NoReply(f"batch {done.id} {done.status}: {told}")
                found: dict[str, Completion | NoReply] = {}
                for line in await self.provider.results(done):
                    found.setdefault(line.custom_id, self._read(line))
                for id, result in unmixed(found).items():
                    if isinstance(result, NoReply) and id in waiting:
                        waiting[id].set_exception(result)
                    elif isinstance(result, Completion) and id in waiting:
                        waiting[id].set_result(result)
        except Exception as error:  # whoever waits gets it, whatever it is, or would wait for ever
            cause = error
        for future in waiting.values():
            if not future.done():
                future.set_exception(cause)

    async def _done(self, sent: Sent) -> Made:
        """A batch that has ended."""
        if not sent.batch:
            file = self.folder / f"{sent.digest}.jsonl"
            sent = sent.replace(batch=await self.provider.make(file, sent.digest, self.settings.window))
            self._keep(sent)
            file.unlink()
        return await self.provider.end(sent.batch)

    def _read(self, line: Line) -> Completion | NoReply:
        """What a line of the results says."""
        try:
            if line.response is None or line.response.status_code != 200:
                what = line.response and said(bytes(line.response.body)).message
                raise Fault(f"failed in the batch: {what or line.error}")
            return completion(bytes(line.response.body), self.provider.hidden)
        except Fault as error:
            return NoReply(self.provider.hidden(str(error)))


def unmixed(found: dict[str, Completion | NoReply]) -> dict[str, Completion | NoReply]:
    """The results without replies that several requests share: whose they are cannot be told.

    They are told by the id that the provider gives to a reply, unless it gives one id to replies that differ.
    """
    texts: dict[str, set[str | None]] = {}
    owners: dict[str, int] = {}
    for made in found.values():
        if isinstance(made, Completion) and made.id:
            texts.setdefault(made.id, set()).add(made.choices[0].message.content)
            owners[made.id] = owners.get(made.id, 0) + 1
    if any(len(each) > 1 for each in texts.values()):
        return found
    mixed = NoReply("the reply is that to another request, come twice")
    return {
        id: mixed if isinstance(made, Completion) and owners.get(made.id, 1) > 1 else made for id, made in found.items()
    }


def teacher(argument: str) -> Batch:
    """The teacher behind a provider's batch mode.

    Raises:
        MissingExtra: without the `openai` client.
        RelataError: if settings make no sense, or the key is absent.
    """
    needs_openai()
    found = settings(argument, BatchSettings, "batch")
    beside = Path(argument).parent if Path(argument).suffix else Path()
    return Batch(found, beside / (found.state or "batches"))
