"""What a run is asked to do, checked before anything is made or paid for."""

from __future__ import annotations

import hashlib
import inspect
import itertools
import os
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, cast, get_type_hints

import msgspec

from relata import __version__, store
from relata.errors import RelataError, unknown
from relata.filters import leaks
from relata.images import folder_of
from relata.names import component
from relata.prompts import digest
from relata.recipes._run import Asked, Plan, Source, Unit, source_type, units
from relata.recipes._screen import usable
from relata.scene import Group, Scene
from relata.teachers import Teacher
from relata.teachers import teacher as find_teacher

#: Scenes or groups per unit of work.
SHARD = 128


class Prepared(NamedTuple):
    """A run that is ready to go."""

    plan: Plan
    recipe: ModuleType
    teacher: Asked
    judge: Asked | None
    images: Path
    units: Iterator[Unit]

    def teachers(self) -> list[Teacher]:
        """The teacher and the judge, if that is another one."""
        return [find_teacher(one.spec) for one in (self.teacher, self.judge) if one]


def prepare(
    recipe: str,
    scenes: Iterable[Source] | str | os.PathLike[str],
    teacher: str,
    *,
    images: str | os.PathLike[str] | None,
    groups: str | None,
    filters: Sequence[str],
    judge: str | None,
    seed: int,
    exclude: str | os.PathLike[str] | Iterable[str | int],
    shard: int,
    options: dict[str, Any],
) -> Prepared:
    """Check the arguments of `build` and open its input.

    Raises:
        RelataError: on an unknown name or option, or a folder of images that does not exist.
    """
    module = component("recipes", recipe)
    for name in filters:
        usable(name)
    excluded = leaks.keys(exclude)
    listed = hashlib.sha256("\n".join(sorted(excluded)).encode()).hexdigest()[:12] if excluded else ""
    found, given = _sources(scenes)
    way = _way(module, recipe, given, groups)
    forming = component("groups", way) if way else None
    settled = _options({recipe: module.items} | ({way: forming.groups} if forming else {}), options)
    asked, judges = _asked(teacher), _asked(judge) if judge else None
    plan = Plan(
        recipe, {"recipe": settled[recipe]} | ({"groups": settled[way]} if way else {}), asked.name, seed, shard,
        listed, digest(recipe), __version__, way, tuple(filters), judges.name if judges else "",
    )  # fmt: skip
    if forming:
        found = forming.groups(found, random.Random(seed), **settled[way])
    todo = units(found, source_type(module), shard, excluded)
    return Prepared(plan, module, asked, judges, folder_of(images, scenes), todo)


def grouped(
    way: str, scenes: Iterable[Source] | str | os.PathLike[str], seed: int = 0, **options: Any
) -> Iterator[Group]:
    """Groups of scenes, by one of the ways in `groups/`.

    Raises:
        RelataError: on an unknown way or option, or groups in place of scenes.
    """
    forming = component("groups", way)
    found, given = _sources(scenes)
    if given is Group:
        raise RelataError("these are groups already; give scenes")
    made: Iterator[Group] = forming.groups(found, random.Random(seed), **_options({way: forming.groups}, options)[way])
    return made


def _asked(spec: str) -> Asked:
    return Asked(spec, find_teacher(spec).name)


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
