"""The one door to a teacher, for recipes, filters and judges alike.

A paid teacher's replies go through the ledger: what is filed is not asked again, what is new is filed before it is
used. A reply that cannot be used is told back to the teacher, with the reason, a few times. Throttling and lost
connections are the teacher's own business and use up none of these tries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Protocol, TypeVar

from relata import ledger
from relata.errors import RelataError, Unsafe
from relata.filters import Rejection
from relata.ledger import Entry
from relata.teachers import NoReply, Prompt, Reply, Request, Teacher

#: Times that one thing is asked, when the replies cannot be used.
TRIES = 3

#: So many requests are made ready, with pictures read and money set aside, while all places for calls are taken.
_AHEAD = 8

#: Threads that wait for disks, and for a ledger elsewhere; with more of them they mostly wait for each other.
_THREADS = 16

#: Characters per token, to set money aside before a call; English text has about four, so this is on the safe side.
_PER_TOKEN = 3
#: Tokens of an image, to set money aside; the largest of the common prices for one picture.
_PER_IMAGE = 1600

T = TypeVar("T")


class Filing(Protocol):
    """What the door needs of a ledger; it may live in another process."""

    def __hash__(self) -> int: ...
    def find(self, key: str) -> Entry | None: ...
    def reserve(self, most: float) -> None: ...
    def record(self, entry: Entry, most: float) -> Entry: ...
    def fail(self, key: str, request: str, teacher: str, cause: str, reply: Reply, most: float) -> None: ...
    def release(self, most: float) -> None: ...


class Asks(Protocol):
    """What recipes and filters need of a door."""

    async def ask(self, request: Request, read: Callable[[str], T | Rejection]) -> T | Rejection: ...


class Door:
    """Asks one teacher.

    Args:
        teacher: who answers.
        filing: the ledger; only a paid teacher needs one.
        tries: how often one thing is asked when replies cannot be used.
    """

    def __init__(self, teacher: Teacher, filing: Filing | None = None, tries: int = TRIES) -> None:
        if teacher.paid and filing is None:
            raise ValueError(f"teacher {teacher.name} is paid, so its replies need a ledger")
        self.teacher = teacher
        self._filing: Filing = filing  # type: ignore[assignment]  # only a paid teacher comes to use it
        self._tries = tries
        self._under_way: dict[str, asyncio.Future[Entry]] = {}
        self._fault: RelataError | None = None
        """Why the ledger takes nothing more."""
        self._ready = asyncio.Semaphore(teacher.concurrency + _AHEAD)  # so many have their pictures in memory
        self._places = asyncio.Semaphore(teacher.concurrency)  # a call keeps its place until its reply is filed
        self._threads = ThreadPoolExecutor(_THREADS, "door")
        self._money = ThreadPoolExecutor(1, "money")  # may wait for what other calls give back, so it waits apart

    async def ask(self, request: Request, read: Callable[[str], T | Rejection]) -> T | Rejection:
        """The value that `read` makes of a reply, or why there is none: the last reply's fault, `no-reply`, or
        why an image of the request was not opened.

        Args:
            read: makes a value of a reply, or says what is wrong with it.

        Raises:
            BudgetSpent: if the call could cost more than what is left.
            RelataError: if the ledger cannot be written.
        """
        try:
            if not self.teacher.paid:
                return read_back((await self.teacher.answer(request)).text, read)
            return await self._ask_paid(request, read)
        except NoReply as error:
            return Rejection("no-reply", str(error), request.id, failed=True)
        except Unsafe as error:
            return Rejection(error.reason, str(error), request.id)

    async def _ask_paid(self, request: Request, read: Callable[[str], T | Rejection]) -> T | Rejection:
        outcome: T | Rejection
        read = lru_cache(1)(read)  # whoever pays for a reply reads it before it is filed
        for attempt in range(self._tries):
            async with self._ready:
                text = (await self._entry(request, attempt, read)).reply.text
            outcome = read_back(text, read)
            if not isinstance(outcome, Rejection):
                break
            request = replace(request, prompt=_again(request.prompt, text, outcome), at_hand=[])
        return outcome

    async def _entry(self, request: Request, attempt: int, read: Callable[[str], T | Rejection]) -> Entry:
        """The filed reply; whoever asks for what another one is asking for already waits for that."""
        key, filed = await self._off(self._look_up, request, attempt)
        if filed:
            return filed
        while key in self._under_way:
            try:
                return await asyncio.shield(self._under_way[key])
            except NoReply:
                continue
        mine: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        mine.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody else may be waiting
        self._under_way[key] = mine
        try:
            entry = await self._pay(key, request, read)
        except BaseException as error:
            mine.set_exception(error if isinstance(error, Exception) else NoReply("the run was stopped"))
            raise
        else:
            mine.set_result(entry)
            return entry
        finally:
            del self._under_way[key]

    async def _pay(self, key: str, request: Request, read: Callable[[str], T | Rejection]) -> Entry:
        name, most = self.teacher.name, self.teacher.price(size(request), self.teacher.longest)
        # first the money, then the place: whoever waits for money must not keep those from calling who have it
        filed = await asyncio.get_running_loop().run_in_executor(self._money, self._begin, key, most)
        if filed:
            return filed
        async with self._places:
            try:
                if self._fault:
                    raise self._fault
                reply = await self.teacher.answer(request)
            except NoReply as error:
                await self._file(self._filing.fail, key, request.id, name, str(error), error.reply, most)
                raise
            except BaseException:  # the run ends here; others may still use the money
                self._filing.release(most)
                raise
            cause, fault = "", None
            try:
                outcome = read_back(reply.text, read)
                if isinstance(outcome, Rejection):
                    cause = f"{outcome.reason}: {outcome.detail}"
            except Exception as error:  # a bug of whoever reads it; what was paid for is filed all the same
                cause, fault = f"reading it failed: {error!r}", error
            entry = Entry(key, Reply(*reply), not cause, cause, request.id, name, request.prompt.version)
            entry = await self._file(self._filing.record, entry, most)
            if fault:
                raise fault
            return entry

    def _look_up(self, request: Request, attempt: int) -> tuple[str, Entry | None]:
        """The digest of a request, and what is filed under it."""
        pictures = request.pictures()
        key = ledger.key(self.teacher.name, request.prompt, pictures, attempt)
        filed = self._filing.find(key)
        if filed is None:
            request.at_hand.append(pictures)
        return key, filed

    def _begin(self, key: str, most: float) -> Entry | None:
        """Set money aside for a call, unless another one has paid for the same in the meantime."""
        filed = self._filing.find(key)
        if filed is None:
            self._filing.reserve(most)
        return filed

    async def _file(self, work: Callable[..., T], *arguments: object) -> T:
        """Write something into the ledger; where that fails, nothing more is asked: it could not be filed either."""
        try:
            return await self._off(work, *arguments)
        except RelataError as error:
            self._fault = error
            raise

    async def _off(self, work: Callable[..., T], *arguments: object) -> T:
        """Do something that waits for a disk, or for another process, off the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


def read_back(text: str, read: Callable[[str], T | Rejection]) -> T | Rejection:
    """What `read` makes of a reply; a rejection carries the whole reply."""
    outcome = read(text)
    return outcome.replace(reply=text) if isinstance(outcome, Rejection) else outcome


def size(request: Request) -> int:
    """Tokens of a request, at the most."""
    prompt = request.prompt
    texts = [prompt.system, prompt.user, *(text for turn in prompt.turns for text in turn)]
    return sum(len(text.encode()) for text in texts) // _PER_TOKEN + 16 * len(texts) + _PER_IMAGE * len(request.images)


def _again(prompt: Prompt, reply: str, fault: Rejection) -> Prompt:
    """The prompt with what was wrong with the last reply at its end."""
    said = f"{fault.reason}: {fault.detail}" if fault.detail else fault.reason
    user = (
        f"{prompt.user}\n\nAn earlier reply to this could not be used ({said}). It began:\n"
        f"{reply[:400]}\n\nAnswer again, and mend that."
    )
    return prompt._replace(user=user)
