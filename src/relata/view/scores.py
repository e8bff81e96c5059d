"""Any JSON object of scores as tables: plain values are rows, what repeats is a table of its own."""

from __future__ import annotations

import json
from typing import Any

from relata.view.report import Cell, Code, Section, Table, cell
from relata.view.words import line

#: Values of these names are said first, in this order.
HEAD = ("benchmark", "protocol", "name", "model", "metric", "value", "score", "interval", "count", "unreadable")
#: Objects nested deeper than this are shown as JSON.
DEEPEST = 4


def sections(scores: dict[str, Any], title: str) -> list[Section]:
    """The tables of one JSON object.

    Its plain values make one table, the best known names ahead. A mapping or a list of objects with plain values is a
    table with a column per name; deeper objects become tables with the names that lead to them as a title.
    """
    plain = {key: _plain(value) for key, value in scores.items() if _is_plain(value)}
    known = sorted(plain, key=lambda key: HEAD.index(key) if key in HEAD else len(HEAD))
    found: list[Section] = (
        [Table(title, ("", "value"), tuple((line(key), plain[key]) for key in known))] if plain else []
    )
    for key, value in scores.items():
        if key not in plain and value:
            found += _sections((heading(key),), value)
    return found


def heading(key: str) -> str:
    """A key of JSON as a title: `by_category` is "By category"."""
    words = line(key.replace("_", " "))
    return words[:1].upper() + words[1:]


def _sections(titles: tuple[str, ...], value: dict[str, Any] | list[Any]) -> list[Section]:
    title = ", ".join(titles)
    rows = value if isinstance(value, dict) else {str(i + 1): row for i, row in enumerate(value)}
    if all(_is_plain(row) for row in rows.values()):
        return [Table(title, ("", "value"), tuple((key, _plain(row)) for key, row in rows.items()))]
    if all(isinstance(row, dict) and all(map(_is_plain, row.values())) for row in rows.values()):
        columns = list(dict.fromkeys(key for row in rows.values() for key in row))
        body = tuple((key, *(_plain(row.get(column)) for column in columns)) for key, row in rows.items())
        return [Table(title, ("", *columns), body)]
    if isinstance(value, list) or len(titles) == DEEPEST:
        return [Code(title, json.dumps(value, indent=2, ensure_ascii=False))]
    plain = {key: row for key, row in rows.items() if _is_plain(row)}
    found = _sections(titles, plain) if plain else []
    for key, row in rows.items():
        if key not in plain and row:
            found += _sections((*titles, key.replace("_", " ")), row)
    return found


def _is_plain(value: Any) -> bool:
    """Whether a value fits one cell: a scalar, or a short list of them such as an interval."""
    if isinstance(value, list):
        scalars = all(isinstance(v, (str, int, float)) for v in value)
        return scalars and 0 < len(value) <= 8 and sum(len(str(v)) for v in value) <= 80
    return value is None or isinstance(value, (str, int, float, bool))


def _plain(value: Any) -> Cell:
    if isinstance(value, list):
        interval = len(value) == 2 and all(isinstance(v, (int, float)) for v in value)
        return (" to " if interval else ", ").join(map(cell, value))
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
