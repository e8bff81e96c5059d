"""How a recipe's run is cut into units of work, each finished for good or not at all.

A unit is a shard of the input. Its records become one file per type (`examples/`, `scenes/` ...); what else is known of
it becomes one file in `parts/`, which is written last and says that the unit is finished. A unit's result depends on
its input, the recipe, the options, the teacher's replies and the seed, and on nothing else: not on when, where or in
which order units run.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections.abc import Coroutine, Iterable, Iterator
from functools import cache, lru_cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar, cast, get_args, get_type_hints

from relata import store
from relata.door import Asks, Door, Filing
from relata.errors import RelataError, Unsafe
from relata.filters import Rejection, leaks
from relata.images import read as read_image
from relata.names import component
from relata.recipes._here import Here
from relata.recipes._report import Report, count
from relata.recipes._screen import screen
from relata.scene import Group, Record, Scene, decode, encode
from relata.teachers import Prompt, Request, teacher

Source = Scene | Group
T = TypeVar("T")


class Plan(Record, frozen=True):
    """What a run was asked to do; the same for all runs in one folder."""

    recipe: str
    options: dict[str, Any]
    teacher: str
    """The teacher's name, which tells apart teachers that may answer differently."""
    seed: int
    shard: int
    """Scenes or groups per unit."""
    excluded: str
    """Digest of the images left out."""
    prompts: str
    """Digest of the recipe's prompt files."""
    version: str
    """Of relata."""
    groups: str = ""
    """How groups were formed of scenes; empty: they were given, or the recipe reads scenes."""
    filters: tuple[str, ...] = ()
    judge: str = ""
    """Name of the teacher whom filters ask."""


class Unit(Record, frozen=True):
    """A shard of the input."""

    index: int
    digest: str
    """Of its scenes or groups."""
    sources: tuple[bytes, ...]
    """As JSON; without those that were turned away."""
    away: tuple[Rejection, ...]
    """Those turned away before any request."""

    @property
    def name(self) -> str:
        return f"{self.index:05d}"


class Part(Record, frozen=True):
    """The result of a unit, beside its records."""

    digest: str
    files: tuple[store.File, ...]
    rejections: tuple[Rejection, ...]
    report: Report


class Asked(NamedTuple):
    """A teacher as the user named it, and the name that it had when the run began."""

    spec: str
    name: str


class Job(NamedTuple):
    """What a worker needs to do any unit of a run."""

    plan: Plan
    teacher: Asked
    judge: Asked | None
    images: Path
    out: Path
    filing: Filing | None
    hosts: frozenset[str] = frozenset()
    """Hosts that images may be fetched from."""
    abreast: int = 1
    """Units open at once: enough that a paid teacher need not wait for the last replies of each."""

    async def __call__(self, unit: Unit) -> int:
        """Do one unit and write its result; how many scenes or groups that were."""
        recipe = component("recipes", self.plan.recipe)
        teacher = _door(self.teacher, self.filing)
        judge = _door(self.judge, self.filing) if self.judge else teacher
        kept, lost, read = await Run(self.plan, recipe, teacher, judge, self.images, self.out, self.hosts).outcomes(
            unit
        )
        of = folder(source_type(recipe))
        files = [
            store.write_records(
                self.out, f"{folder(made)}/{unit.name}.jsonl", made, [one for one in kept if type(one) is made]
            )
            for made in makes(recipe)
        ]
        # counted where items are made, and again from what was written: a difference is a bug of ours
        assert sum(file.records for file in files) == len(kept), f"{self.plan.recipe} makes more than its types say"
        sources = len(unit.sources) + len(unit.away)
        report = count((self.plan.recipe, self.plan.teacher, of), sources, read, kept, lost)
        store.write(part_path(self.out, unit.index), [encode(Part(unit.digest, tuple(files), tuple(lost), report))])
        return sources


def folder(type: type) -> str:
    """Where records of a type go: `examples`, `scenes`, `preferences`, `edits`."""
    return f"{type.__name__.lower()}s"


