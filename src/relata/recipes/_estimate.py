"""What a run will cost, told before anything is spent.

The rules answer in the teacher's place: their replies say how often and at what length it will be asked. A ledger with
replies of this teacher to these prompts tells it better, and what is filed already costs nothing.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import statistics
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from relata.door import TRIES
from relata.engines import loop
from relata.errors import Unsafe
from relata.filters import Rejection
from relata.ledger import Ledger, Typical, key
from relata.recipes._prepare import SHARD, prepare
from relata.recipes._run import Run, Source, Unit, source_type
from relata.scene import Record, decode
from relata.teachers import Request, Teacher

#: Scenes or groups to look at; the rest is taken to be like them.
SAMPLE = 400
#: Characters of English text per token: most, usual, least.
_PER_TOKEN = (4.8, 4.2, 3.4)
#: Tokens of an image: providers differ most in this.
_PER_IMAGE = (250.0, 800.0, 1600.0)
#: A teacher's reply, in lengths of the rules' reply.
_LENGTHS = (0.7, 1.3, 3.0)
#: Share of replies that have to be asked for again.
_AGAIN = (0.0, 0.05, 0.3)
#: Seconds per call.
_SECONDS = (1.0, 4.0, 20.0)
#: Standard errors on either side of a mean that nine of ten samples keep.
_NINETY = 1.645

T = TypeVar("T")
Span = tuple[float, float, float]
"""Low, likely, high."""


class Estimate(Record, frozen=True):
    """What a run will need; each as (low, likely, high)."""

    recipe: str
    teacher: str
    of: str
    """What the recipe reads: `scenes` or `groups`."""
    sources: int
    sampled: int
    """How many of them were looked at."""
    filed: float
    """Share of the calls whose replies are in the ledger already; they cost nothing and are not counted below."""
    measured: int
    """Replies of the ledger that say what a call takes; 0: it is assumed."""
    calls: Span
    tokens_in: Span
    tokens_out: Span
    dollars: Span
    hours: Span

    def __str__(self) -> str:
        rows = [
            ("calls", _number, self.calls),
            ("tokens in", _number, self.tokens_in),
            ("tokens out", _number, self.tokens_out),
            ("US dollars", _money, self.dollars),
            ("hours", _money, self.hours),
        ]
        lines = [
            f"# plan: {self.recipe}, teacher {self.teacher}",
            "",
            f"{self.sources} {self.of}, of which {self.sampled} were looked at",
            f"{100 * self.filed:.0f} % of the calls are in the ledger and cost nothing",
            "",
            f"{'':12}{'likely':>14}{'low':>14}{'high':>14}",
            *(f"{name:12}" + "".join(f"{said(span[k]):>14}" for k in (1, 0, 2)) for name, said, span in rows),
            "",
            f"what a call takes is measured on {self.measured} replies in the ledger"
            if self.measured
            else "what a call takes is assumed: no reply of this teacher to these prompts is in the ledger",
        ]
        if any(self.calls) and not any(self.dollars):
            lines.append("no price is given for this teacher, so dollars are not counted")
        return "\n".join(lines)


class _Call(NamedTuple):
    """A call that the teacher would get."""

    teacher: Teacher
    version: str
    """Of the prompt's file."""
    filed: bool
    """Its reply is in the ledger."""
    characters_in: int
    images: int
    characters_out: int
    """Of the rules' reply."""


Known = Mapping[tuple[str, str], Typical | None]
"""By teacher and version of the prompt: what a call takes by the ledger."""


class _Counter:
    """Stands at the door: the rules answer, and it is noted what the teacher would have been sent."""

    def __init__(self, teacher: Teacher, ledger: Ledger | None) -> None:
        self.calls: list[_Call] = []
        self._teacher = teacher
        self._ledger = ledger

    async def ask(self, request: Request, read: Callable[[str], T | Rejection]) -> T | Rejection:
        prompt = request.prompt
        try:
            filed = self._ledger and self._ledger.find(key(self._teacher.name, prompt, request.pictures()))
        except Unsafe as error:  # there will be no call either
            return Rejection(error.reason, str(error), request.id)
        reply = filed.reply.text if filed else request.offline()
        if self._teacher.paid:
            texts = [prompt.system, prompt.user, *(text for turn in prompt.turns for text in turn)]
            sizes = sum(map(len, texts)), len(request.images), len(reply)
            self.calls.append(_Call(self._teacher, prompt.version, filed is not None, *sizes))
        return read(reply)


