"""`apply`: filters over a file of scenes or examples."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec

from relata import store
from relata.chat import Example
from relata.door import Door
from relata.errors import RelataError
from relata.filters import Rejection
from relata.filters._load import Filter, load
from relata.filters._report import Removed, Report, Tally, page
from relata.images import folder_of
from relata.ledger import NAME, Ledger
from relata.prompts import digest
from relata.scene import Scene, encode
from relata.teachers import NoReply
from relata.teachers import teacher as find_teacher

Judged = Scene | Example

#: Records that are judged at once, so that many requests to a teacher are under way together.
BATCH = 64


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
        drawn: how many removals to draw of each of the predicates that lost most, for each filter and reason.
        options: of the filters; an option goes to every filter that has it.

    Raises:
        BudgetSpent: when the next call could go over the budget; what is filed stays.
        RelataError: on an unknown name or option, damaged data, a folder of images that does not exist, or a folder
            `out` that is finished or being written to.
    """
    root = folder_of(images, data)
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
        prompts = {filter.name: digest(filter.name) for filter in filters if filter.asks}
        tally = Tally(Report(tuple(names), used, judge.name if judge else "", prompts), drawn)
        door = Door(judge, filing) if judge else None
        store.write_records(folder, "removed.jsonl", Removed, _sift(records, filters, door, kept, tally))
        report = tally.report()
        store.write(folder / "report.json", [msgspec.json.format(encode(report), indent=2), b"\n"])
        store.write(folder / "report.md", [str(report).encode(), b"\n"])
        page(folder, report, tally.samples(report), root)
    return report


def _kind(filters: Sequence[Filter]) -> type[Scene] | type[Example]:
    """What all these filters judge."""
    kinds = {filter.judges: filter.name for filter in filters}
    if len(kinds) > 1:
        said = " and ".join(f"{name} judges {kind.__name__.lower()}s" for kind, name in kinds.items())
        raise RelataError(f"{said}; use them one after the other")
    return Scene if Scene in kinds else Example


def _sift(
    records: Iterator[Judged], filters: Sequence[Filter], door: Door | None, kept: store.Writer, tally: Tally
) -> Iterator[Removed]:
    """Judge all records; what is kept goes to its writer, what is removed comes out."""

    async def batch(some: Sequence[Judged]) -> list[tuple[Judged | None, list[Removed]] | BaseException]:
        # one that fails waits for the others, whose replies may be paid for and have to be filed
        return await asyncio.gather(*(_judge(record, filters, door) for record in some), return_exceptions=True)

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


async def _judge(record: Judged, filters: Sequence[Filter], door: Door | None) -> tuple[Judged | None, list[Removed]]:
    """What is left of a record, each filter seeing what the ones before it left; and what was removed."""
    away: list[Removed] = []
    for filter in filters:
        try:
            outcome = await filter.found(record, door)
        except NoReply as error:
            return None, [*away, Removed(record.id, filter.name, "no-reply", str(error), failed=True)]
        if isinstance(outcome, Rejection):
            return None, [*away, Removed(record.id, filter.name, outcome.reason, outcome.detail)]
        if outcome and isinstance(record, Scene):
            bad = {finding.relation: finding for finding in outcome}
            away += [Removed(record.id, filter.name, f.reason, f.detail, record.relations[n]) for n, f in bad.items()]
            record = record.replace(relations=tuple(r for n, r in enumerate(record.relations) if n not in bad))
    return record, away
