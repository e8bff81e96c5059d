"""What lies at a path: records for a gallery, or tables of anything else in JSON."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from relata.chat import Example
from relata.errors import RelataError
from relata.scene import Group, Scene, decode
from relata.store import MANIFEST, Damage, manifest, records
from relata.view.report import Section, Table
from relata.view.scores import sections

Drawn = Scene | Group | Example
#: The records that have pictures, with the fields that tell each from all other JSON objects.
_DRAWN: tuple[tuple[type[Drawn], frozenset[str]], ...] = (
    (Scene, frozenset({"id", "image", "width", "height"})),
    (Group, frozenset({"id", "scenes"})),
    (Example, frozenset({"id", "images", "messages"})),
)


class Found(NamedTuple):
    """Either records for a gallery or sections for a report, and what to tell above the gallery."""

    records: list[Drawn]
    sections: list[Section]
    notes: list[str]


def load(path: Path, limit: int) -> Found:
    """The first `limit` records at a path, or its tables. Damaged records are left out and named in the notes.

    A folder is read by its manifest. One without it holds a file of records, or an evaluation: scores and answers.

    Raises:
        RelataError: if there is nothing to read, or nothing that can be read.
    """
    if path.is_dir():
        listed = next((folder for folder in (path, path.parent) if (folder / MANIFEST).exists()), None)
        if listed is None:
            return _loose(path, limit)
        files = [file for file in manifest(listed).files if (listed / file.name).is_relative_to(path)]
        held = {file.type for file in files}
        kind = next((kind for kind, _ in _DRAWN if kind.__name__ in held), None)
        if kind is not None:
            return _gallery(path, kind, limit)
        return Found([], [_table(listed / file.name, limit) for file in files], [])
    return Found([], _scores(path), []) if path.suffix == ".json" else _lines(path, limit)


def _lines(path: Path, limit: int) -> Found:
    """One file of JSON lines: a gallery if its first record has pictures, else a table."""
    first = next(iter(records(path, dict[str, Any], lambda damage: None)), None)
    if first is None:
        raise RelataError(f"{path}: holds no records; expected JSON lines, or a .json file of scores")
    kind = next((kind for kind, fields in _DRAWN if fields <= first.keys()), None)
    if kind is None:
        return Found([], [_table(path, limit)], [])
    return _gallery(path, kind, limit)


def _gallery(path: Path, kind: type[Drawn], limit: int) -> Found:
    damages: list[Damage] = []
    found: list[Drawn] = list(islice(records(path, kind, damages.append), limit + 1))
    if not found and damages:
        first = damages[0]
        raise RelataError(f"{first.file}:{first.line}: {first.reason}; no record could be read")
    more = len(found) > limit
    found = found[:limit]
    notes = [f"{'the first ' if more else ''}{len(found):,} {kind.__name__.lower()}{'s' if len(found) != 1 else ''}"]
    if damages:
        lost = "; ".join(f"{Path(damage.file).name}:{damage.line}: {damage.reason}" for damage in damages[:3])
        notes.append(f"Warning: {len(damages)} damaged records left out: {lost}{' ...' if len(damages) > 3 else ''}")
    return Found(found, [], notes)


def _loose(folder: Path, limit: int) -> Found:
    """A folder without a manifest: its one file of JSON lines, or its scores and a table of each file."""
    scores = folder / "scores.json"
    files = sorted(folder.glob("*.jsonl"))
    if not scores.exists() and not files:
        raise RelataError(f"{folder}: holds neither a {MANIFEST} nor scores.json nor JSON lines (*.jsonl)")
    if not scores.exists() and len(files) == 1:
        return _lines(files[0], limit)
    tables = [_table(file, limit) for file in files]
    return Found([], [*(_scores(scores) if scores.exists() else []), *tables], [])


def _scores(path: Path) -> list[Section]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RelataError(f"{path}: cannot be read ({error.strerror})") from error
    return sections(decode(data, dict[str, Any], path.name), "Scores")


def _table(file: Path, limit: int) -> Table:
    """The first records of a file as rows; what is nested in one stands there as JSON."""
    damages: list[Damage] = []
    rows = list(islice(records(file, dict[str, Any], damages.append), limit + 1))
    note = f"the first {limit:,} records" if len(rows) > limit else f"{len(rows):,} records"
    note += f"; {len(damages)} damaged ones left out" if damages else ""
    columns = tuple(dict.fromkeys(key for row in rows[:limit] for key in row))

    def text(value: Any) -> Any:
        return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value

    return Table(file.name, columns, tuple(tuple(text(row.get(c)) for c in columns) for row in rows[:limit]), note)
