"""A recipe turns scenes into training examples by asking a teacher. One file per recipe, each with four functions:

    items(scene, rng, *, options ...)   what to ask about, each with an `id` and its `scene`; or a Rejection
    prompt(item)                        what a teacher is told
    offline(item, rng)                  the reply made by rules from the annotations, in the form that a teacher uses
    read(reply, item)                   an Example, or a Rejection with the reason

`build` does the rest: shards, workers, teachers, resuming, counting.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
from collections.abc import Iterable, Iterator
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec

from relata import __version__, store
from relata.errors import RelataError, unknown
from relata.filters import Rejection, leaks
from relata.names import component
from relata.recipes._prompts import digest
from relata.recipes._report import Report, add
from relata.recipes._run import Job, Part, Plan, Unit, part_path, read_part, units
from relata.scene import Scene, decode, encode
from relata.teachers import teacher as find_teacher

__all__ = ["Report", "build"]

#: Scenes per unit of work.
SHARD = 128


def build(
    recipe: str,
    scenes: Iterable[Scene] | str | os.PathLike[str],
    teacher: str = "rules",
    *,
    out: str | os.PathLike[str],
    engine: str = "local",
    workers: int = 1,
    seed: int = 0,
    exclude: str | os.PathLike[str] | Iterable[str | int] = (),
    shard: int = SHARD,
    **options: Any,
) -> Report:
    """Make training examples of scenes.

    The folder `out` receives `examples/` and `rejected.jsonl`, both listed in `manifest.json`, and `report.json` with a
    readable `report.md`. Running the same call again goes on where an earlier run was stopped, also by a crash; a
    finished run is not done again. The same call gives the same bytes, whatever the engine, the number of workers and
    the interruptions.

    Args:
        recipe: name of a recipe, e.g. `rec`.
        scenes: scenes, or a folder or file of them.
        teacher: `rules`, or `script:replies.jsonl`.
        engine: where the work runs; `local` is this machine.
        workers: processes.
        seed: of everything that is drawn at random.
        exclude: images that must not be used, e.g. those of a benchmark: ids or file names, or a text file of them.
        shard: scenes per unit of work, and per file of examples.
        options: the recipe's own, see `items` in its file.

    Raises:
        RelataError: on an unknown name or option, or a folder that another process is writing to, or that was started
            with other settings or other scenes.
    """
    module = component("recipes", recipe)
    run = component("engines", engine).run
    if workers < 1 or shard < 1:
        raise RelataError(f"workers is {workers} and shard is {shard}; both must be 1 or more")
    settled = _options(module, recipe, options)
    excluded = leaks.keys(exclude)
    listed = hashlib.sha256("\n".join(sorted(excluded)).encode()).hexdigest()[:12] if excluded else ""
    plan = Plan(recipe, settled, find_teacher(teacher).name, seed, shard, listed, digest(recipe), __version__)
    found = store.records(scenes, Scene) if isinstance(scenes, (str, os.PathLike)) else scenes
    folder = Path(out)
    with store.lock(folder):
        _settle(folder, plan)
        todo = _Todo(folder, units(found, shard, excluded))
        for _ in run(Job(plan, teacher, folder), todo, workers):
            pass
        return _finish(folder, plan, todo)


def _options(module: ModuleType, recipe: str, options: dict[str, Any]) -> dict[str, Any]:
    """The recipe's options, all of them: the keyword-only arguments of its `items`, checked."""
    types = get_type_hints(module.items, include_extras=True)
    known = {p.name: p.default for p in inspect.signature(module.items).parameters.values() if p.kind is p.KEYWORD_ONLY}
    for name in options:
        if name not in known:
            unknown(f"option of {recipe}", name, known)
    settled = {}
    for name, default in known.items():
        try:
            settled[name] = msgspec.convert(options.get(name, default), types[name])
        except msgspec.ValidationError as error:
            raise RelataError(f"option {name} of {recipe} is {options[name]!r}: {error}") from error
    return settled


def _settle(folder: Path, plan: Plan) -> None:
    """Take the folder for this plan, or go on with the same plan."""
    store.sweep(folder)
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
            done = self._finished or (part and store.intact(self._folder, part.file))
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

    files = [part.file for part in parts()]
    lost = (rejection for part in parts() for rejection in part.rejections)
    rejected = store.write_records(folder, "rejected.jsonl", Rejection, lost)
    report = reduce(add, (part.report for part in parts()), Report(plan.recipe, plan.teacher))
    kept = sum(file.records for file in files)
    # counted where items are made, and again from what was written: a difference is a bug of ours
    assert report.read == kept + rejected.records, f"{report.read} read, {kept} kept, {rejected.records} not"
    store.write(folder / "report.json", [msgspec.json.format(encode(report), indent=2), b"\n"])
    store.write(folder / "report.md", [str(report).encode(), b"\n"])
    about = {**msgspec.to_builtins(plan), "input": todo.digest}
    store.write_manifest(folder, about, [*files, rejected])
