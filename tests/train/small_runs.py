"""Training runs of the tiny model that take seconds, and what is left of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from relata.train.config import Run, Stage

TURNS = {"name": 3.0, "relation": 5.0, "graph": 1.0, "match": 2.0, "transform": 2.0}
#: What learns in a stage of turns: all but the tower.
REST = ["regions", "number", "image_number", "decoder", "query", "key"]


def stage(**changes: Any) -> Stage:
    """A stage of turns over few rows."""
    plain: dict[str, Any] = {"name": "relate", "objective": "turns", "train": REST, "steps": 4, "batch": 2}
    return Stage(**{**plain, "turns": TURNS, "pairs": 0.5, "tokens": 80, "warmup": 2, **changes})


def run(*stages: Stage, **changes: Any) -> Run:
    return Run(**{"name": "small", "stages": list(stages), "layers": 1, "log_every": 1, "save_every": 3, **changes})


def logged(out: Path) -> list[dict[str, float]]:
    """The lines of log.jsonl without the time that they took."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "pace"} for line in lines]
