"""Any JSON object of scores as tables: what is a number becomes a row, what repeats becomes a table of its own."""

from __future__ import annotations

import json
from typing import Any

from relata.view.report import Cell, Code, Section, Table
from relata.view.words import line

#: These are said first, in this order, when a score has them.
HEAD = ("benchmark", "protocol", "name", "model", "metric", "value", "score", "interval", "count", "unreadable")


def sections(scores: dict[str, Any], title: str = "Scores") -> list[Section]:
    """The tables of one JSON object.

    Plain values stand in the first table, the best known names ahead. A mapping of mappings, or a list of them, is a
    table with the inner keys as columns; a mapping of plain values has two columns; anything deeper is shown as JSON.
    """
    flat = {key: _plain(value) for key, value in scores.items() if _is_plain(value)}
    known = sorted(flat, key=lambda key: HEAD.index(key) if key in HEAD else len(HEAD))
    found: list[Section] = []
    if flat:
        found.append(Table(title, ("", "value"), tuple((line(key), flat[key]) for key in known)))
    for key, value in scores.items():
        if key not in flat:
            found.append(_section(heading(key), value))
    return found


def heading(key: str) -> str:
    """A key of JSON as a title: `by_category` is "By category"."""
    words = line(key.replace("_", " "))
    return words[:1].upper() + words[1:]


def _section(title: str, value: Any) -> Section:
    rows = value if isinstance(value, dict) else {str(i + 1): row for i, row in enumerate(value)}
    if all(_is_plain(row) for row in rows.values()):
        return Table(title, ("", "value"), tuple((key, _plain(row)) for key, row in rows.items()))
    if all(isinstance(row, dict) and all(map(_is_plain, row.values())) for row in rows.values()):
        columns = list(dict.fromkeys(key for row in rows.values() for key in row))
        body = tuple((key, *(_plain(row.get(column)) for column in columns)) for key, row in rows.items())
        return Table(title, ("", *columns), body)
    return Code(title, json.dumps(value, indent=2, ensure_ascii=False))


def _is_plain(value: Any) -> bool:
    """Whether a value fits one cell: a scalar, or a short list of numbers such as an interval."""
    if isinstance(value, list):
        return len(value) <= 4 and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)
    return value is None or isinstance(value, (str, int, float, bool))


def _plain(value: Any) -> Cell:
    if isinstance(value, list):
        return " to ".join(f"{v:.4g}" for v in value) if len(value) == 2 else ", ".join(f"{v:.4g}" for v in value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
