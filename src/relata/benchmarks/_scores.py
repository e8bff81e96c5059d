"""What a scoring gives: `Score`, a protocol's headline; `Details`, what is behind it; `Scores`, all of one run."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from relata import store
from relata.errors import RelataError, unknown
from relata.metrics.interval import Rate
from relata.scene import Record


class Value(Record, frozen=True):
    """A share of 0 to 1 with its bootstrap 95 % interval and what it was measured on."""

    value: float
    interval: tuple[float, float]
    count: int

    @classmethod
    def of(cls, rate: Rate) -> Value:
        return cls(rate.value, (rate.interval.low, rate.interval.high), rate.count)


class Score(Record, frozen=True):
    """The headline of one protocol. Compare it only with scores of the same benchmark, protocol and metric."""

    metric: str
    """What the value is, with its cut or its categories, e.g. `R@20`."""
    value: float
    """0 to 1."""
    interval: tuple[float, float]
    """Bootstrap 95 % interval."""
    count: int
    """Units that the value is an average over, e.g. circular groups or gold triplets."""
    unreadable: float
    """Share of replies that nothing could be read from; they are wrong."""

    @classmethod
    def of(cls, metric: str, rate: Rate, unreadable: float) -> Score:
        return cls(metric, rate.value, (rate.interval.low, rate.interval.high), rate.count, unreadable)


class Details(Record, frozen=True, omit_defaults=False):
    """What is behind a score: the rules, other numbers under the same rules, and the table by predicate or category."""

    rules: dict[str, Any]
    values: dict[str, Value]
    table: dict[str, Value]


class Scored(NamedTuple):
    score: Score
    details: Details


class Scores(Record, frozen=True, omit_defaults=False):
    """The scores of one file of answers under one or more protocols; what `scores.json` holds."""

    benchmark: str
    model: str
    answers: int
    missing: int
    """Questions without an answer, counted wrong; more than 0 only where the user asked for an incomplete score."""
    scores: dict[str, Score]
    """By protocol."""
    differences: dict[str, float]
    """`fixed - official` and the like: each protocol's value minus the first's, from the same answers."""
    details: dict[str, Details]
    data: dict[str, str]
    """File and sha256 of the questions."""
    versions: dict[str, str]

    def __getitem__(self, protocol: str) -> Score:
        if protocol not in self.scores:
            unknown("protocol among these scores", protocol, self.scores)
        return self.scores[protocol]

    def __str__(self) -> str:
        head = f"{self.benchmark}, {self.model}: {self.answers} answers"
        head += f", INCOMPLETE: {self.missing} questions without an answer count as wrong" if self.missing else ""
        first = next(iter(self.scores))
        rows = [("protocol", "metric", "value %", "95 % interval", "count", "unreadable %", f"minus {first}")]
        for name, score in self.scores.items():
            low, high = (f"{100 * end:.2f}" for end in score.interval)
            unreadable = f"{100 * score.unreadable:.2f}"
            difference = f"{100 * self.differences[f'{name} - {first}']:+.2f}" if name != first else ""
            value = f"{100 * score.value:.2f}"
            rows.append((name, score.metric, value, f"{low} to {high}", str(score.count), unreadable, difference))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
        return "\n".join([head, *lines, *self._rules()])

    def _rules(self) -> Iterator[str]:
        """What the protocols have in common, then what each has of its own."""
        told = {name: _told(details.rules) for name, details in self.details.items()}
        first, *others = told.values()
        common = [rule for rule in first if others and all(rule in rules for rules in others)]
        yield from [f"all: {', '.join(common)}"] * bool(common)
        for name, rules in told.items():
            yield f"{name}: {', '.join(rule for rule in rules if rule not in common)}"

    def write(self, path: Path) -> None:
        """Write `scores.json`: whole or not at all."""
        store.write(path, [msgspec.json.format(msgspec.json.encode(self), indent=2), b"\n"])

    @classmethod
    def load(cls, path: Path) -> Scores:
        """Read what `write` wrote.

        Raises:
            RelataError: if the file is no scores file.
        """
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (msgspec.DecodeError, FileNotFoundError) as error:
            raise RelataError(f"{path}: {error}; expected the scores.json of an evaluation") from error


def _told(rules: Mapping[str, Any]) -> list[str]:
    """Rules as words: `reading strict`, `cuts 20/50/100`."""
    cells = ((key, "/".join(map(str, value)) if isinstance(value, list) else value) for key, value in rules.items())
    return [f"{key.replace('_', ' ')} {value}" for key, value in cells]


def rules_of(record: Record) -> dict[str, Any]:
    """All fields of a record of rules but its name, as they are written to `scores.json`."""
    fields = msgspec.structs.asdict(record)
    return {key: list(v) if isinstance(v, tuple) else v for key, v in fields.items() if key != "name"}


def versions() -> dict[str, str]:
    """What the numbers were computed with."""
    from relata import __version__

    return {"relata": __version__, "python": platform.python_version(), "numpy": np.__version__}
