"""Every kind of defect is found where it was put, and nowhere else."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from check.conftest import Json, lines
from check.seeds import SEEDS, Instead, Seed
from relata.linter import KINDS, check

#: The rows that are spoilt, from 0.
SPOILT = (7, 23)
#: Kinds that only a whole file or folder shows; the tests of each are elsewhere.
WHOLE = {
    "damaged-record", "missing-record", "damaged-file", "no-rows", "unknown-format", "duplicate-id", "repeated-id",
    "repeated-conversation", "copied-answer", "constant-answer", "letter-bias", "one-predicate", "leaked-image",
    "leaked-look", "near-duplicate", "wrong-convention", "unlikely-convention",
}  # fmt: skip


@pytest.mark.parametrize("seed", SEEDS, ids=[f"{seed.kind}-{seed.format}-{k}" for k, seed in enumerate(SEEDS)])
def test_a_defect_is_found_in_its_rows_and_in_no_other(
    seed: Seed, clean: dict[str, list[Json]], world: Path, tmp_path: Path
) -> None:
    rows = copy.deepcopy(clean[seed.format])
    for at in SPOILT:
        made = seed.spoil(rows[at])
        if isinstance(made, Instead):
            rows[at] = made.row
    found = check(lines(rows, tmp_path / "rows.jsonl"), world)
    where = {(finding.file, finding.row) for finding in found if finding.kind == seed.kind}
    assert where == {("rows.jsonl", at + 1) for at in SPOILT}, found.table(9)
    others = [finding for finding in found if finding.row - 1 not in SPOILT]
    assert not others, found.table(9)
    one = next(finding for finding in found if finding.kind == seed.kind)
    assert one.level == KINDS[seed.kind].level
    assert one.remedy
    assert str(one).startswith(f"{one.level} rows.jsonl:{SPOILT[0] + 1}: {seed.kind}: ")


def test_every_kind_has_its_test() -> None:
    assert {seed.kind for seed in SEEDS} | WHOLE == set(KINDS)
    assert len(KINDS) >= 40


@pytest.mark.parametrize(
    "format", ["scene", "group", "example", "preference", "edit", "llava", "swift", "objects", "pairs"]
)
def test_clean_rows_have_no_findings(format: str, clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    assert len(clean[format]) == 40
    found = check(lines(clean[format], tmp_path / "rows.jsonl"), world)
    assert not found.found, found.table(9)
    assert found.files[0].rows == 40


def test_the_page_shows_every_kind() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
    for name, kind in KINDS.items():
        assert f"| `{name}` | {kind.level} | {kind.what} | {kind.remedy} |" in page, name
