"""A teacher answers a recipe's requests. One file per kind of teacher, each with `teacher(argument) -> Teacher`.

A teacher is named as `kind` or `kind:argument`: `rules`, `script:replies.jsonl`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from relata.names import component


class Prompt(NamedTuple):
    """What a teacher is told: its task, a few worked examples, and the request itself."""

    system: str
    turns: tuple[tuple[str, str], ...]
    """Worked examples: request and reply."""
    user: str
    version: str
    """Digest of the prompt's file; kept with every example."""
    schema: Any = None
    """A type that msgspec knows: the reply has to be JSON of this type. None: free text."""


@dataclass(frozen=True)
class Request:
    """One question to a teacher."""

    id: str
    """Unique in a run; the example that comes of it bears the same id."""
    prompt: Prompt
    images: tuple[str, ...]
    """References of the images that go with the prompt, as the scenes hold them."""
    offline: Callable[[], str] = field(repr=False, compare=False)
    """Makes the recipe's own reply, by rules; what the teacher `rules` answers."""
    pictures: Callable[[], tuple[bytes, ...]] = field(default=tuple, repr=False, compare=False)
    """Reads the files of the images, each checked as safe to open."""
    at_hand: list[tuple[bytes, ...]] = field(default_factory=list, repr=False, compare=False)
    """What `pictures` gave, where somebody has read them already and nobody has used them yet."""

    async def load(self) -> tuple[bytes, ...]:
        """The pictures. Whoever takes them has them alone: requests that wait long hold none."""
        if self.at_hand:
            return self.at_hand.pop()
        return await asyncio.to_thread(self.pictures) if self.images else ()


class Reply(NamedTuple):
    """What a teacher said, and what it cost."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    """US dollars."""
    seconds: float = 0.0


class NoReply(Exception):
    """The teacher could not answer this request; the message says why. The request is counted as failed."""

    def __init__(self, cause: str, reply: Reply | None = None) -> None:
        super().__init__(cause)
        self.reply = reply or Reply("")
        """What was paid for all the same, where it was of no use."""


class Teacher(Protocol):
    """Whoever answers requests. Many answers are awaited at once; their order does not matter."""

    @property
    def name(self) -> str:
        """Kept with every example; two teachers that may answer differently have different names."""

    @property
    def paid(self) -> bool:
        """Its replies cost money or time: each goes through the ledger, and none is asked for twice."""

    @property
    def longest(self) -> int:
        """Most tokens of one reply; what a budget sets aside for a call."""

    @property
    def concurrency(self) -> int:
        """Calls that may be open at once; so many are made again at the most when a run is killed."""

    async def answer(self, request: Request) -> Reply:
        """The reply to one request.

        Raises:
            NoReply: if there is none.
        """

    def price(self, tokens_in: int, tokens_out: int) -> float:
        """What a call of so many tokens costs, in US dollars."""


def teacher(spec: str) -> Teacher:
    """The teacher called `kind` or `kind:argument`.

    Raises:
        RelataError: if there is no such kind, or its argument is not as it needs it.
    """
    kind, _, argument = spec.partition(":")
    made: Teacher = component("teachers", kind).teacher(argument)
    return made