def source_type(recipe: ModuleType) -> type[Scene] | type[Group]:
    """What a recipe reads: the type of the first argument of its `items`.

    Raises:
        RelataError: if that is neither Scene nor Group.
    """
    first = next(iter(get_type_hints(recipe.items).values()), None)
    if first is Scene or first is Group:
        return first
    raise RelataError(f"recipe {recipe.__name__}: the first argument of `items` has to be typed as Scene or Group")


@cache
def makes(recipe: ModuleType) -> tuple[type[Record], ...]:
    """The types of records that a recipe makes, as the return types of its `items` and `read` say."""
    told = [get_type_hints(function).get("return") for function in (recipe.items, recipe.read)]
    found = {one for hint in told for one in _leaves(hint) if isinstance(one, type) and issubclass(one, Record)}
    return tuple(sorted(found - {Rejection}, key=folder))


def _leaves(hint: Any) -> Iterator[Any]:
    """The types in a hint like `list[Example | Rejection]`."""
    inner = get_args(hint)
    if inner:
        for one in inner:
            yield from _leaves(one)
    else:
        yield hint


@lru_cache(maxsize=4)
def _door(asked: Asked, filing: Filing | None) -> Door:
    """The door to a teacher, made once per process.

    Raises:
        RelataError: if it is no longer the one that the run was started with.
    """
    made = teacher(asked.spec)
    if made.name != asked.name:
        raise RelataError(f"teacher {asked.spec} has changed while the run went on, from {asked.name} to {made.name}")
    return Door(made, filing)


os.register_at_fork(after_in_child=_door.cache_clear)  # its threads stay behind in a fork


class Run(NamedTuple):
    """One recipe at work on scenes or groups."""

    plan: Plan
    recipe: ModuleType
    door: Asks
    judge: Asks
    images: Path
    out: Path
    hosts: frozenset[str] = frozenset()

    async def outcomes(self, unit: Unit) -> tuple[list[Record], list[Rejection], int]:
        """The records and rejections of a unit, and how many things there were to decide on."""
        type = source_type(self.recipe)
        found = await _together(self.source(decode(line, type)) for line in unit.sources)
        outcomes = [outcome for some in found for outcome in some]
        lost = [*unit.away, *(outcome for outcome in outcomes if isinstance(outcome, Rejection))]
        kept = [outcome for outcome in outcomes if not isinstance(outcome, Rejection)]
        return kept, lost, len(unit.away) + len(outcomes)

    async def source(self, source: Source) -> list[Record]:
        """What becomes of a scene or group."""
        here = Here(random.Random(f"{self.plan.seed} {source.id}"), self.images, self.out)
        try:
            items = list(self.recipe.items(source, here, **self.plan.options["recipe"]))
        except Unsafe as error:  # an image that the recipe wanted to look at
            return [Rejection(error.reason, str(error), source.id)]
        found = await _together(self._follow(item, source, ()) for item in items)
        return [outcome for some in found for outcome in some]

    async def _follow(self, item: Any, source: Source, prompts: tuple[str, ...]) -> list[Record]:
        """What becomes of an item, and of the items that its reply leads to."""
        if isinstance(item, Rejection):
            return [item]
        if isinstance(item, Record):
            made = _with_provenance(item, source, self.plan, prompts)
            return await screen(made, source, self.plan.filters, self.judge, self.images)
        prompt = self.recipe.prompt(item)
        outcome = await self.door.ask(self._request(item, prompt), lambda reply: _all(self.recipe.read(reply, item)))
        if isinstance(outcome, Rejection):
            return [outcome.replace(id=item.id)]
        found = await _together(self._follow(_named(one, item), source, (*prompts, prompt.version)) for one in outcome)
        return [outcome for some in found for outcome in some]

    def _request(self, item: Any, prompt: Prompt) -> Request:
        recipe = self.recipe
        root: Path = getattr(item, "root", None) or self.images  # pictures that the recipe made lie elsewhere
        own: tuple[str, ...] | None = getattr(item, "images", None)
        images = images_of(item.source) if own is None else own
        drawn = partial(item.pictures, root) if hasattr(item, "pictures") else None
        return Request(
            item.id,
            prompt,
            images,
            lambda: recipe.offline(item, random.Random(f"{self.plan.seed} {item.id}")),
            drawn or (lambda: tuple(self._picture(image, root) for image in images)),
        )

    def _picture(self, image: str, root: Path) -> bytes:
        """The file of an image, from an allowed host if it is an address."""
        if not self.hosts:
            return read_image(image, root)
        from relata.fetch import get

        return read_image(image, root, fetch=partial(get, hosts=self.hosts))


