"""How many callers the gate lets in."""

from __future__ import annotations

import asyncio
import contextlib

from relata.teachers._gate import Gate


def test_no_more_go_in_than_may() -> None:
    async def run() -> int:
        gate, most = Gate(5), 0

        async def call() -> None:
            nonlocal most
            await gate.enter()
            most = max(most, gate.inside)
            await asyncio.sleep(0)
            gate.leave()

        await asyncio.gather(*(call() for _ in range(100)))
        assert gate.inside == 0
        return most

    assert asyncio.run(run()) == 5


def test_many_throttled_at_once_narrow_it_once() -> None:
    async def run() -> float:
        gate = Gate(8)
        rounds = [await gate.enter() for _ in range(8)]
        for round in rounds:
            gate.narrow(round)
        return gate.limit

    assert asyncio.run(run()) == 4


def test_it_never_closes_and_is_wide_again_after_some_rounds() -> None:
    for most in (1, 3, 64, 1000):
        gate = Gate(most)
        for round in range(40):
            gate.narrow(round)
        assert gate.limit == 1
        for _ in range(20):
            for _ in range(int(gate.limit)):
                gate.widen()
        assert gate.limit == most


def test_who_was_inside_goes_in_first_and_who_gives_up_leaves_his_place() -> None:
    async def run() -> list[str]:
        gate, order = Gate(1), []

        async def call(name: str, first: bool = False) -> None:
            await gate.enter(first)
            order.append(name)
            gate.leave()

        await gate.enter()
        tasks = [asyncio.create_task(call(name)) for name in ("gives up", "new", "newer")]
        await asyncio.sleep(0)
        tasks.append(asyncio.create_task(call("again", first=True)))
        tasks[0].cancel()
        await asyncio.sleep(0)
        gate.leave()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks[1:])
        assert gate.inside == 0
        return order

    assert asyncio.run(run()) == ["again", "new", "newer"]


def test_one_called_off_as_it_is_let_in_takes_no_place() -> None:
    async def run() -> int:
        gate = Gate(1)
        await gate.enter()
        waiting = asyncio.create_task(gate.enter())
        await asyncio.sleep(0)
        gate.leave()  # lets the other one in, which has not run yet
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting
        return gate.inside

    assert asyncio.run(run()) == 0
