"""What lies at a path, as sections of a page: records with pictures as a gallery, anything else in JSON as tables."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

from relata.chat import Example
from relata.errors import RelataError
from relata.scene import Group, Scene, decode
from relata.store import MANIFEST, Damage, manifest, records
from relata.view.report import Gallery, Section, Table
from relata.view.scores import sections

Drawn = Scene | Group | Example
#: The records that have pictures, with the fields that tell each from all other JSON objects.
_DRAWN: tuple[tuple[type[Drawn], frozenset[str]], ...] = (
    (Scene, frozenset({"id", "image", "width", "height"})),
    (Group, frozenset({"id", "scenes"})),
    (Example, frozenset({"id", "images", "messages"})),
)
SCORES = "scores.json"


def load(path: Path, images: Path | None, limit: int) -> list[Section]:
    """What to show of a file or folder: of each file the first `limit` records; damaged ones are left out and named.

    A folder is read by its manifest; without one, it is the folder of an evaluation, or holds files of JSON lines.

    Args:
        images: the folder of pictures; None for the one that holds the data.

    Raises:
        RelataError: if there is nothing to read, or nothing that can be read.
    """
    if not path.is_dir():
        return _scores(path) if path.suffix == ".json" else [_lines(path, images or path.parent, limit)]
    listed = next((folder for folder in (path, path.parent) if (folder / MANIFEST).exists()), None)
    if listed is not None:
        files = [file for file in manifest(listed).files if (listed / file.name).is_relative_to(path)]
        held = {file.type for file in files}
        for kind, _ in _DRAWN:
            if kind.__name__ in held:
                return [_gallery(path, kind, images or path, limit)]
        return [_table(listed / file.name, limit) for file in files]
    scores = _scores(path / SCORES) if (path / SCORES).exists() else []
    found = [*scores, *(_lines(file, images or path, limit) for file in sorted(path.glob("*.jsonl")))]
    if not found:
        raise RelataError(f"{path}: holds neither a {MANIFEST} nor {SCORES} nor JSON lines (*.jsonl)")
    return found


def _lines(path: Path, images: Path, limit: int) -> Section:
    """One file of JSON lines: a gallery if its first readable record has pictures, else a table."""
    first = next(iter(records(path, dict[str, Any], lambda damage: None)), None)
    if first is None:
        raise RelataError(f"{path}: holds no records; expected JSON lines, or a .json file of scores")
    for kind, fields in _DRAWN:
        if fields <= first.keys():
            return _gallery(path, kind, images, limit)
    return _table(path, limit)


def _gallery(path: Path, kind: type[Drawn], images: Path, limit: int) -> Gallery:
    damages: list[Damage] = []
    found: list[Drawn] = list(islice(records(path, kind, damages.append), limit + 1))
    if not found and damages:
        first = damages[0]
        raise RelataError(f"{first.file}:{first.line}: {first.reason}; no record could be read")
    shown = found[:limit]
    count = f"{len(shown):,} {kind.__name__.lower()}{'s' if len(shown) != 1 else ''}"
    notes = [f"the first {count}" if len(found) > limit else count]
    if damages:
        lost = "; ".join(f"{Path(damage.file).name}:{damage.line}: {damage.reason}" for damage in damages[:3])
        notes.append(f"Warning: {len(damages)} damaged records left out: {lost}{' ...' if len(damages) > 3 else ''}")
    return Gallery(path.name, tuple(shown), images, tuple(notes))


def _scores(path: Path) -> list[Section]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RelataError(f"{path}: cannot be read ({error.strerror})") from error
    return sections(decode(data, dict[str, Any], path.name), "Summary")


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
