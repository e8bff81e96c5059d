"""The benchmark that docs/evaluate.md shows runs as it stands there."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from relata import benchmarks
from relata.benchmarks import evaluate, score

ROWS = [
    {"question_id": 1, "image": "1.jpg", "text": "Is there a dog?", "label": "yes"},
    {"question_id": 2, "image": "1.jpg", "text": "Is there a cat?", "label": "no"},
    {"question_id": 3, "image": "1.jpg", "text": "Is the dog on the mat?", "label": "yes"},
    {"question_id": 4, "image": "1.jpg", "text": "Is the mat on the dog?", "label": "no"},
]
REPLIES = ["Yes.", "There is no cat.", "maybe", "yes"]


@pytest.fixture
def documented(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "evaluate.md"
    (source,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    module = types.ModuleType("relata.benchmarks.yes_no")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # annotations are resolved by name
    exec(compile(source, str(page), "exec"), module.__dict__)
    monkeypatch.setattr(benchmarks, "component", lambda kind, name: module)


@pytest.mark.usefixtures("documented")
def test_the_documented_benchmark(tmp_path: Path, scripted: Any) -> None:
    data = tmp_path / "questions.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    texts = {row["text"]: reply for row, reply in zip(ROWS, REPLIES)}
    scores = evaluate("yes_no", scripted(texts.__getitem__), data, out=tmp_path / "run")
    # by the first word: Yes right, "There" unreadable, "maybe" unreadable, yes wrong; anywhere: "no" is found too
    assert (scores["first word"].value, scores["first word"].unreadable) == (0.25, 0.5)
    assert (scores["anywhere"].value, scores["anywhere"].unreadable) == (0.5, 0.25)
    assert scores.differences == {"anywhere - first word": 0.25}
    assert scores.details["anywhere"].table["yes"].value == 0.5
    assert score("yes_no", tmp_path / "run", data) == scores
