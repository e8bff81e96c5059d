"""Tables: CSV files whose first line names the columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from relata.errors import RelataError, near

Row = Mapping[str, str]


def columns(path: Path) -> list[str]:
    """The names of the columns: the fields of the first line, spaces around them removed.

    Raises:
        RelataError: if the file is empty, or no text.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise RelataError(f"{path}: not a table in UTF-8 ({error}); fetch the file again") from error
    if not first:
        raise RelataError(f"{path}: the file is empty; fetch it again")
    return [name.strip() for name in first]


def rows(path: Path, named: Sequence[str] = ()) -> Iterator[tuple[int, Row | RelataError]]:
    """The lines of a table with their numbers, the line of names being number 1. A line with too few or too many fields
    comes as the error that says so.

    Args:
        named: the columns of a table whose first line holds data already.

    Raises:
        RelataError: if the file is empty, or no text.
    """
    names = named or columns(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            if not named:
                next(lines)
            for fields in lines:
                if not fields:
                    continue
                if len(fields) == len(names):
                    yield lines.line_num, {name: field.strip() for name, field in zip(names, fields)}
                else:
                    what = f"has {len(fields)} fields, but the first line has {len(names)}; mend the line in the file"
                    yield lines.line_num, RelataError(what)
    except (UnicodeDecodeError, csv.Error) as error:
        raise RelataError(f"{path}: not a table in UTF-8 ({error}); fetch the file again") from error


def number(row: Row, name: str) -> float:
    """The number in a column.

    Raises:
        RelataError: if there is none.
    """
    try:
        return float(row[name])
    except ValueError as error:
        raise RelataError(f"{name} is {row[name]!r}, which is no number; mend it in the file") from error


def one_of(path: Path, names: Sequence[str], wanted: Sequence[str], what: str) -> str:
    """The first of the wanted columns that the table has.

    Raises:
        RelataError: if it has none.
    """
    for name in wanted:
        if name in names:
            return name
    raise RelataError(f"{path}: no column for {what} ({', '.join(wanted)}); {near(wanted[0], names)}")
