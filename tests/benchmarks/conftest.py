"""Hand-written question files in their published layouts, and models that answer from a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "metrics"))  # the plain loops that both folders compare with


@pytest.fixture(scope="session")
def files() -> Path:
    return Path(__file__).resolve().parents[1] / "fixtures" / "benchmarks"


@pytest.fixture
def answers(tmp_path: Path) -> Callable[[Iterable[tuple[object, str]]], Path]:
    """Writes (question, reply) pairs as a file of answers."""

    def write(rows: Iterable[tuple[object, str]], model: str = "scripted") -> Path:
        path = tmp_path / f"answers-{len(list(tmp_path.iterdir()))}.jsonl"
        lines = (json.dumps({"question": str(q), "text": text, "model": model}) for q, text in rows)
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return path

    return write


class Scripted:
    """A model that replies by a function of the question, and fails after so many questions if told to."""

    def __init__(self, reply: Callable[[str], str], name: str = "scripted", fails_after: int | None = None) -> None:
        self.reply = reply
        self.name = name
        self.fails_after = fails_after
        self.asked: list[tuple[Sequence[Path], str]] = []

    def answer(self, images: Sequence[Path], question: str) -> str:
        if self.fails_after is not None and len(self.asked) >= self.fails_after:
            raise KeyboardInterrupt
        self.asked.append((images, question))
        return self.reply(question)


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted
