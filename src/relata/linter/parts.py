"""The rows of files, undecoded: folders of relata with their checksums, JSON Lines, JSON lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from relata import store
from relata.errors import RelataError
from relata.linter.records import CHECKS
from relata.readers._json import pieces

#: What reports damage: kind, detail, file, and row (0: the whole file).
Report = Callable[[str, str, str, int], None]
Line = tuple[str, int, bytes | msgspec.Raw]

#: Rows that tell a file's format.
_GLANCE = 100
#: Fields that tell a format, the surest first.
_TELLING: tuple[tuple[str, frozenset[str]], ...] = (
    ("conversations", frozenset({"conversations"})),
    ("group", frozenset({"scenes"})),
    ("edit", frozenset({"scene", "changes"})),
    ("preference", frozenset({"messages", "chosen", "rejected", "recipe"})),
    ("scene", frozenset({"width", "height", "image"})),
    ("scene", frozenset({"image", "regions"})),
)
_OBJECT = re.compile(rb"\s*\{")


class Part(NamedTuple):
    """Files that are checked together."""

    name: str
    format: str
    """Empty: to be told from the rows."""
    lines: Callable[[Report], Iterator[Line]]


def parts(path: Path) -> tuple[list[Part], list[str], list[tuple[str, str, str]]]:
    """The parts of a file or folder, what is left out, and findings about files as a whole (kind, file, detail).

    Raises:
        RelataError: if there is nothing to check.
    """
    if path.is_file():
        return [_plain(path, path.name)], [], []
    if not path.is_dir():
        raise RelataError(f"{path} does not exist; give a file or folder of training data")
    if (path / store.MANIFEST).exists() or (path.parent / store.MANIFEST).exists():
        try:
            return *_listed(path), []
        except RelataError as error:
            found = [("damaged-file", store.MANIFEST, str(error))]
            return [_plain(file, str(file.relative_to(path))) for file in sorted(path.rglob("*.jsonl"))], [], found
    files = sorted(file for file in path.iterdir() if file.suffix in (".json", ".jsonl"))
    if not files:
        raise RelataError(f"{path} holds no data; expected {store.MANIFEST}, or files ending in .json or .jsonl")
    skipped = [f"{file.name}: a JSON object, not a list of rows" for file in files if not _rows(file)]
    if len(skipped) == len(files):
        raise RelataError(f"{path} holds no data: {'; '.join(skipped)}")
    return [_plain(file, file.name) for file in files if _rows(file)], skipped, []


def _rows(file: Path) -> bool:
    """Whether a file may hold rows: `.json` has to be a list, or JSON Lines in spite of its name."""
    if file.suffix == ".jsonl":
        return True
    with file.open("rb") as data:
        first = data.readline()
        return not _OBJECT.match(first) or (_decoded(first) is not None and bool(data.readline().strip()))


def _listed(path: Path) -> tuple[list[Part], list[str]]:
    """Files of a finished folder, those of one type together."""
    files = store.listed(path)
    home = path if (path / store.MANIFEST).exists() else path.parent
    found, skipped = [], []
    for type in dict.fromkeys(file.type for file in files):
        same = [file for file in files if file.type == type]
        if type.lower() in CHECKS:
            found.append(Part(f"{type.lower()}s", type.lower(), _shards(home, same)))
        else:
            skipped.append(f"{', '.join(file.name for file in same[:3])}: records of type {type}, which are no data")
    return found, skipped


def _shards(home: Path, files: Iterable[store.File]) -> Callable[[Report], Iterator[Line]]:
    def lines(report: Report) -> Iterator[Line]:
        for file in files:
            damages: list[store.Damage] = []
            for number, line in store.checked(home, file, damages.append):
                yield file.name, number, line
            for damage in damages:
                kind = "missing-record" if "missing" in damage.reason else "damaged-record"
                report(kind, damage.reason, file.name, damage.line)
            if not damages and not store.intact(home, file):
                report("damaged-file", "all records are there, but the file is not as it was written", file.name, 0)

    return lines


def _plain(path: Path, name: str) -> Part:
    """A file of JSON Lines, or of one JSON list."""

    def lines(report: Report) -> Iterator[Line]:
        with path.open("rb") as file:
            start = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith(b"["):
            try:
                yield from ((name, number, piece) for number, piece in enumerate(pieces(path), 1))
            except RelataError as error:
                report("damaged-file", str(error), name, 0)
            return
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield name, number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line

    return Part(name, "", lines)


def formatted(lines: Iterator[Line]) -> tuple[str, Iterator[Line]]:
    """The format of most of the first rows, and all rows; empty if none tells."""
    first = list(islice(lines, _GLANCE))
    told = Counter(format_of(row) for _, _, line in first if isinstance(row := _decoded(line), dict))
    del told[""]

    def every() -> Iterator[Line]:
        yield from first
        yield from lines

    return (told.most_common(1)[0][0] if told else ""), every()


def format_of(row: dict[str, Any]) -> str:
    """The format that a row's fields tell; empty if they fit none."""
    if "messages" in row:
        turns = row["messages"]
        spans = isinstance(turns, list) and any(isinstance(turn, dict) and "spans" in turn for turn in turns)
        return "messages" if not spans else "preference" if "chosen" in row or "rejected" in row else "example"
    return next((name for name, fields in _TELLING if fields <= row.keys()), "")


def _decoded(line: bytes | msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
