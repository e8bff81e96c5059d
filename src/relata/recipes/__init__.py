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
import inspect
import itertools
import os
import random
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_type_hints

import msgspec

from relata import __version__, store
from relata.errors import RelataError, unknown
from relata.filters import Rejection, leaks
from relata.ledger import NAME, Ledger
from relata.names import component
from relata.recipes._prompts import digest
from relata.recipes._report import Report, add
from relata.recipes._run import Asked, Job, Part, Plan, Source, Unit, part_path, read_part, source_type, units
from relata.recipes._screen import usable
from relata.scene import Group, Scene, decode, encode
from relata.teachers import teacher as find_teacher

__all__ = ["Report", "build"]

#: Scenes or groups per unit of work.
SHARD = 128


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
    seed: int = 0,
    exclude: str | os.PathLike[str] | Iterable[str | int] = (),
    retry: bool = False,
    shard: int = SHARD,
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
        filters: what checks the records before they are kept, e.g. `geometry`.
        judge: the teacher whom filters ask; `teacher` if not given.
        ledger: file of paid replies; `ledger.sqlite` in `out` if not given. Runs may share one, one at a time.
        seed: of everything that is drawn at random.
        exclude: images that must not be used, e.g. those of a benchmark: ids or file names, or a text file of them.
        retry: ask again what had no reply in an earlier run.
        shard: scenes or groups per unit of work, and per file of records.
        options: the recipe's own, see `items` in its file, and those of the way to form groups.

    Raises:
        BudgetSpent: when the next call could go over the budget; what is filed stays.
        RelataError: on an unknown name or option, or a folder that another process is writing to, or that was started
            with other settings or other scenes.
    """
    module, where = component("recipes", recipe), component("engines", engine)
    if workers < 1 or shard < 1:
        raise RelataError(f"workers is {workers} and shard is {shard}; both must be 1 or more")
    for name in filters:
        usable(name)
    excluded = leaks.keys(exclude)
    listed = hashlib.sha256("\n".join(sorted(excluded)).encode()).hexdigest()[:12] if excluded else ""
    found, given = _sources(scenes)
    way = _way(module, recipe, given, groups)
    forming = component("groups", way) if way else None
    settled = _options({recipe: module.items} | ({way: forming.groups} if forming else {}), options)
    options_of = {"recipe": settled[recipe]} | ({"groups": settled[way]} if way else {})
    asked = _asked(teacher)
    judges = _asked(judge) if judge else None
    plan = Plan(
        recipe, options_of, asked.name, seed, shard, listed, digest(recipe), __version__,
        way, tuple(filters), judges.name if judges else "",
    )  # fmt: skip
    if forming:
        found = forming.groups(found, random.Random(seed), **settled[way])
    folder, root = Path(out), _root(images, scenes)
    with store.lock(folder), ExitStack() as held:
        _settle(folder, plan, retry)
        filing, abreast = None, 1
        paid = [made for made in (find_teacher(one.spec) for one in (asked, judges) if one) if made.paid]
        if paid:
            filed = held.enter_context(Ledger(ledger or folder / NAME, budget))
            filing = held.enter_context(where.hold(filed, workers))
            abreast = 2 + 2 * max(made.concurrency for made in paid) // shard
        todo = _Todo(folder, units(found, source_type(module), shard, excluded))
        for _ in where.run(Job(plan, asked, judges, root, folder, filing, abreast), todo, workers):
            pass
        return _finish(folder, plan, todo)


def _asked(spec: str) -> Asked:
    return Asked(spec, find_teacher(spec).name)


def _root(images: str | os.PathLike[str] | None, scenes: object) -> Path:
    if images is not None:
        return Path(images)
    if not isinstance(scenes, (str, os.PathLike)):
        return Path()
    path = Path(scenes)
    return path if path.is_dir() else path.parent


def _sources(scenes: Iterable[Source] | str | os.PathLike[str]) -> tuple[Iterator[Source], type[Source] | None]:
    """What is to be read, and its type; None if there is nothing."""
    if isinstance(scenes, (str, os.PathLike)):
        given = _type(Path(scenes))
        return iter(store.records(scenes, given)), given
    found = iter(scenes)
    first = next(found, None)
    if first is None:
        return iter(()), None
    return itertools.chain([first], found), type(first)


def _type(path: Path) -> type[Source]:
    """Whether a file or folder holds scenes or groups."""
    if path.is_dir():
        return Group if any(file.type == Group.__name__ for file in store.listed(path)) else Scene
    if not path.is_file():
        raise RelataError(f"{path} does not exist; give a folder of records or a .jsonl file")
    with path.open("rb") as lines:
        first = lines.readline()
    return Group if b'"scenes":' in first else Scene


def _way(module: ModuleType, recipe: str, given: type | None, groups: str | None) -> str:
    """How groups are to be formed; empty where nothing is to be formed."""
    wanted = source_type(module)
    if wanted is Group and given is not Group:
        return groups or cast(str, module.GROUPS)
    if groups:
        what = "reads scenes one by one" if wanted is Scene else "was given groups already"
        raise RelataError(f"groups is {groups!r}, but recipe {recipe} {what}; leave it out")
    return ""


def _options(takers: dict[str, Callable[..., Any]], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of each taker, all of them: the keyword-only arguments of its function, checked."""
    known = {
        taker: {p.name: p.default for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY}
        for taker, function in takers.items()
    }
    for name in options:
        if not any(name in defaults for defaults in known.values()):
            unknown(
                f"option of {' and '.join(takers)}", name, {name for defaults in known.values() for name in defaults}
            )
    settled: dict[str, dict[str, Any]] = {}
    for taker, defaults in known.items():
        types = get_type_hints(takers[taker], include_extras=True)
        settled[taker] = {}
        for name, default in defaults.items():
            try:
                settled[taker][name] = msgspec.convert(options.get(name, default), types[name])
            except msgspec.ValidationError as error:
                raise RelataError(f"option {name} of {taker} is {options[name]!r}: {error}") from error
    return settled


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
