"""A teacher answers a recipe's requests. One file per kind of teacher, each with `teacher(argument) -> Teacher`.

A teacher is named as `kind` or `kind:argument`: `rules`, `script:replies.jsonl`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from relata.names import component


class Prompt(NamedTuple):
    """What a teacher is told: its task, a few worked examples, and the request itself."""

    system: str
    turns: tuple[tuple[str, str], ...]
    """Worked examples: request and reply."""
    user: str
    version: str
    """Digest of the prompt's file; kept with every example."""


@dataclass(frozen=True)
class Request:
    """One question to a teacher."""

    id: str
    """Unique in a run; the example that comes of it bears the same id."""
    prompt: Prompt
    images: tuple[str, ...]
    """Paths of the images that go with the prompt."""
    offline: Callable[[], str] = field(repr=False, compare=False)
    """Makes the recipe's own reply, by rules; what the teacher `rules` answers."""


class NoReply(Exception):
    """The teacher could not answer this request; the message says why. The request is counted as failed."""


class Teacher(Protocol):
    """Whoever answers requests. Many answers are awaited at once; their order does not matter."""

    @property
    def name(self) -> str:
        """Kept with every example; two teachers that may answer differently have different names."""

    async def answer(self, request: Request) -> str:
        """The reply to one request.

        Raises:
            NoReply: if there is none.
        """


def teacher(spec: str) -> Teacher:
    """The teacher called `kind` or `kind:argument`.

    Raises:
        RelataError: if there is no such kind, or its argument is not as it needs it.
    """
    kind, _, argument = spec.partition(":")
    made: Teacher = component("teachers", kind).teacher(argument)
    return made
