"""The data that is exported: records given as they are, or a file or folder of them, all of one type."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from relata import store
from relata.chat import Example, Preference
from relata.errors import RelataError
from relata.formats._turns import Refuse
from relata.readers._outcome import Rejected
from relata.scene import Record, Scene

Data = Iterable[Any] | str | os.PathLike[str]

#: The records that formats take, with the fields that tell each from all others.
_KINDS: tuple[tuple[type[Record], frozenset[str]], ...] = (
    (Preference, frozenset({"chosen", "rejected"})),
    (Example, frozenset({"messages"})),
    (Scene, frozenset({"image", "width"})),
)

_DAMAGED = "damaged record: "


class Counted:
    """Records, counted as they pass."""

    def __init__(self, records: Iterable[Any]) -> None:
        self.count = 0
        self._records = records

    def __iter__(self) -> Iterator[Any]:
        for record in self._records:
            self.count += 1
            yield record


def damaged(rejected: Iterable[Rejected]) -> int:
    """How many records could not even be read from the data."""
    return sum(one.reason.startswith(_DAMAGED) for one in rejected)


def records_of(data: Data, takes: tuple[type[Record], ...], format: str, refuse: Refuse) -> Iterable[Any]:
    """The records of `data`, all of one type that the format takes."""
    if not isinstance(data, (str, os.PathLike)):
        return _checked(data, takes, format)
    path = Path(data)
    found = held(path)
    usable = [kind for kind in takes if kind in found]
    if found and not usable:
        raise RelataError(f"{path} holds {_named(found)}; {format} takes {_named(takes)}")
    if len(usable) > 1:
        folders = " or ".join(str(path / f"{kind.__name__.lower()}s") for kind in usable)
        raise RelataError(f"{path} holds {_named(usable)}; name {folders}")
    if not usable:
        return ()
    return store.records(path, usable[0], lambda one: refuse(Rejected(f"{one.file}:{one.line}", _DAMAGED + one.reason)))


def held(path: Path) -> list[type[Record]]:
    """The types of records in a file or folder, of those that can be exported.

    Raises:
        RelataError: if there is no such file or folder.
    """
    if path.is_dir():
        names = {file.type for file in store.listed(path)}
        return [kind for kind, _ in _KINDS if kind.__name__ in names]
    if not path.is_file():
        raise RelataError(f"{path} does not exist; give a folder of records or a .jsonl file")
    first = next(iter(store.records(path, dict[str, msgspec.Raw], lambda damage: None)), None)
    return [] if first is None else [next((kind for kind, keys in _KINDS if keys <= first.keys()), Record)]


def _checked(records: Iterable[Any], takes: tuple[type[Record], ...], format: str) -> Iterator[Any]:
    """Records, as long as they are all of one type that the format takes."""
    usable = takes
    for record in records:
        if not isinstance(record, usable):
            raise RelataError(f"{format} writes {_named(usable)} here, but was given a {type(record).__name__}")
        usable = (type(record),)
        yield record


def _named(kinds: Iterable[type]) -> str:
    return " and ".join("other records" if kind is Record else f"{kind.__name__.lower()}s" for kind in kinds)
