"""`apply`: filters over a file of scenes or examples."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import msgspec

from relata import store
from relata.chat import Example
from relata.door import Door
from relata.errors import RelataError, unknown
from relata.filters import Finding, Rejection
from relata.filters._report import Removed, Report, Tally, page
from relata.ledger import NAME, Ledger
from relata.names import component, listing
from relata.scene import Scene, encode
from relata.teachers import NoReply, Request
from relata.teachers import teacher as find_teacher

Judged = Scene | Example

#: Records that are judged at once, so that many requests to a teacher are under way together.
BATCH = 64


class Filter(NamedTuple):
    """A filter with its options."""

    name: str
    judge: Callable[..., Any]
    """Its `find` or `check`."""
    options: dict[str, Any]
    asks: bool

    @property
    def judges(self) -> type:
        """Scene or Example."""
        found: type = next(iter(get_type_hints(self.judge).values()))
        return found


def apply(
    data: Iterable[Judged] | str | os.PathLike[str],
    names: Sequence[str],
    out: str | os.PathLike[str],
    teacher: str | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    ledger: str | os.PathLike[str] | None = None,
    budget: float | None = None,
    drawn: int = 3,
    **options: Any,
) -> Report:
    """Take out what filters find.

    The folder `out` receives what is kept in `scenes/` (or `examples/`), `removed.jsonl` with the filter, reason and
    detail of each removal, `report.json` with a readable `report.md`, and `index.html`, where some of each are drawn.
    Records stream: memory does not grow with their number.

    Args:
        data: scenes or examples, or a folder or file of them.
        names: filters, e.g. `["geometry", "logic"]`; each sees what the ones before it left.
        teacher: whom filters ask that ask one; its replies, if paid, are kept in the ledger.
        images: folder that image references are relative to; the folder of `data` if that is a path.
        ledger: file of paid replies; `ledger.sqlite` in `out` if not given.
        budget: US dollars that all calls in the ledger may cost together.
        drawn: how many removals to draw for each filter and reason.
        options: of the filters; an option goes to every filter that has it.

    Raises:
        BudgetSpent: when the next call could go over the budget; what is filed stays.
        RelataError: on an unknown name or option, damaged data, or a folder that is finished or being written to.
    """
    root = Path(images) if images is not None else _beside(data)
    filters = load(names, {"images": os.fspath(root), **options}, given=options)
    kind = _kind(filters)
    asked = any(filter.asks for filter in filters)
    if asked and teacher is None:
        raise RelataError(f"{', '.join(f.name for f in filters if f.asks)} asks a teacher; name one, e.g. rules")
    records: Iterator[Judged] = iter(store.records(data, kind) if isinstance(data, (str, os.PathLike)) else data)
    folder = Path(out)
    with ExitStack() as held:
        kept = held.enter_context(store.Writer(folder / f"{kind.__name__.lower()}s", kind, {"filters": list(names)}))
        judge = find_teacher(teacher) if asked and teacher is not None else None
        filing = held.enter_context(Ledger(ledger or folder / NAME, budget)) if judge and judge.paid else None
        used = {name: str(value) for filter in filters for name, value in filter.options.items()}
        tally = Tally(tuple(names), used, judge.name if judge else "", drawn)
        door = Door(judge, filing) if judge else None
        store.write_records(folder, "removed.jsonl", Removed, _sift(records, filters, door, kept, tally))
        report = tally.report()
        store.write(folder / "report.json", [msgspec.json.format(encode(report), indent=2), b"\n"])
        store.write(folder / "report.md", [str(report).encode(), b"\n"])
        page(folder, report, tally.samples, root)
    return report


def load(names: Sequence[str], options: dict[str, Any], given: Iterable[str]) -> list[Filter]:
    """Filters by name, each with those of the options that it has, checked; numbers may be given as text.

    Args:
        given: the options that the user named; each has to be one of some filter.

    Raises:
        RelataError: on a name or option that does not exist, or a value of the wrong type.
    """
    if not names:
        raise RelataError(f"no filter is named; known: {', '.join(listing('filters'))}")
    found: list[Filter] = []
    known: set[str] = set()
    for name in names:
        module = component("filters", name)
        judge: Callable[..., Any] = module.find if hasattr(module, "find") else module.check
        asks = inspect.iscoroutinefunction(judge)
        takes = list(inspect.signature(judge).parameters)[2 if asks else 1 :]
        known.update(takes)
        types = get_type_hints(judge, include_extras=True)
        settled = {}
        for option in takes:
            if option in options:
                try:
                    settled[option] = msgspec.convert(options[option], types[option], strict=False)
                except msgspec.ValidationError as error:
                    raise RelataError(f"option {option} of {name} is {options[option]!r}: {error}") from error
        found.append(Filter(name, judge, settled, asks))
    for option in given:
        if option not in known:
            unknown(f"option of {' and '.join(names)}", option, known)
    return found


def _kind(filters: Sequence[Filter]) -> type[Scene] | type[Example]:
    """What all these filters judge."""
    kinds = {filter.judges: filter.name for filter in filters}
    if len(kinds) > 1:
        said = " and ".join(f"{name} judges {kind.__name__.lower()}s" for kind, name in kinds.items())
        raise RelataError(f"{said}; use them one after the other")
    return Scene if Scene in kinds else Example


def _beside(data: object) -> Path:
    """Where images are looked for when no folder is named."""
    if not isinstance(data, (str, os.PathLike)):
        return Path()
    path = Path(data)
    return path if path.is_dir() else path.parent


def _sift(
    records: Iterator[Judged], filters: Sequence[Filter], door: Door | None, kept: store.Writer, tally: Tally
) -> Iterator[Removed]:
    """Judge all records; what is kept goes to its writer, what is removed comes out."""

    async def ask(request: Request) -> str:
        assert door is not None
        reply = await door.ask(request, str)
        if isinstance(reply, Rejection):
            raise NoReply(reply.detail)
        return reply

    async def batch(some: Sequence[Judged]) -> list[tuple[Judged | None, list[Removed]] | BaseException]:
        # one that fails waits for the others, whose replies may be paid for and have to be filed
        return await asyncio.gather(*(_judge(record, filters, ask) for record in some), return_exceptions=True)

    # a thread of its own keeps one event loop, which a teacher's connections live in, also where one is running already
    runner = asyncio.Runner()
    with ThreadPoolExecutor(1, "filter") as thread:
        try:
            while some := list(itertools.islice(records, BATCH)):
                judged = thread.submit(runner.run, batch(some)).result()
                for record, outcome in zip(some, judged, strict=True):
                    if isinstance(outcome, BaseException):
                        raise outcome
                    left, removed = outcome
                    tally.count(record, left, removed)
                    if left is not None:
                        kept.add(left)
                    yield from removed
        finally:
            thread.submit(runner.close).result()


async def _judge(
    record: Judged, filters: Sequence[Filter], ask: Callable[[Request], Any]
) -> tuple[Judged | None, list[Removed]]:
    """What is left of a record, each filter seeing what the ones before it left; and what was removed."""
    away: list[Removed] = []
    for filter in filters:
        try:
            found = filter.judge(record, *([ask] if filter.asks else []), **filter.options)
            outcome: Sequence[Finding] | Rejection | None = await found if filter.asks else found
        except NoReply as error:
            return None, [*away, Removed(record.id, filter.name, "no-reply", str(error), failed=True)]
        if isinstance(outcome, Rejection):
            return None, [*away, Removed(record.id, filter.name, outcome.reason, outcome.detail)]
        if outcome and isinstance(record, Scene):
            bad = {finding.relation: finding for finding in outcome}
            away += [Removed(record.id, filter.name, f.reason, f.detail, record.relations[n]) for n, f in bad.items()]
            record = record.replace(relations=tuple(r for n, r in enumerate(record.relations) if n not in bad))
    return record, away
