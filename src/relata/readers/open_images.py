"""`open_images`: relations of Open Images (`*-vrd.csv`), with the CSV files that name classes and attributes.

A row is a pair of boxes, XMin, XMax, YMin, YMax in shares of the image, with a relation between them; the same class
with the same box is one region, numbered in order of appearance. Classes are written as `/m/01g317` and named by
`class-descriptions*.csv`, given too or found beside; the relation `is` says an attribute of the first box. Sizes of
photos are not published: name the folder of photos, or give the option `size`.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._lines import line_at, lines
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos, pixels, scaled
from relata.readers._tables import Row, columns, number, one_of

FILES = ("*vrd*.csv", "*description*.csv")

_RELATION = ("RelationLabel", "RelationshipLabel")
_NEEDED = tuple(f"{name}{n}" for n in (1, 2) for name in ("LabelName", "XMin", "XMax", "YMin", "YMax"))


def join(files: Sequence[Path], images: Path | None, *, size: str = "") -> Records:
    """One scene per image of the tables of relations.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    tables = [path for path in files if set(_RELATION) & set(columns(path))]
    if not tables:
        raise RelataError(f"{files[0]}: none of the files has a column {' or '.join(_RELATION)}; name a *-vrd.csv")
    beside = [path for table in tables for pattern in FILES[1:] for path in sorted(table.parent.glob(pattern))]
    names = _names([path for path in dict.fromkeys([*files, *beside]) if path not in tables])
    if not names:
        raise RelataError(f"{tables[0]}: no class-descriptions*.csv, given or beside it, names the classes")
    photos, assumed, total = Photos(images), pixels(size), 0
    for path in tables:
        header = columns(path)
        relation = one_of(path, header, _RELATION, "the relation")
        for name in ("ImageID", *_NEEDED):
            one_of(path, header, (name,), "both boxes")
        places = _places(path, header.index("ImageID"))
        total += len(places)
        with path.open("rb") as file:
            for id, offsets in places.items():
                draft = Draft(f"{short(path)}: image {id}", "open_images")
                rows = _rows(draft, file, offsets, header)
                try:
                    yield _scene(id, draft, rows, relation, names, photos, assumed, short(path))
                except RelataError as error:
                    yield Rejected(draft.where, str(error))
    return total


def _names(files: Sequence[Path]) -> dict[str, str]:
    """Names of classes and attributes; some of these tables have a first line of names, some have none."""
    found = {}
    for path in files:
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                found.update({row[0]: row[1].strip() for row in csv.reader(file) if len(row) == 2})
        except (UnicodeDecodeError, csv.Error) as error:
            raise RelataError(f"{path}: not a table in UTF-8 ({error}); fetch the file again") from error
    return found


def _places(path: Path, column: int) -> dict[str, array[int]]:
    """Where the rows of each image begin: tables have millions of rows, and those of an image need not be together."""
    places: dict[str, array[int]] = {}
    table = lines(path)
    next(table)
    for place, line in table:
        fields = line.split(b",", column + 1)
        id = fields[column].decode("utf-8", "backslashreplace").strip() if len(fields) > column else ""
        places.setdefault(id, array("Q")).append(place)
    return places


def _rows(draft: Draft, file: BinaryIO, offsets: Sequence[int], header: Sequence[str]) -> Iterator[Row]:
    for offset in offsets:
        line = line_at(file, offset).decode("utf-8", "backslashreplace")
        try:
            fields = next(csv.reader([line]), [])
        except csv.Error:  # a line break of another system inside the line
            fields = []
        if len(fields) == len(header):
            yield {name: field.strip() for name, field in zip(header, fields)}
        else:
            what = f"{line.strip()[:80]!r} has {len(fields)} fields, but the first line names {len(header)}"
            draft.no_relation(f"{what}; mend the line in the file")


def _scene(
    id: str,
    draft: Draft,
    rows: Iterator[Row],
    relation: str,
    names: Mapping[str, str],
    photos: Photos,
    assumed: tuple[int, int] | None,
    file: str,
) -> Item:
    if not id:
        raise RelataError("rows that name no image; mend them in the file")
    photo = photos.look_up(f"{id}.jpg", assume=assumed)
    ids: dict[tuple[str, ...], int] = {}
    attributes: dict[int, dict[str, None]] = {}
    for row in rows:
        ends = []
        predicate = row[relation].replace("_", " ")
        for end in ("1",) if predicate == "is" else ("1", "2"):
            key = tuple(row[name + end] for name in ("LabelName", "XMin", "YMin", "XMax", "YMax"))
            if key not in ids:
                ids[key] = len(ids)
                _region(draft, ids[key], row, end, names, (photo.width, photo.height))
            ends.append(ids[key])
        if predicate != "is":
            draft.relation(ends[0], predicate, ends[1])
        elif row["LabelName2"] in names:
            word = names[row["LabelName2"]].replace("(made of)", "made of ")
            attributes.setdefault(ends[0], {})[word] = None
        else:
            draft.problem(f"attribute of region {ends[0]}", f"{row['LabelName2']!r} is named by no table")
    for place, words in attributes.items():
        if place in draft.regions:
            draft.regions[place] = draft.regions[place].replace(attributes=tuple(words))
    return draft.finish(id, photo, file)


def _region(draft: Draft, id: int, row: Row, end: str, names: Mapping[str, str], size: tuple[int, int]) -> None:
    label = row["LabelName" + end]
    if label not in names:
        draft.no_region(id, f"has class {label!r}, which is named by no table; give the class-descriptions*.csv of all")
        return
    try:
        box = tuple(number(row, name + end) for name in ("XMin", "YMin", "XMax", "YMax"))
    except RelataError as error:
        draft.no_region(id, str(error), names[label])
    else:
        draft.region(id, names[label], scaled(box, *size))
