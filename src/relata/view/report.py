"""Pages made of sections: score tables, curves, samples, commands. `relata demo` and `relata view` write these."""

from __future__ import annotations

import math
import os
import platform
import re
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from relata.errors import RelataError
from relata.scene import Record
from relata.view.items import Drawn, item, summary
from relata.view.page import page
from relata.view.parts import Item
from relata.view.pictures import Album
from relata.view.words import clean, counted, line

Cell = str | int | float | bool | None

#: Items on one page; longer galleries go on several.
PER_PAGE = 50
#: Items of a longer gallery that stand in the report itself, before the links to its pages.
PREVIEW = 3
#: Points drawn per series of a curve; a longer one is thinned evenly.
MOST_POINTS = 400


class Table(Record, frozen=True, tag="table", tag_field="type"):
    """Rows under columns; the first cell of a row names it. None is an empty cell."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


class Curve(Record, frozen=True, tag="curve", tag_field="type"):
    """One line per named series of (x, y) points; a point that is not finite leaves a gap."""

    title: str
    series: dict[str, list[tuple[float, float]]]
    x_label: str
    y_label: str


class Gallery(Record, frozen=True, tag="gallery", tag_field="type"):
    """Samples with their images, whose paths lead from `images`; of several folders, from the first that has it."""

    title: str
    records: tuple[Drawn, ...]
    images: Path | tuple[Path, ...]
    notes: tuple[str, ...] = ()
    """What to tell above it, beside the counts."""


class Code(Record, frozen=True, tag="code", tag_field="type"):
    """Text as it is: a command, a reply, a file."""

    title: str
    text: str


class Prose(Record, frozen=True, tag="prose", tag_field="type"):
    """Paragraphs, separated by empty lines. No markup."""

    title: str
    text: str


Section = Table | Curve | Gallery | Code | Prose


def report(out: Path, sections: Sequence[Section], title: str = "relata report") -> Path:
    """Write a page with these sections and return its path; pictures go into `assets/` beside it.

    `out` is a `.html` file or a folder, in which the page is `index.html`. A gallery of more than `PREVIEW` records
    also gets pages of its own, linked from the report.
    """
    first = _target(out)
    data = [_gallery(s, first, i) if isinstance(s, Gallery) else drawable(s) for i, s in enumerate(sections)]
    first.write_text(page(title, data), encoding="utf-8")
    return first


def gallery(out: Path, gallery: Gallery) -> Path:
    """Write a gallery alone, as many pages as it needs, and return the path of the first; `out` as in `report`."""
    first = _target(out)
    album = Album(first.parent, gallery.images)
    _pages(first, gallery, [item(record, album.show) for record in gallery.records])
    return first


def _target(out: Path) -> Path:
    """The file of the first page at `out`, whose folder now exists."""
    file = out if out.suffix.lower() in (".html", ".htm") else out / "index.html"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def environment() -> Table:
    """The versions and the size of the machine that the numbers of a report were made with."""
    rows: list[tuple[Cell, ...]] = [("python", platform.python_version()), ("cpu cores", os.cpu_count())]
    rows.append(("platform", f"{platform.system()} {platform.machine()}"))
    for package in ("relata", "numpy", "pillow", "torch", "transformers"):
        try:
            rows.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            rows.append((package, "not installed"))
    return Table("Environment", ("", "version"), tuple(rows))


def drawable(section: Table | Curve | Code | Prose) -> dict[str, Any]:
    """What the page's script needs of one section; numbers are already text."""
    match section:
        case Table():
            numeric, rows = _aligned(section)
            columns = [line(column) for column in section.columns]
            body = {"columns": columns, "rows": rows, "numeric": numeric, "note": clean(section.note)}
        case Curve():
            series = [{"name": line(name), "points": points(pairs)} for name, pairs in section.series.items()]
            body = {"series": series, "x": line(section.x_label), "y": line(section.y_label)}
        case _:
            body = {"text": clean(section.text)}
    return {"type": type(section).__name__.lower(), "title": line(section.title), **body}


def cell(value: Cell) -> str:
    """A value as a table shows it: four figures that count, thousands apart, a dash for nothing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:,.1f}" if 1000 <= abs(value) < 1e12 else f"{value:.4g}"
    return clean(value)


def points(pairs: Sequence[tuple[float, float]]) -> list[tuple[float, float] | None]:
    """The points of a line as drawn: thinned to `MOST_POINTS` with the last one kept, None for a gap."""
    step = max(1, math.ceil(len(pairs) / MOST_POINTS))
    kept = list(pairs[::step])
    if pairs and kept[-1] != pairs[-1]:
        kept.append(pairs[-1])
    return [(float(x), float(y)) if math.isfinite(x) and math.isfinite(y) else None for x, y in kept]


def _aligned(table: Table) -> tuple[list[bool], list[list[str]]]:
    """Which columns are numbers, and the text of every row, with as many decimals all the way down a column.

    Raises:
        RelataError: if a row has not as many cells as there are columns.
    """
    for row in table.rows:
        if len(row) != len(table.columns):
            raise RelataError(
                f"table '{table.title}': a row has {len(row)} cells for {len(table.columns)} columns: {row}"
            )
    columns = [[row[i] for row in table.rows] for i in range(len(table.columns))]
    numeric = [all(_is_number(v) or v is None for v in column) and any(map(_is_number, column)) for column in columns]
    texts = [_decimals(column) if numbers else [*map(cell, column)] for column, numbers in zip(columns, numeric)]
    return numeric, [list(row) for row in zip(*texts, strict=True)]


def _is_number(value: Cell) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _decimals(values: Sequence[Cell]) -> list[str]:
    """Numbers with the decimals of the one among them that needs most; whole ones stay whole when all are."""
    plain = [cell(value) for value in values]
    most = max((len(text.partition(".")[2]) for text in plain if "e" not in text), default=0)
    return [
        f"{value:,.{most}f}" if isinstance(value, float) and math.isfinite(value) and "e" not in text else text
        for value, text in zip(values, plain, strict=True)
    ]


def _gallery(gallery: Gallery, first: Path, place: int) -> dict[str, Any]:
    """What the page's script needs of a gallery in a report, whose own pages are now written."""
    album = Album(first.parent, gallery.images)
    items = [item(record, album.show) for record in gallery.records]
    pages = []
    if len(items) > PREVIEW:
        slug = re.sub(r"[^a-z0-9]+", "-", gallery.title.lower()).strip("-")[:40]
        pages = _pages(first.with_name(f"{first.stem}-{place + 1}-{slug or 'samples'}.html"), gallery, items)
    notes = [*(gallery.notes or [counted(len(items), "sample")]), *summary(items)]
    return {"type": "gallery", "title": line(gallery.title), "items": items[:PREVIEW], "notes": notes, "pages": pages}


def _pages(first: Path, gallery: Gallery, items: Sequence[Item]) -> list[str]:
    """Write items on as many pages as they need, the first at `first`; the names of the files."""
    chunks = [items[i : i + PER_PAGE] for i in range(0, len(items), PER_PAGE)] or [items]
    names = [first.name, *(f"{first.stem}-{n}{first.suffix}" for n in range(2, len(chunks) + 1))]
    title, notes = line(gallery.title), [*gallery.notes, *summary(items)]
    for current, (name, chunk) in enumerate(zip(names, chunks, strict=True)):
        section = {"type": "gallery", "title": title, "items": chunk, "notes": notes, "first": current * PER_PAGE}
        (first.parent / name).write_text(page(title, [section], names, current), encoding="utf-8")
    return names
