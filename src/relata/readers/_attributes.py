"""Attributes of people in words, by the person's number, for `people`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from relata.errors import RelataError
from relata.readers._json import load
from relata.readers._tables import columns, rows

#: Market-1501's and DukeMTMC's attributes by the number that is written for them, from 1. A missing word is not said.
_CHOICES = {
    "gender": ("male", "female"),
    "age": ("young", "teenager", "adult", "old"),
    "hair": ("short hair", "long hair"),
    "up": ("long sleeves", "short sleeves"),
    "top": ("short upper clothing", "long upper clothing"),
    "down": ("long lower clothing", "short lower clothing"),
    "clothes": ("dress", "pants"),
    "shoes": ("dark shoes", "light shoes"),
    **{name: (f"no {name}", name) for name in ("hat", "backpack", "bag", "handbag", "boots")},
}
#: Colours come last, and only those that are worn.
_WORN = {"up": "upper clothing", "down": "lower clothing"}

_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}


def attributes_of(path: Path) -> dict[int, tuple[str, ...]]:
    """Attributes from the published `.mat`, or the user's `.csv` or `.json`.

    Raises:
        RelataError: if there is no such file, or it is laid out otherwise.
    """
    if not path.is_file():
        raise RelataError(f"file of attributes {path} does not exist")
    reader = {".mat": _published, ".csv": _table, ".json": _mapping}.get(path.suffix)
    if reader is None:
        raise RelataError(f"{path}: attributes are read from .mat, .csv or .json, not from {path.suffix or 'this'}")
    return reader(path)


def _published(path: Path) -> dict[int, tuple[str, ...]]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        held = loadmat(path, simplify_cells=True)
        parts = next(value for key, value in held.items() if key.endswith("_attribute"))
        return {
            _number(path, person): tuple(_coded({name: np.atleast_1d(values)[k] for name, values in part.items()}))
            for part in parts.values()
            for k, person in enumerate(np.atleast_1d(part["image_index"]))
        }
    except RelataError:
        raise
    except (
        MatReadError,
        OSError,
        zlib.error,
        struct.error,
        StopIteration,
        NotImplementedError,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
    ) as error:
        raise RelataError(f"{path}: not the attributes of Market-1501 or DukeMTMC ({error}); fetch it again") from error


def _coded(codes: Mapping[str, Any]) -> Iterable[str]:
    for name, words in _CHOICES.items():
        if name in codes:
            code = int(codes[name])
            if not 1 <= code <= len(words):
                raise RelataError(f"{name} is {code}; it goes from 1 to {len(words)}")
            yield words[code - 1]
    for part, clothing in _WORN.items():
        for name, code in codes.items():
            if name.startswith(part) and name != part and int(code) == 2:
                yield f"{name.removeprefix(part)} {clothing}"


def _table(path: Path) -> dict[int, tuple[str, ...]]:
    person, *names = columns(path)
    found = {}
    for line, row in rows(path):
        if isinstance(row, RelataError):
            raise RelataError(f"{path}: line {line} {row}")
        found[_number(path, row[person])] = tuple(_said({name: row[name] for name in names}))
    return found


def _mapping(path: Path) -> dict[int, tuple[str, ...]]:
    held = load(path, dict[str, list[str] | dict[str, str | bool | int]])
    return {
        _number(path, person): tuple(_said(value) if isinstance(value, dict) else value)
        for person, value in held.items()
    }


def _said(values: Mapping[str, str | bool | int]) -> Iterable[str]:
    for name, value in values.items():
        text = str(value).strip()
        if text.lower() in _YES:
            yield name
        elif text.lower() in _NO:
            yield f"no {name}"
        elif text:
            yield text


def _number(path: Path, person: object) -> int:
    try:
        return int(str(person))
    except ValueError as error:
        raise RelataError(f"{path}: {person!r} is no person's number; mend it in the file") from error
