"""What is paid for and not yet filed is never more than may be open at once, however slow the disk is."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from relata.door import Door
from relata.ledger import Entry, Ledger
from relata.teachers import Reply, Request
from relata.teachers.rules import Rules

from .conftest import request


class Quick(Rules):
    """A paid teacher that answers at once."""

    paid = True
    concurrency = 4
    answered = 0

    async def answer(self, request: Request) -> Reply:
        self.answered += 1
        return Reply("yes")


class Slow(Ledger):
    """A ledger on a slow disk, which remembers how many replies have waited for it."""

    teacher: Quick
    filed = most = 0

    def record(self, entry: Entry, most: float) -> Entry:
        self.most = max(self.most, self.teacher.answered - self.filed)
        time.sleep(0.02)
        made = super().record(entry, most)
        self.filed += 1
        return made


def test_a_reply_keeps_its_place_until_it_is_filed(tmp_path: Path) -> None:
    teacher = Quick()
    with Slow(tmp_path / "ledger.sqlite") as ledger:
        ledger.teacher = teacher
        door = Door(teacher, ledger)

        async def all() -> list[object]:
            return await asyncio.gather(*(door.ask(request(n), str) for n in range(40)))

        assert asyncio.run(all()) == ["yes"] * 40
    assert ledger.filed == 40
    assert ledger.most <= teacher.concurrency
