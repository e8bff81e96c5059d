"""What lies at a path, as sections of a page: records with pictures as a gallery, anything else in JSON as tables."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from relata.chat import Example, Preference
from relata.edits import Edit
from relata.errors import RelataError
from relata.filters import Rejection
from relata.scene import Group, Scene, decode
from relata.store import MANIFEST, Damage, manifest, records
from relata.view.edited import Edited
from relata.view.report import Gallery, Section, Table
from relata.view.scores import sections
from relata.view.words import counted

Read = Scene | Group | Example | Preference | Edit
#: The records that are drawn, with the fields that tell each from all other JSON objects; the first that fits counts.
_DRAWN: tuple[tuple[type[Read], frozenset[str]], ...] = (
    (Scene, frozenset({"id", "image", "width", "height"})),
    (Group, frozenset({"id", "scenes"})),
    (Preference, frozenset({"id", "images", "messages", "chosen", "rejected"})),
    (Example, frozenset({"id", "images", "messages"})),
    (Edit, frozenset({"id", "scene"})),
)
SCORES = "scores.json"


def load(path: Path, images: Path | None, limit: int) -> list[Section]:
    """What to show of a file or folder: of each file the first `limit` records; damaged ones are left out and named.

    A folder is read by its manifest, a gallery for each type of record that is drawn; without one, it is the folder of
    an evaluation, or holds files of JSON lines.

    Args:
        images: the folder of pictures; None for the one that holds the data. Pictures that a run made are found in its
            own folder in any case.

    Raises:
        RelataError: if there is nothing to read, or nothing that can be read.
    """
    if not path.is_dir():
        return _scores(path) if path.suffix == ".json" else [_lines(path, images, limit)]
    if _home(path) is not None:
        return _listed(path, images, limit)
    scores = _scores(path / SCORES) if (path / SCORES).exists() else []
    found = [*scores, *(_lines(file, images, limit) for file in sorted(path.glob("*.jsonl")))]
    if not found:
        raise RelataError(f"{path}: holds neither a {MANIFEST} nor {SCORES} nor JSON lines (*.jsonl)")
    return found


def _home(path: Path) -> Path | None:
    """The folder whose manifest lists what is at a path."""
    near = (path, path.parent) if path.is_dir() else (path.parent, path.parent.parent)
    return next((folder for folder in near if (folder / MANIFEST).exists()), None)


def _listed(path: Path, images: Path | None, limit: int) -> list[Section]:
    """The files of a manifest in this folder: the records that are drawn, or else tables."""
    home = _home(path) or path
    files = [file for file in manifest(home).files if (home / file.name).is_relative_to(path)]
    drawn = [kind for kind, _ in _DRAWN if any(file.type == kind.__name__ and file.records for file in files)]
    if Edit in drawn and Scene in drawn:
        drawn.remove(Scene)  # those that were edited: with what was done to them
    if not drawn:
        return [_table(home / file.name, limit) for file in files]
    made = [_gallery(path, kind, images, limit) for kind in drawn]
    if len(made) > 1:
        made = [gallery.replace(title=f"{kind.__name__.lower()}s") for gallery, kind in zip(made, drawn)]
    lost = [home / file.name for file in files if file.type == Rejection.__name__ and file.records]
    if lost:
        made[0] = made[0].replace(notes=(*made[0].notes, _turned_away(lost)))
    return list(made)


def _turned_away(files: list[Path]) -> str:
    """How many did not become a record, by reason."""
    reasons = Counter(one.reason for file in files for one in records(file, Rejection, lambda damage: None))
    told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"beside them, {reasons.total():,} rejected: {told} (see {files[0].name})"


def _lines(path: Path, images: Path | None, limit: int) -> Section:
    """One file of JSON lines: a gallery if its first readable record is drawn, else a table."""
    first = next(iter(records(path, dict[str, Any], lambda damage: None)), None)
    if first is None:
        raise RelataError(f"{path}: holds no records; expected JSON lines, or a .json file of scores")
    for kind, fields in _DRAWN:
        if fields <= first.keys():
            return _gallery(path, kind, images, limit)
    return _table(path, limit)


def _gallery(path: Path, kind: type[Read], images: Path | None, limit: int) -> Gallery:
    damages: list[Damage] = []
    found: list[Read] = list(islice(records(path, kind, damages.append), limit + 1))
    if not found and damages:
        first = damages[0]
        raise RelataError(f"{first.file}:{first.line}: {first.reason}; no record could be read")
    shown = found[:limit]
    count = counted(len(shown), kind.__name__.lower())
    notes = [f"the first {count}" if len(found) > limit else count]
    if damages:
        lost = "; ".join(f"{Path(damage.file).name}:{damage.line}: {damage.reason}" for damage in damages[:3])
        notes.append(f"Warning: {len(damages)} damaged records left out: {lost}{' ...' if len(damages) > 3 else ''}")
    home = _home(path)
    beside = home or (path if path.is_dir() else path.parent)
    roots = (home, images) if home and images else (images or beside,)
    scenes = _scenes(beside, {record.scene for record in shown if isinstance(record, Edit)})
    drawn = [Edited(record, scenes.get(record.scene)) if isinstance(record, Edit) else record for record in shown]
    return Gallery(path.name, tuple(drawn), roots, tuple(notes))


def _scenes(home: Path, ids: set[str]) -> dict[str, Scene]:
    """Those of the scenes beside edits that were edited."""
    listed = (home / MANIFEST).exists() and any(file.type == Scene.__name__ for file in manifest(home).files)
    beside = home if listed else home / "scenes.jsonl"
    if not ids or not (listed or beside.is_file()):
        return {}
    return {scene.id: scene for scene in records(beside, Scene, lambda damage: None) if scene.id in ids}


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
