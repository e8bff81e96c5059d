"""An endpoint behind the door: re-asked on bad replies, filed in the ledger, judged by nobody's good faith."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from relata.chatserver import Rule, Script, serving
from relata.door import Door
from relata.filters import Rejection
from relata.ledger import Ledger

from .conftest import request


class Verdict(msgspec.Struct):
    sure: bool


def read(reply: str) -> Verdict | Rejection:
    try:
        return msgspec.json.decode(reply, type=Verdict)
    except msgspec.DecodeError as error:
        return Rejection("bad-json", str(error))


def test_every_bad_reply_is_read_asked_again_or_told_and_all_is_filed(endpoint: Any, tmp_path: Path) -> None:
    rules = tuple(Rule(do=do, share=0.12) for do in ("broken", "wrong", "null", "cut", "refuse"))
    requests = [request(n, Verdict) for n in range(60)]
    with serving(Script(rules=rules)) as (url, server), Ledger(tmp_path / "ledger.sqlite") as ledger:

        async def run() -> list[Any]:
            door = Door(endpoint(url, price_in=1.0), ledger)
            return await asyncio.gather(*(door.ask(each, read) for each in requests))

        first, calls = asyncio.run(run()), server.counts["requests"]
        again = asyncio.run(run())
        spent = ledger.spent()
    kept = [each for each in first if isinstance(each, Verdict)]
    told = [each for each in first if isinstance(each, Rejection)]
    assert len(kept) + len(told) == 60
    assert kept
    assert {each.reason for each in told} <= {"no-reply", "bad-json"}
    assert calls > 60
    assert all(now == before for now, before in zip(again, first) if isinstance(before, Verdict))
    # only what had no reply is asked for again
    assert server.counts["requests"] - calls <= 3 * sum(each.reason == "no-reply" for each in told)
    assert spent.calls + spent.failures == server.counts["requests"]
