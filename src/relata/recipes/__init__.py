"""A recipe turns scenes or groups into training records by asking a teacher. One file each, with four functions:

    items(source, here, *, ...)   what to ask about, each with an `id` and its `source`; or a record, or a Rejection
    prompt(item)                  what a teacher is told
    offline(item, rng)            the reply made by rules from the annotations, in the form that a teacher uses
    read(reply, item)             a record, a Rejection with the reason, another item to ask, or a list of these

What a recipe reads is the type of `source`: Scene or Group. The arguments of `items` after the star are its options.
A recipe that reads groups names in `GROUPS` how they are formed of scenes. `build` does the rest: shards, workers,
teachers, ledger, resuming, filters, counting.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from typing import Any

import msgspec

from relata import store
from relata.errors import RelataError
from relata.filters import Rejection
from relata.ledger import NAME, Ledger
from relata.names import component
from relata.recipes._estimate import Estimate, estimate
from relata.recipes._prepare import SHARD, grouped, prepare
from relata.recipes._report import Report, add
from relata.recipes._run import Job, Part, Plan, Source, Unit, part_path, read_part
from relata.scene import decode, encode

__all__ = ["Estimate", "Report", "build", "estimate", "grouped"]


def build(
    recipe: str,
    scenes: Iterable[Source] | str | os.PathLike[str],
    teacher: str = "rules",
    *,
    out: str | os.PathLike[str],
    engine: str = "local",
    workers: int = 1,
    budget: float | None = None,
    images: str | os.PathLike[str] | None = None,
    groups: str | None = None,
    filters: Sequence[str] = (),
    judge: str | None = None,
    ledger: str | os.PathLike[str] | None = None,
    hosts: Iterable[str] = (),
    seed: int = 0,
    exclude: str | os.PathLike[str] | Iterable[str | int] = (),
    retry: bool = False,
    shard: int = SHARD,
    tick: Callable[[int], None] = lambda done: None,
    **options: Any,
) -> Report:
    """Make training records of scenes or groups.

    The folder `out` receives `examples/` (or `scenes/` ..., by what the recipe makes) and `rejected.jsonl`, all listed
    in `manifest.json`, and `report.json` with a readable `report.md`. Running the same call again goes on where an
    earlier run was stopped, also by a crash; a finished run is not done again. The same call gives the same bytes,
    whatever the engine, the number of workers and the interruptions.

    Args:
        recipe: name of a recipe, e.g. `rec`.
        scenes: scenes or groups, or a folder or file of them.
        teacher: `rules`, `script:replies.jsonl`, `endpoint:MODEL` ...; `relata list teachers` shows them.
        engine: where the work runs; `local` is this machine.
        workers: processes.
        budget: US dollars that all calls filed in the ledger may cost together, those of earlier runs, of repeated
            tries and of judges included. No call is made that could go over it.
        images: folder that image references are relative to; the folder of `scenes` if that is a path, else the
            current one.
        groups: how to form groups of scenes, for a recipe that reads groups; its own way if not given.
        filters: what checks the records before they are kept, e.g. `geometry`, or `geometry:strict=true`.
        judge: the teacher whom filters ask; `teacher` if not given.
        ledger: file of paid replies; `ledger.sqlite` in `out` if not given. Runs may share one, one at a time.
        hosts: names of hosts that a paid teacher's images may be fetched from, where data refer to images by address;
            none if not given. See `relata.fetch`.
        seed: of everything that is drawn at random.
        exclude: images that must not be used, e.g. those of a benchmark: ids or file names, or a text file of them.
        retry: ask again what had no reply in an earlier run.
        shard: scenes or groups per unit of work, and per file of records.
        tick: is told how many scenes or groups have come to their end, shard by shard.
        options: the recipe's own, see `items` in its file, and those of the way to form groups.

    Raises:
        BudgetSpent: when the next call could go over the budget; what is filed stays.
        RelataError: on an unknown name or option, or a folder that another process is writing to, or that was started
            with other settings or other scenes.
    """
    if workers < 1 or shard < 1:
        raise RelataError(f"workers is {workers} and shard is {shard}; both must be 1 or more")
    where, folder = component("engines", engine), Path(out)
    asked = prepare(
        recipe, scenes, teacher, images=images, groups=groups, filters=filters, judge=judge, seed=seed,
        exclude=exclude, shard=shard, options=options,
    )  # fmt: skip
    paid = [made for made in asked.teachers() if made.paid]
    if budget is not None and not any(made.price(10**6, 10**6) for made in paid):
        raise RelataError("budget: the teacher has no price, so nothing would be counted; give it one in its settings")
    with store.lock(folder), ExitStack() as held:
        _settle(folder, asked.plan, retry)
        filing, abreast = None, 1
        if paid:
            filed = held.enter_context(Ledger(ledger or folder / NAME, budget))
            filing = held.enter_context(where.hold(filed, workers))
            abreast = 2 + 2 * max(made.concurrency for made in paid) // shard
        job = Job(asked.plan, asked.teacher, asked.judge, asked.images, folder, filing, frozenset(hosts), abreast)
        todo = _Todo(folder, asked.units)
        for done in where.run(job, todo, workers):
            tick(done)
        return _finish(folder, asked.plan, todo)


def _settle(folder: Path, plan: Plan, retry: bool) -> None:
    """Take the folder for this plan, or go on with the same plan."""
    store.sweep(folder)
    if retry:
        _reopen(folder)
    path = folder / "plan.json"
    if not path.exists():
        if (folder / store.MANIFEST).exists():
            raise RelataError(f"{folder} holds something else already; name another folder for out")
        return store.write(path, [encode(plan), b"\n"])
    # through JSON, where a tuple of the options is a list
    before, now = decode(path.read_bytes(), Plan, str(path)), decode(encode(plan), Plan)
    for field in msgspec.structs.fields(Plan):
        old, new = getattr(before, field.name), getattr(now, field.name)
        if old != new:
            raise RelataError(
                f"{folder} was started with {field.name} {old!r}, not {new!r}; "
                "name another folder for out, or give the same settings to go on"
            )


def _reopen(folder: Path) -> None:
    """Let go of what failed in an earlier run, so that it is done again; replies in the ledger are used again."""
    report = folder / "report.json"
    if (folder / store.MANIFEST).exists() and decode(report.read_bytes(), Report, str(report)).failed:
        (folder / store.MANIFEST).unlink()
    for path in folder.glob("parts/*.json"):
        part = read_part(folder, int(path.stem))
        if part is None or part.report.failed:
            path.unlink()


class _Todo:
    """The units that are not finished, and, after the last one, how many there are in all and the digest of the input.

    Raises:
        RelataError: if a finished unit was made of other scenes.
    """

    def __init__(self, folder: Path, units: Iterable[Unit]) -> None:
        self.count = 0
        self._folder = folder
        self._units = units
        self._digest = hashlib.sha256()
        self._finished = (folder / store.MANIFEST).exists()

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Unit]:
        for unit in self._units:
            self.count += 1
            self._digest.update(unit.digest.encode())
            part = None if self._finished else read_part(self._folder, unit.index)
            if part and part.digest != unit.digest:
                raise _changed(self._folder, f"shard {unit.index}")
            done = self._finished or (part and all(store.intact(self._folder, file) for file in part.files))
            if not done:
                yield unit


def _changed(folder: Path, what: str) -> RelataError:
    return RelataError(
        f"{folder} was started with other scenes: {what} has changed; "
        "name another folder for out, or give the same scenes to go on"
    )


def _finish(folder: Path, plan: Plan, todo: _Todo) -> Report:
    """Put the parts together; the manifest comes last. A folder that is finished is only compared."""
    if (folder / store.MANIFEST).exists():
        if store.manifest(folder).about["input"] != todo.digest:
            raise _changed(folder, "the input")
    else:
        if part_path(folder, todo.count).exists():
            raise _changed(folder, f"shard {todo.count}")
        _conclude(folder, plan, todo)
    shutil.rmtree(folder / "parts", ignore_errors=True)
    path = folder / "report.json"
    return decode(path.read_bytes(), Report, str(path))


def _conclude(folder: Path, plan: Plan, todo: _Todo) -> None:
    def parts() -> Iterator[Part]:
        for index in range(todo.count):
            part = read_part(folder, index)
            if part is None:
                raise RelataError(f"{folder}: shard {index} was changed while the run went on; run again")
            yield part

    files = [file for part in parts() for file in part.files]
    lost = (rejection for part in parts() for rejection in part.rejections)
    rejected = store.write_records(folder, "rejected.jsonl", Rejection, lost)
    report = reduce(add, (part.report for part in parts()))
    kept = sum(file.records for file in files)
    # counted where items are made, and again from what was written: a difference is a bug of ours
    assert report.read == kept + rejected.records, f"{report.read} read, {kept} kept, {rejected.records} not"
    store.write(folder / "report.json", [msgspec.json.format(encode(report), indent=2), b"\n"])
    store.write(folder / "report.md", [str(report).encode(), b"\n"])
    about = {**msgspec.to_builtins(plan), "input": todo.digest}
    store.write_manifest(folder, about, [*files, rejected])
