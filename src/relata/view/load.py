"""What lies at a path: records for a gallery, or a table of anything else in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from relata.chat import Example
from relata.errors import RelataError
from relata.scene import Group, Scene, decode
from relata.view.report import Section, Table
from relata.view.scores import sections

#: The fields that tell a kind of record from all others.
_KINDS: tuple[tuple[frozenset[str], type[Scene] | type[Group] | type[Example]], ...] = (
    (frozenset({"id", "image", "width", "height"}), Scene),
    (frozenset({"id", "scenes"}), Group),
    (frozenset({"id", "images", "messages"}), Example),
)


class Found(NamedTuple):
    """Either records for a gallery or sections for a report, and what to tell above them."""

    records: list[Scene | Group | Example]
    sections: list[Section]
    notes: list[str]


def load(path: Path, limit: int) -> Found:
    """The first `limit` records at a path, or its tables.

    Raises:
        RelataError: if there is nothing to read, or a line is not a record of the kind of the first one.
    """
    if path.suffix == ".json":
        return Found([], _scores(path), [])
    lines = list(islice(_lines(path), limit + 1))
    if not lines:
        raise RelataError(f"{path}: holds no records; expected JSON lines (*.jsonl) or a .json file of scores")
    notes = [f"the first {limit:,} records; a higher limit shows more"] if len(lines) > limit else []
    first = _object(*lines[0])
    kind = next((kind for fields, kind in _KINDS if fields <= first.keys()), None)
    if kind is None:
        rows = [_object(*line) for line in lines[:limit]]
        return Found([], [_table(path.name, rows, "; ".join(notes))], [])
    records: list[Scene | Group | Example] = [decode(data, kind, where) for where, data in lines[:limit]]
    return Found(records, [], [f"{len(records):,} {kind.__name__.lower()}s", *notes])


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Lines that hold something, each with its file and number."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    for file in files:
        try:
            with file.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield f"{file.name}:{number}", line
        except OSError as error:
            raise RelataError(f"{file}: cannot be read ({error.strerror})") from error


def _object(where: str, data: bytes) -> dict[str, Any]:
    found = decode(data, dict[str, Any], where)
    return found


def _scores(path: Path) -> list[Section]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RelataError(f"{path}: cannot be read ({error.strerror})") from error
    return sections(decode(data, dict[str, Any], path.name), "Scores")


def _table(title: str, rows: list[dict[str, Any]], note: str) -> Table:
    columns = tuple(dict.fromkeys(key for row in rows for key in row))

    def text(value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value

    return Table(title, columns, tuple(tuple(text(row.get(column)) for column in columns) for row in rows), note)
