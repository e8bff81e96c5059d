"""Records that are decoded one by one, so that a damaged record costs only itself.

JSON files are mapped, not loaded, and a list of records is first cut into undecoded pieces: a file of gigabytes needs
little memory, and its pages can be given back. JSON Lines and Parquet are read as they are asked for: files of any size
need the memory of a few records.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from relata.errors import RelataError
from relata.readers._lines import BOM, Lines, lines
from relata.readers._outcome import GroupItem, Item, Records, Rejected
from relata.readers._parquet import Rows

T = TypeVar("T")
Piece = msgspec.Raw | bytes

#: Recursion: brackets nested too deep to be data.
_DAMAGED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def short(path: Path) -> str:
    """A file's name with its folder's: enough to find it, and free of the machine it lies on."""
    return "/".join(path.parts[-2:])


def load(path: Path, type: type[T]) -> T:
    """The whole file as `type`; give lists of records the type `list[msgspec.Raw]` and decode each by `decode`.

    Raises:
        RelataError: if the file is empty, damaged or laid out differently.
    """
    try:
        return msgspec.json.decode(_bytes(path), type=type)
    except msgspec.ValidationError as error:
        raise RelataError(f"{path}: {error}. Is it a file of another format?") from error
    except _DAMAGED as error:
        raise RelataError(f"{path}: not whole, valid JSON ({error}); fetch the file again") from error


def pieces(path: Path) -> list[msgspec.Raw] | Lines | Rows:
    """The records of a JSON list, of JSON Lines, or of Parquet (by the file's name), undecoded.

    Raises:
        RelataError: if the file is empty, a damaged list, or one JSON object over several lines.
    """
    if path.suffix == ".parquet":
        return Rows(path)
    data = _bytes(path)
    if bytes(data[:64]).lstrip().startswith(b"["):
        return load(path, list[msgspec.Raw])
    _, first = next(lines(path), (0, b""))
    if not _whole(first) and _whole(data):
        raise RelataError(f"{path}: one JSON object, not a list of records. Is it a file of another format?")
    return Lines(path)


def decode(raw: Piece, type: type[T]) -> T:
    """One record.

    Raises:
        RelataError: naming the field, its value and what was expected there.
    """
    try:
        return msgspec.json.decode(raw, type=type)
    except msgspec.ValidationError as error:
        raise RelataError(_explain(str(error), raw)) from error
    except _DAMAGED as error:
        raise RelataError(f"not whole, valid JSON ({error}); mend the record in the file") from error


class Titled(Protocol):
    """A published record that can name itself."""

    @property
    def title(self) -> str:
        """How a reader of the file would look it up, e.g. `image 107902`."""


R = TypeVar("R", bound=Titled)


def each(path: Path, raws: Iterable[Piece], type: type[R], make: Callable[[R, str], Item | GroupItem]) -> Records:
    """One item per record: what `make` makes of the record and its place, or why it could not be decoded or made."""
    total = 0
    for number, raw in enumerate(raws):
        total += 1
        where = f"{short(path)}: record {number}"
        try:
            record = decode(raw, type)
            where = f"{short(path)}: {record.title}"
            item = make(record, where)
        except RelataError as error:
            item = Rejected(where, str(error))
        yield item
    return total


def keyed(
    path: Path, raws: Mapping[str, Piece], what: str, type: type[T], make: Callable[[str, T, str], Item | GroupItem]
) -> Records:
    """The same of records that are the values of an object: `make` is given the key, too; `what` says what it names."""
    for key, raw in raws.items():
        where = f"{short(path)}: {what} {key}"
        try:
            item = make(key, decode(raw, type), where)
        except RelataError as error:
            item = Rejected(where, str(error))
        yield item
    return len(raws)


def _bytes(path: Path) -> memoryview:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise RelataError(f"{path}: the file is empty; fetch it again")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    return data[len(BOM) :] if data[: len(BOM)] == BOM else data


def _whole(data: bytes | memoryview) -> bool:
    try:
        msgspec.json.decode(data, type=msgspec.Raw)
    except _DAMAGED:
        return False
    return True


def _explain(error: str, raw: Piece) -> str:
    """msgspec says what was expected and where; this adds the value that stands there."""
    what, _, path = error.removesuffix("`").partition(" - at `$.")
    steps: list[str] = re.findall(r"[^.\[\]]+", path)
    if not steps or "..." in path:  # the record itself, or the values of a mapping, whose keys are not told
        return f"{error}; mend the record in the file"
    try:
        value: Any = msgspec.json.decode(raw)
    except _DAMAGED:  # fields that no reader asks for are not looked at before
        return f"{error}; mend the record in the file"
    for step in steps:
        value = value[int(step)] if isinstance(value, list) else value[step]
    shown = repr(value)
    return f"{path} is {shown[:60] + '...' if len(shown) > 60 else shown}: {what}; mend it in the file"
