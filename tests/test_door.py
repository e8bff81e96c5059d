"""The one door to a teacher: what is asked, read, filed, and how much of it at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from relata.door import Door
from relata.errors import RelataError, Unsafe
from relata.filters import Rejection
from relata.ledger import BudgetSpent, Ledger
from relata.teachers import NoReply, Prompt, Reply, Request

PROMPT = Prompt("Count.", (), "How many?", "v1")


class Paid:
    """A teacher that keeps count; one who asks for `lost` has no reply."""

    name = "paid"
    paid = True
    longest = 10
    concurrency = 3

    def __init__(self, *replies: str, seconds: float = 0.0) -> None:
        self.replies = [*replies]
        self.seconds = seconds
        self.calls: list[str] = []
        self.pictures: list[tuple[bytes, ...]] = []
        self.open = self.most = 0

    async def answer(self, request: Request) -> Reply:
        self.calls.append(request.id)
        self.open += 1
        self.most = max(self.most, self.open)
        self.pictures.append(await request.load())
        await asyncio.sleep(self.seconds)
        self.open -= 1
        if request.id == "lost":
            raise NoReply("the line is dead", Reply("", cost=1.0))
        text = self.replies.pop(0) if self.replies else "7"
        return Reply(text, 5, 1, 0.5, 0.1)

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return 2.0


class Pictures:
    """Pictures that count how often they are read."""

    def __init__(self, *data: bytes) -> None:
        self.data = data
        self.read = 0

    def __call__(self) -> tuple[bytes, ...]:
        self.read += 1
        return self.data


def request(id: str, pictures: Pictures | None = None, user: str = "How many?") -> Request:
    return Request(id, PROMPT._replace(user=user), ("a.jpg",), str, pictures or Pictures(b"pixels"))


def number(text: str) -> int | Rejection:
    return int(text) if text.isdigit() else Rejection("no-number", f"{text!r} is none")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def test_a_picture_is_read_once_for_its_key_and_the_call(ledger: Ledger) -> None:
    teacher, pictures = Paid(), Pictures(b"pixels")
    door = Door(teacher, ledger)
    assert asyncio.run(door.ask(request("a", pictures), number)) == 7
    assert (pictures.read, teacher.pictures) == (1, [(b"pixels",)])
    assert asyncio.run(Door(teacher, ledger).ask(request("a", pictures), number)) == 7
    assert (pictures.read, teacher.calls) == (2, ["a"])  # read for its key, and found


def test_pictures_that_were_taken_are_read_anew(ledger: Ledger) -> None:
    again = request("a", Pictures(b"pixels"))
    again.at_hand.append((b"at hand",))

    async def loads() -> list[tuple[bytes, ...]]:
        return [await again.load(), await again.load()]

    assert asyncio.run(loads()) == [(b"at hand",), (b"pixels",)]


def test_a_reply_is_read_once_by_whoever_pays_for_it(ledger: Ledger) -> None:
    read: list[str] = []

    def reading(text: str) -> int | Rejection:
        read.append(text)
        return number(text)

    assert asyncio.run(Door(Paid("many", "8"), ledger).ask(request("a"), reading)) == 8
    assert read == ["many", "8"]


def test_a_bad_reply_is_told_back_and_filed_as_refused(ledger: Ledger) -> None:
    teacher = Paid("many", "few", "9")
    assert asyncio.run(Door(teacher, ledger).ask(request("a"), number)) == 9
    spent = ledger.spent()
    assert (spent.calls, spent.kept, spent.cost) == (3, 1, 1.5)
    # all three are found again, so nothing is asked
    assert asyncio.run(Door(Paid("no", "no", "no"), ledger).ask(request("a"), number)) == 9
    assert ledger.spent() == spent


def test_a_reply_that_stays_bad_is_a_rejection_that_carries_it(ledger: Ledger) -> None:
    outcome = asyncio.run(Door(Paid("many", "few", "some"), ledger).ask(request("a"), number))
    assert isinstance(outcome, Rejection)
    assert (outcome.reason, outcome.reply) == ("no-number", "some")


def test_one_question_asked_by_many_at_once_is_paid_for_once(ledger: Ledger) -> None:
    teacher = Paid(seconds=0.01)
    door = Door(teacher, ledger)

    async def asked_all() -> list[int | Rejection]:
        return await asyncio.gather(*(door.ask(request(f"{n}"), number) for n in range(20)))

    assert asyncio.run(asked_all()) == [7] * 20
    assert len(teacher.calls) == 1
    assert ledger.spent().calls == 1


def test_who_waits_for_a_call_that_fails_asks_itself(ledger: Ledger) -> None:
    teacher = Paid(seconds=0.01)
    door = Door(teacher, ledger)

    async def both() -> list[int | Rejection]:
        return await asyncio.gather(*(door.ask(request(id), number) for id in ("lost", "b")))

    lost, found = asyncio.run(both())
    assert isinstance(lost, Rejection)
    assert (lost.reason, lost.failed) == ("no-reply", True)
    assert found == 7
    assert teacher.calls == ["lost", "b"]
    assert (ledger.spent().failures, ledger.spent().cost) == (1, 1.5)


def test_no_more_calls_are_open_than_the_teacher_takes_and_few_pictures_are_held(ledger: Ledger) -> None:
    teacher = Paid(seconds=0.01)
    door = Door(teacher, ledger)
    read: list[int] = []
    ahead: list[int] = []

    class Watched(Pictures):
        def __call__(self) -> tuple[bytes, ...]:
            read.append(1)
            ahead.append(len(read) - len(teacher.calls))
            return super().__call__()

    async def asked_all() -> list[int | Rejection]:
        asked = (request(f"{n}", Watched(b"x"), user=f"{n}?") for n in range(60))
        return await asyncio.gather(*(door.ask(one, number) for one in asked))

    assert asyncio.run(asked_all()) == [7] * 60
    assert (teacher.most, len(teacher.calls)) == (3, 60)
    assert max(ahead) <= 3 + 8


def test_a_bug_of_whoever_reads_ends_the_run_after_filing(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(Door(Paid(), ledger).ask(request("a"), lambda text: 1 // 0))
    assert (ledger.spent().calls, ledger.spent().kept) == (1, 0)


def test_no_call_goes_over_the_budget(tmp_path: Path) -> None:
    teacher = Paid(seconds=0.01)
    with Ledger(tmp_path / "ledger.sqlite", budget=5.0) as ledger:
        door = Door(teacher, ledger)

        async def asked_all() -> list[object]:
            asked = (request(f"{n}", user=f"{n}?") for n in range(40))
            return await asyncio.gather(*(door.ask(one, number) for one in asked), return_exceptions=True)

        outcomes = asyncio.run(asked_all())
        # each call may cost 2 and costs 0.5: the last that is begun has 3 spent before it
        assert sum(outcome == 7 for outcome in outcomes) == len(teacher.calls) == 7
        assert all(outcome == 7 or isinstance(outcome, BudgetSpent) for outcome in outcomes)
        assert ledger.spent().cost == 3.5


def test_an_image_that_may_not_be_opened_is_no_call(ledger: Ledger) -> None:
    def refused() -> tuple[bytes, ...]:
        raise Unsafe("outside-root", "lies elsewhere")

    teacher = Paid()
    asked = Request("a", PROMPT, ("../a.jpg",), str, refused)
    outcome = asyncio.run(Door(teacher, ledger).ask(asked, number))
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "outside-root"
    assert teacher.calls == []


def test_a_paid_teacher_needs_a_ledger() -> None:
    with pytest.raises(ValueError, match="ledger"):
        Door(Paid())


def test_when_the_ledger_takes_nothing_more_only_open_calls_come_to_their_end(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise RelataError("the disk is full")

    monkeypatch.setattr(ledger, "record", full)
    teacher = Paid(seconds=0.01)
    door = Door(teacher, ledger)

    async def asked_all() -> list[object]:
        asked = (request(f"{n}", user=f"{n}?") for n in range(40))
        return await asyncio.gather(*(door.ask(one, number) for one in asked), return_exceptions=True)

    outcomes = asyncio.run(asked_all())
    assert all(isinstance(outcome, RelataError) and "full" in str(outcome) for outcome in outcomes)
    assert len(teacher.calls) == 3
