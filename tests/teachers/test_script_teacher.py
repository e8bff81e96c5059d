"""The teacher that replays a file."""

from __future__ import annotations

from pathlib import Path

from relata.teachers import teacher

from .conftest import outcome, request, told


def test_a_script_that_has_changed_has_another_name(tmp_path: Path) -> None:
    names = set()
    for reply in ("yes", "no"):
        (tmp_path / "s.jsonl").write_text(f'{{"id": "r1", "reply": "{reply}"}}\n')
        made = teacher(f"script:{tmp_path / 's.jsonl'}")
        names.add(made.name)
        assert told(outcome(made, request(1))) == reply
        assert "no reply for this request" in told(outcome(made, request(2)))
    assert len(names) == 2
