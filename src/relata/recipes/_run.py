"""How a recipe's run is cut into units of work, each finished for good or not at all.

A unit is a shard of input scenes. Its examples become one file in `examples/`; what else is known of it becomes one
file in `parts/`, which is written last and says that the unit is finished. A unit's result depends on its scenes, the
recipe, the options, the teacher and the seed, and on nothing else: not on when, where or in which order units run.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from relata import store
from relata.chat import Example
from relata.errors import RelataError
from relata.filters import Rejection, leaks
from relata.names import component
from relata.recipes._report import Report, count
from relata.scene import Record, Scene, decode, encode
from relata.teachers import NoReply, Request, Teacher, teacher

R = TypeVar("R")


class Plan(Record, frozen=True):
    """What a run was asked to do; the same for all runs in one folder."""

    recipe: str
    options: dict[str, Any]
    teacher: str
    """The teacher's name, which tells apart teachers that may answer differently."""
    seed: int
    shard: int
    """Scenes per unit."""
    excluded: str
    """Digest of the images left out."""
    prompts: str
    """Digest of the recipe's prompt files."""
    version: str
    """Of relata."""


class Unit(Record, frozen=True):
    """A shard of the input."""

    index: int
    digest: str
    """Of its scenes."""
    scenes: tuple[bytes, ...]
    """As JSON; without those that were turned away."""
    away: tuple[Rejection, ...]
    """Scenes turned away before any request."""

    @property
    def name(self) -> str:
        return f"{self.index:05d}"


class Part(Record, frozen=True):
    """The result of a unit, beside its examples."""

    digest: str
    file: store.File
    rejections: tuple[Rejection, ...]
    report: Report


class Job(NamedTuple):
    """What a worker needs to do any unit of a run."""

    plan: Plan
    teacher: str
    """How the user named the teacher."""
    out: Path

    def __call__(self, unit: Unit) -> None:
        """Do one unit and write its result."""
        recipe = component("recipes", self.plan.recipe)
        asked = _teacher(self.teacher, self.plan.teacher)
        kept, lost, read = _wait(_answer(recipe, asked, self.plan, unit))
        file = store.write_records(self.out, f"examples/{unit.name}.jsonl", Example, kept)
        scenes = len(unit.scenes) + len(unit.away)
        report = count((self.plan.recipe, self.plan.teacher), scenes, read, kept, lost)
        store.write(part_path(self.out, unit.index), [encode(Part(unit.digest, file, tuple(lost), report))])


@lru_cache(maxsize=1)
def _teacher(spec: str, name: str) -> Teacher:
    """The teacher of a run, made once per process.

    Raises:
        RelataError: if it is no longer the one that the run was started with.
    """
    made = teacher(spec)
    if made.name != name:
        raise RelataError(f"teacher {spec} has changed while the run went on, from {name} to {made.name}")
    return made


def _wait(answers: Coroutine[Any, Any, R]) -> R:
    """The result of a coroutine, also where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(answers)
    with ThreadPoolExecutor(1) as other:
        return other.submit(asyncio.run, answers).result()


def part_path(out: Path, index: int) -> Path:
    """The file that says that a unit is finished."""
    return out / "parts" / f"{index:05d}.json"


def read_part(out: Path, index: int) -> Part | None:
    """The result of a unit, or None if it is not finished."""
    path = part_path(out, index)
    try:
        return decode(path.read_bytes(), Part, str(path))
    except (FileNotFoundError, RelataError):
        return None


def units(scenes: Iterable[Scene], shard: int, excluded: frozenset[str]) -> Iterator[Unit]:
    """The input, cut into units. Excluded images, and scenes whose id has come before, are turned away.

    Raises:
        RelataError: if something else than a scene comes.
    """
    seen: set[str] = set()
    lines: list[bytes] = []
    away: list[Rejection] = []
    digest = hashlib.sha256()
    index = 0
    for scene in scenes:
        if not isinstance(scene, Scene):
            raise RelataError(f"the recipe reads scenes, but was given {type(scene).__name__}")
        line = encode(scene)
        digest.update(line + b"\n")
        rejection = leaks.check(scene, excluded) or _repeated(scene, seen)
        if rejection:
            away.append(rejection)
        else:
            lines.append(line)
        if len(lines) + len(away) == shard:
            yield Unit(index, digest.hexdigest(), tuple(lines), tuple(away))
            lines, away, digest, index = [], [], hashlib.sha256(), index + 1
    if lines or away or index == 0:  # a run of no scenes has one empty file of examples
        yield Unit(index, digest.hexdigest(), tuple(lines), tuple(away))


def _repeated(scene: Scene, seen: set[str]) -> Rejection | None:
    if scene.id in seen:
        return Rejection("repeated-id", "another scene has this id", id=scene.id)
    seen.add(scene.id)
    return None


async def _answer(
    recipe: ModuleType, asked: Teacher, plan: Plan, unit: Unit
) -> tuple[list[Example], list[Rejection], int]:
    """The examples and rejections of a unit, and how many things there were to decide on."""
    entries: list[Any] = [item for line in unit.scenes for item in _items(recipe, plan, decode(line, Scene))]
    outcomes = await asyncio.gather(*(_decide(recipe, asked, plan, entry) for entry in entries))
    kept = [outcome for outcome in outcomes if isinstance(outcome, Example)]
    lost = [*unit.away, *(outcome for outcome in outcomes if isinstance(outcome, Rejection))]
    return kept, lost, len(unit.away) + len(entries)


def _items(recipe: ModuleType, plan: Plan, scene: Scene) -> Iterable[Any]:
    found: Iterable[Any] = recipe.items(scene, random.Random(f"{plan.seed} {scene.id}"), **plan.options)
    return found


async def _decide(recipe: ModuleType, asked: Teacher, plan: Plan, item: Any) -> Example | Rejection:
    """What becomes of one item."""
    if isinstance(item, Rejection):
        return item
    prompt = recipe.prompt(item)
    request = Request(
        item.id, prompt, (item.scene.image,), lambda: recipe.offline(item, random.Random(f"{plan.seed} {item.id}"))
    )
    try:
        reply = await asked.answer(request)
    except NoReply as error:
        return Rejection("no-reply", str(error), item.id, failed=True)
    outcome: Example | Rejection = recipe.read(reply, item)
    if isinstance(outcome, Rejection):
        return outcome.replace(id=item.id, reply=reply)
    source = {"scene": item.scene.id, "image": item.scene.image, "recipe": outcome.recipe, "teacher": plan.teacher}
    made = {"prompt": prompt.version, "seed": str(plan.seed)}
    return outcome.replace(provenance={**item.scene.provenance, **source, **made})
