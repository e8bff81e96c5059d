"""What the teachers' tests share: requests, an endpoint at a scripted server, answers of many at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from relata.teachers import NoReply, Prompt, Reply, Request, Teacher
from relata.teachers._settings import Settings


def request(n: int | str, schema: Any = None, images: dict[str, bytes] | None = None) -> Request:
    """A request whose echo is `question N`."""
    prompt = Prompt("Be brief.", (("a", "b"),), f"question {n}", "v", schema)
    shown = images or {}
    return Request(f"r{n}", prompt, tuple(shown), lambda: "", lambda: tuple(shown.values()))


def outcomes(teacher: Teacher, requests: Sequence[Request]) -> list[Reply | NoReply]:
    """What becomes of requests that are awaited together."""

    async def one(asked: Request) -> Reply | NoReply:
        try:
            return await teacher.answer(asked)
        except NoReply as error:
            return error

    async def all() -> list[Reply | NoReply]:
        return await asyncio.gather(*map(one, requests))

    return asyncio.run(all())


def outcome(teacher: Teacher, asked: Request) -> Reply | NoReply:
    return outcomes(teacher, [asked])[0]


def told(found: Reply | NoReply) -> str:
    return found.text if isinstance(found, Reply) else f"none: {found}"


@pytest.fixture
def endpoint() -> Any:
    """Makes an endpoint teacher: `endpoint(url, attempts=2)`."""
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    from relata.teachers.endpoint import Endpoint

    def make(url: str, **changes: Any) -> Endpoint:
        return Endpoint(Settings(**{"model": "scripted", "url": url, "backoff": 0.01, "timeout": 5.0, **changes}))

    return make