def estimate(
    recipe: str,
    scenes: Iterable[Source] | str | os.PathLike[str],
    teacher: str,
    *,
    images: str | os.PathLike[str] | None = None,
    groups: str | None = None,
    filters: Sequence[str] = (),
    judge: str | None = None,
    ledger: str | os.PathLike[str] | None = None,
    seed: int = 0,
    exclude: str | os.PathLike[str] | Iterable[str | int] = (),
    shard: int = SHARD,
    **options: Any,
) -> Estimate:
    """What `build` with the same arguments will cost; nothing is asked of the teacher.

    Raises:
        RelataError: as `build` does.
    """
    asked = prepare(
        recipe, scenes, teacher, images=images, groups=groups, filters=filters, judge=judge, seed=seed,
        exclude=exclude, shard=shard, options=options,
    )  # fmt: skip
    count, sample = _sample(asked.units, random.Random(seed))
    teachers = asked.teachers()
    with ExitStack() as held:
        filed = held.enter_context(Ledger(ledger)) if ledger and Path(ledger).exists() else None
        made = Path(held.enter_context(tempfile.TemporaryDirectory()))  # for pictures that a recipe makes
        type = source_type(asked.recipe)

        async def asks(line: bytes) -> list[_Call]:
            doors = [_Counter(teacher, filed) for teacher in teachers]
            run = Run(asked.plan, asked.recipe, doors[0], doors[-1], asked.images, made)
            await run.source(decode(line, type))
            return [call for door in doors for call in door.calls]

        async def every() -> list[list[_Call]]:
            return [await asks(line) for line in sample]

        found = asyncio.run_coroutine_threadsafe(every(), loop()).result()
        kinds = {(call.teacher.name, call.version) for some in found for call in some}
        known = {kind: filed.typical(*kind) if filed else None for kind in kinds}
    new = [[call for call in some if not call.filed] for some in found]
    total = sum(map(len, found))
    at_once = min((teacher.concurrency for teacher in teachers if teacher.paid), default=1)

    def span(worth: Callable[[_Call, int, Known], float]) -> Span:
        return _span(count, [[sum(worth(call, case, known) for call in some) for some in new] for case in range(3)])

    return Estimate(
        recipe,
        asked.plan.teacher,
        f"{type.__name__.lower()}s",
        count,
        len(sample),
        1 - sum(map(len, new)) / total if total else 0.0,
        sum(typical.calls for typical in known.values() if typical),
        calls=span(_tries),
        tokens_in=span(_tokens_in),
        tokens_out=span(_tokens_out),
        dollars=span(_dollars),
        hours=span(lambda call, case, known: _seconds(call, case, known) / 3600 / at_once),
    )


def _sample(todo: Iterable[Unit], rng: random.Random) -> tuple[int, list[bytes]]:
    """How many scenes or groups there are, and some of them, each as likely as any other."""
    count = 0
    sample: list[bytes] = []
    for unit in todo:
        for line in unit.sources:
            count += 1
            if len(sample) < SAMPLE:
                sample.append(line)
            elif (place := rng.randrange(count)) < SAMPLE:
                sample[place] = line
    return count, sample


def _span(count: int, cases: list[list[float]]) -> Span:
    """Totals over all of a sample's kind, with what chance adds on either side where not all were looked at."""
    totals, spread = [], []
    for values in cases:
        share = len(values) / count if count else 1.0
        totals.append(sum(values) / share)
        deviation = statistics.stdev(values) if len(values) > 1 else 0.0
        spread.append(_NINETY * deviation * count * math.sqrt((1 - share) / len(values)) if values else 0.0)
    return max(totals[0] - spread[0], 0.0), totals[1], totals[2] + spread[2]


def _tries(call: _Call, case: int, known: Known) -> float:
    """Calls that one request takes, with those that are asked again."""
    typical = known[call.teacher.name, call.version]
    return sum(typical.again**tries for tries in range(TRIES)) if typical else 1 + _AGAIN[case]


def _tokens_in(call: _Call, case: int, known: Known) -> float:
    typical = known[call.teacher.name, call.version]
    one = typical.tokens_in if typical else call.characters_in / _PER_TOKEN[case] + call.images * _PER_IMAGE[case]
    return one * _tries(call, case, known)


def _tokens_out(call: _Call, case: int, known: Known) -> float:
    typical = known[call.teacher.name, call.version]
    guess = min(call.characters_out * _LENGTHS[case] / _PER_TOKEN[case], call.teacher.longest)
    return (typical.tokens_out if typical else guess) * _tries(call, case, known)


def _dollars(call: _Call, case: int, known: Known) -> float:
    tokens_in, tokens_out = _tokens_in(call, case, known), _tokens_out(call, case, known)
    return call.teacher.price(round(1000 * tokens_in), round(1000 * tokens_out)) / 1000


def _seconds(call: _Call, case: int, known: Known) -> float:
    typical = known[call.teacher.name, call.version]
    return (typical.seconds if typical else _SECONDS[case]) * _tries(call, case, known)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _money(value: float) -> str:
    return f"{value:,.4f}" if value < 1 else f"{value:,.2f}"
