"""What a ledger tells of its calls, and what is saved of a damaged one."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from relata.accounts import Account, Cause, accounts, causes, save
from relata.cli import app
from relata.errors import RelataError
from relata.ledger import Entry, Ledger
from relata.teachers import Reply


def entry(number: int, *, kept: bool = True, prompt: str = "v1") -> Entry:
    key = hashlib.sha256(str(number).encode()).hexdigest()
    cause = "" if kept else f"no-number: {number}"
    return Entry(key, Reply(f"reply {number} " * 9, 100, 10, 0.5, 2.0), kept, cause, f"r{number}", "t", prompt)


def filed(path: Path, entries: list[Entry]) -> Path:
    with Ledger(path) as ledger:
        for one in entries:
            ledger.record(one, 0.0)
        ledger.fail("key", "r", "t", "no answer within 60 s", Reply("", cost=0.25), 0.0)
    return path


def test_calls_are_told_by_teacher_and_prompt_and_faults_by_cause(tmp_path: Path) -> None:
    some = [entry(1), entry(2), entry(3, kept=False), entry(4, kept=False), entry(5, prompt="v2")]
    path = filed(tmp_path / "l.sqlite", some)
    assert accounts(path) == [
        Account("t", "v1", 4, 2, 400, 40, 2.0, 2.0),
        Account("t", "v2", 1, 1, 100, 10, 0.5, 2.0),
    ]
    assert causes(path) == [Cause("no-number", 2, 1.0), Cause("no answer within 60 s", 1, 0.25)]


def test_a_ledger_can_be_looked_at_while_a_run_writes_it(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        ledger.record(entry(1), 0.0)
        assert accounts(ledger.path)[0].calls == 1
        ledger.record(entry(2), 0.0)
        assert accounts(ledger.path)[0].calls == 2


def test_a_sound_ledger_is_saved_whole(tmp_path: Path) -> None:
    some = [entry(number) for number in range(50)]
    path = filed(tmp_path / "l.sqlite", some)
    assert save(path, tmp_path / "new.sqlite") == (50, 1, 0)
    with Ledger(tmp_path / "new.sqlite") as ledger:
        assert [ledger.find(one.key) for one in some] == some
        assert ledger.spent().cost == pytest.approx(25.25)


@pytest.mark.parametrize("flips", [60, pytest.param(1000, marks=pytest.mark.slow)])
def test_of_a_file_with_a_flipped_bit_all_but_a_page_is_saved(tmp_path: Path, flips: int) -> None:
    some = [entry(number) for number in range(300)]
    path = filed(tmp_path / "l.sqlite", some)
    good, rng = path.read_bytes(), random.Random(3)
    tables = 4096  # the first page tells what tables there are; without it nothing can be found
    worst = 0
    for number in range(flips):
        data = bytearray(good)
        data[rng.randrange(tables, len(good))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        new = tmp_path / f"{number}.sqlite"
        saved = save(path, new)
        with Ledger(new) as ledger:
            found = [ledger.find(one.key) for one in some]
        assert all(one is None or one == other for one, other in zip(found, some))
        assert sum(one is not None for one in found) == saved.replies
        worst = max(worst, len(some) - saved.replies)
        new.unlink()
        for beside in tmp_path.glob("l.sqlite-*"):
            beside.unlink()
    print(f"{flips} flips: {worst} of {len(some)} replies lost at the worst")
    assert 0 < worst <= 20


def test_what_is_no_ledger_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ledger " * 999)
    for ask in (accounts, causes, lambda path: save(path, tmp_path / "new")):
        with pytest.raises(RelataError, match="no such file"):
            ask(tmp_path / "absent")
        with pytest.raises(RelataError, match="text"):
            ask(tmp_path / "text")
    with pytest.raises(RelataError, match="exists"):
        save(filed(tmp_path / "l.sqlite", []), tmp_path / "text")


def test_the_command_shows_costs_and_saves(tmp_path: Path) -> None:
    path = filed(tmp_path / "l.sqlite", [entry(1), entry(2, kept=False)])
    shown = CliRunner().invoke(app, ["ledger", str(path), "--save", str(tmp_path / "new.sqlite")])
    assert shown.exit_code == 0, shown.output
    assert "no-number" in shown.output
    assert "1.0000" in shown.output
    assert "2 replies and 1 failures saved, 0 damaged left out" in shown.output
