"""Whatever stands in a row, checking it ends with findings, never with an error."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest

from check.conftest import Json, lines
from relata.linter import check

#: What stands where something else is expected.
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 3, 2**70, 1e300, -0.5, "", "a", "\ud800", "[1, 2, 3, 4]", "<box>[[", [], {}, [[]], [None], ["a"],
    {"a": 1}, [1, 2, 3, 4], [[1, 2], [3, 4]], {"type": "mention"}, "/dev/zero", "../x.png", "http://a/b.png", "a\0b",
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*way, key) for key, _ in inner] + [place for key, one in inner for place in places(one, (*way, key))]


@pytest.mark.parametrize(
    "format", ["scene", "group", "example", "preference", "edit", "llava", "swift", "objects", "pairs"]
)
def test_rows_with_anything_anywhere(format: str, clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    rng = random.Random(format)
    rows = [copy.deepcopy(row) for row in clean[format][:10]]
    spoilt = []
    for _ in range(400):
        row = copy.deepcopy(rng.choice(rows))
        for _ in range(min(rng.choice((1, 1, 2, 5)), len(row))):
            *way, last = rng.choice(places(row))
            at: Any = row
            for step in way:
                at = at[step]
            if rng.random() < 0.2 and isinstance(at, dict):
                del at[last]
            else:
                at[last] = copy.deepcopy(rng.choice(ODD))
        spoilt.append(row)
    found = check(lines([*rows, *spoilt], tmp_path / "rows.jsonl"), world)
    assert found.files[0].rows == 410
    early = {one.kind for one in found if 0 < one.row <= 10}
    assert early <= {"copied-answer"}  # rows 1 to 10 are clean, but their answers come again with other images
    assert len({one.row for one in found}) > 250
    assert str(found)
    assert json.loads(found.json())["errors"] == found.errors


@pytest.mark.parametrize("seed", range(8))
def test_files_of_torn_and_flipped_bytes(seed: int, clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    rng = random.Random(seed)
    path = lines(clean[rng.choice(["llava", "swift", "scene", "example"])], tmp_path / "rows.jsonl")
    data = bytearray(path.read_bytes())
    for _ in range(30):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(data[: rng.randrange(len(data) // 2, len(data))])
    found = check(path, world)
    assert found.errors
    assert str(found)
    path.write_bytes(b"[" * 100_000)
    assert check(path, world).errors or check(path, world).warnings