async def _together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Results of work done at once. When some of it fails the rest is still brought to its end: it may be paid for."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)


def _all(outcome: Any) -> list[Any] | Rejection:
    """A recipe's outcomes as a list; a rejection where none is of use, so that the teacher is asked again."""
    if not isinstance(outcome, list):
        return outcome if isinstance(outcome, Rejection) else [outcome]
    if outcome and all(isinstance(one, Rejection) for one in outcome):
        first: Rejection = outcome[0]
        return first
    return outcome


def _named(outcome: Any, item: Any) -> Any:
    return outcome.replace(id=outcome.id or item.id) if isinstance(outcome, Rejection) else outcome


def images_of(source: Source) -> tuple[str, ...]:
    """References of the images of a scene or group."""
    return tuple(scene.image for scene in scenes_of(source))


def scenes_of(source: Source) -> tuple[Scene, ...]:
    return source.scenes if isinstance(source, Group) else (source,)


def _with_provenance(record: Any, source: Source, plan: Plan, prompts: tuple[str, ...]) -> Record:
    of = {"group": source.id} if isinstance(source, Group) else {"scene": source.id, "image": source.image}
    made = {"recipe": getattr(record, "recipe", "") or plan.recipe, "teacher": plan.teacher}
    if prompts:
        made["prompt"] = "+".join(prompts)
    about = {**_sources(source), **record.provenance, **of, **made, "seed": str(plan.seed)}
    finished: Record = record.replace(provenance=about)
    return finished


def _sources(source: Source) -> dict[str, str]:
    """Where a scene or group comes from; what its scenes say differently stands side by side."""
    about: dict[str, str] = {}
    if isinstance(source, Group):
        for name in dict.fromkeys(name for scene in source.scenes for name in scene.provenance):
            said = [part for scene in source.scenes for part in scene.provenance.get(name, "").split("; ")]
            about[name] = "; ".join(filter(None, dict.fromkeys(said)))
    return {**about, **source.provenance}


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


def units(sources: Iterable[Source], type: type, shard: int, excluded: frozenset[str]) -> Iterator[Unit]:
    """The input, cut into units. Excluded images, and scenes or groups whose id has come before, are turned away.

    Raises:
        RelataError: if something else than the recipe reads comes.
    """
    seen: set[str] = set()
    lines: list[bytes] = []
    away: list[Rejection] = []
    digest = hashlib.sha256()
    index = 0
    for source in sources:
        if not isinstance(source, type):
            raise RelataError(f"the recipe reads {type.__name__.lower()}s, but was given a {source.__class__.__name__}")
        line = encode(source)
        digest.update(line + b"\n")
        rejection = _leaked(source, excluded) or _repeated(source, seen)
        if rejection:
            away.append(rejection)
        else:
            lines.append(line)
        if len(lines) + len(away) == shard:
            yield Unit(index, digest.hexdigest(), tuple(lines), tuple(away))
            lines, away, digest, index = [], [], hashlib.sha256(), index + 1
    if lines or away or index == 0:  # a run of nothing has one empty file of examples
        yield Unit(index, digest.hexdigest(), tuple(lines), tuple(away))


def _leaked(source: Source, excluded: frozenset[str]) -> Rejection | None:
    found = next(filter(None, (leaks.check(scene, excluded) for scene in scenes_of(source))), None)
    return found and found.replace(id=source.id)


def _repeated(source: Source, seen: set[str]) -> Rejection | None:
    if source.id in seen:
        return Rejection("repeated-id", "another one has this id", id=source.id)
    seen.add(source.id)
    return None
