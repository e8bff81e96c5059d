"""Folders of records on disk: JSON Lines files, each with a checksum per record, and one manifest that lists them.

    manifest.json          what made the folder, and for each file its type, size, number of records and checksum
    examples/00000.jsonl   one record per line
    examples/00000.sums    one line per record: its length in bytes and its CRC-32
    .lock                  held by the one writer

Every file is written under another name, flushed to disk and renamed, so it is there whole or not at all; the manifest
comes last. `records` trusts a file whose checksum is the manifest's. In any other file each record is tried against its
own checksum, so that damage costs the records that it hit, and those are named.
"""

from __future__ import annotations

import fcntl
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from relata.errors import RelataError
from relata.scene import Record, encode

SCHEMA = 1
MANIFEST = "manifest.json"
#: Records per file of a `Writer`.
SHARD = 1000

_SUM = re.compile(rb"(\d{1,12}) ([0-9a-f]{8})")

#: What decoding damaged JSON raises; broken UTF-8 is not a `DecodeError`.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError)

T = TypeVar("T")


class File(Record, frozen=True):
    """One file of records, as the manifest lists it."""

    name: str
    """Path relative to the manifest."""
    type: str
    """Name of the records' class."""
    records: int
    bytes: int
    crc: int
    """CRC-32 of the whole file."""


class Manifest(Record, frozen=True):
    """What a folder holds and what made it."""

    schema: int
    about: dict[str, Any]
    """What made the folder: recipe, options, seed, versions."""
    files: tuple[File, ...]
    crc: int = 0
    """CRC-32 of this manifest as written with `crc` absent."""


class Damage(Record, frozen=True):
    """A record that could not be read as it was written."""

    file: str
    line: int
    """1 is the first."""
    reason: str


@contextmanager
def lock(folder: Path, name: str = ".lock") -> Iterator[None]:
    """Hold a folder as its only writer. The system lets go of the lock when the owner ends, however it ends.

    Args:
        name: of the lock's file; another one to hold a single file of a folder that others write to.

    Raises:
        RelataError: if another process holds it, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise RelataError(f"cannot write to {folder}: {error.strerror}; name another folder") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            held = folder if name == ".lock" else folder / name.removeprefix(".").removesuffix(".lock")
            raise RelataError(
                f"{held} is being written by another process; wait for it, or name another one"
            ) from error
        yield
    finally:
        os.close(handle)


def write(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a whole file or nothing: under another name, flushed to disk, renamed.

    Raises:
        RelataError: if the system cannot write it, e.g. because the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{token_hex(6)}.tmp")  # two nodes may have one process number
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise RelataError(
            f"cannot write {path}: {error.strerror}; mend that and run again; what is finished stays"
        ) from error


def _sync(folder: Path) -> None:
    """Flush a folder, so that a rename in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed writers left half written. Only the holder of the lock may do so."""
    for left in folder.rglob(".*.tmp"):
        left.unlink()


def write_records(folder: Path, name: str, type: type, records: Iterable[Any]) -> File:
    """Write one file of records and its checksums; `name` is relative to `folder` and ends in `.jsonl`."""
    sums: list[bytes] = []
    size = crc = 0

    def lines() -> Iterator[bytes]:
        nonlocal size, crc
        for record in records:
            line = encode(record) + b"\n"
            sums.append(b"%d %08x\n" % (len(line), zlib.crc32(line)))
            size += len(line)
            crc = zlib.crc32(line, crc)
            yield line

    path = folder / name
    write(path, lines())
    write(path.with_suffix(".sums"), sums)
    return File(name, type.__name__, len(sums), size, crc)


def intact(folder: Path, file: File) -> bool:
    """Whether the file is on disk just as it was written."""
    try:
        data = (folder / file.name).read_bytes()
    except FileNotFoundError:
        return False
    return len(data) == file.bytes and zlib.crc32(data) == file.crc


def write_manifest(folder: Path, about: dict[str, Any], files: Sequence[File]) -> Manifest:
    """Write the manifest: from now on the folder is finished."""
    manifest = Manifest(SCHEMA, about, tuple(files))
    manifest = manifest.replace(crc=zlib.crc32(encode(manifest)))
    write(folder / MANIFEST, [msgspec.json.format(encode(manifest), indent=2), b"\n"])
    return manifest


def manifest(folder: Path) -> Manifest:
    """The manifest of a finished folder.

    Raises:
        RelataError: if there is none, if it is damaged, or of a schema that this version does not know.
    """
    path = folder / MANIFEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except _UNREADABLE as error:
        raise RelataError(f"{path} is damaged: {error}; make the folder again") from error
    except FileNotFoundError as error:
        raise RelataError(
            f"{folder} has no {MANIFEST}: nothing was finished there; run what writes it to its end"
        ) from error
    if zlib.crc32(encode(found.replace(crc=0))) != found.crc:
        raise RelataError(f"{path} is damaged: its checksum does not fit; make the folder again")
    if found.schema != SCHEMA:
        raise RelataError(f"{path} has schema {found.schema}, this version reads {SCHEMA}; make the folder again")
    return found


def records(
    path: str | os.PathLike[str], type: type[T], damaged: Callable[[Damage], object] | None = None
) -> Iterator[T]:
    """The records of one type in a folder with a manifest, in a folder listed by its parent's manifest, or in one file.

    Args:
        damaged: called for each record that cannot be read, which is then left out, e.g. `found.append`. Without it the
            first such record is an error.

    Raises:
        RelataError: if there is no such folder or file, the manifest is damaged, or, without `damaged`, a record is.
    """
    path = Path(path)

    def report(damage: Damage) -> None:
        if damaged is None:
            remedy = "restore the file or make it again"
            if path.is_file() and damage.line == 1:  # most likely it never was one of ours
                remedy += "; annotations as published become records by `relata read`"
            raise RelataError(f"{damage.file}:{damage.line}: {damage.reason}; {remedy}")
        damaged(damage)

    if path.is_dir():
        folder, files = _chosen(path, type)
        return (
            record
            for file in files
            for record in _decoded(folder / file.name, checked(folder, file, report), type, report)
        )
    if not path.is_file():
        raise RelataError(f"{path} does not exist; give a folder of records or a .jsonl file")
    return _decoded(path, _plain(path), type, report)


def listed(folder: Path) -> list[File]:
    """The files of a finished folder, or of one whose parent's manifest lists them.

    Raises:
        RelataError: if neither has a manifest, or it is damaged.
    """
    return _listed(folder)[1]


def _listed(folder: Path) -> tuple[Path, list[File]]:
    home = folder.parent if not (folder / MANIFEST).exists() and (folder.parent / MANIFEST).exists() else folder
    return home, [file for file in manifest(home).files if (home / file.name).is_relative_to(folder)]


def _chosen(folder: Path, type: type) -> tuple[Path, list[File]]:
    """The folder of the manifest, and the files in `folder` that hold records of one type."""
    home, files = _listed(folder)
    chosen = [file for file in files if file.type == type.__name__]
    if files and not chosen:
        held = " and ".join(sorted({file.type for file in files}))
        raise RelataError(f"{folder} holds records of type {held}, not {type.__name__}")
    return home, chosen


def _plain(path: Path) -> Iterator[tuple[int, bytes]]:
    with open(path, "rb") as lines:
        yield from enumerate(lines, 1)


def checked(folder: Path, file: File, report: Callable[[Damage], None]) -> Iterator[tuple[int, bytes]]:
    """The numbered lines of a file whose bytes are what was written."""
    path = folder / file.name
    data = path.read_bytes() if path.exists() else b""
    if len(data) == file.bytes and zlib.crc32(data) == file.crc:
        yield from enumerate(data.splitlines(keepends=True), 1)
        return
    sums = _sums(path.with_suffix(".sums"), file.records)
    start = 0
    for number, (length, crc) in enumerate(sums, 1):
        line = data[start : start + length]
        start += length
        if len(line) == length and zlib.crc32(line) == crc:
            yield number, line
        else:
            report(
                Damage(
                    str(path), number, "record is damaged: its checksum does not fit" if line else "record is missing"
                )
            )


def _sums(path: Path, count: int) -> list[tuple[int, int]]:
    """Length and checksum of each of `count` records; impossible ones where the file of checksums is damaged too."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    found = [_SUM.fullmatch(line) for line in lines[:count] + [b""] * (count - len(lines))]
    return [(int(sum[1]), int(sum[2], 16)) if sum else (0, -1) for sum in found]


def _decoded(
    path: Path, lines: Iterable[tuple[int, bytes]], type: type[T], report: Callable[[Damage], None]
) -> Iterator[T]:
    decoder = msgspec.json.Decoder(type)
    for number, line in lines:
        try:
            yield decoder.decode(line)
        except _UNREADABLE as error:
            report(Damage(str(path), number, str(error)))


class Writer:
    """Writes records one after another into a folder: `with Writer(folder, Scene) as writer: writer.add(scene)`.

    The manifest is written when the block ends without an error; a folder without one is not finished.

    Args:
        type: class of the records.
        about: what made them; kept in the manifest.
        shard: records per file.

    Raises:
        RelataError: if another process writes there, or the folder is finished already.
    """

    def __init__(
        self, folder: str | os.PathLike[str], type: type, about: dict[str, Any] | None = None, shard: int = SHARD
    ) -> None:
        self.folder = Path(folder)
        self._type = type
        self._about = about or {}
        self._shard = shard
        self._files: list[File] = []
        self._pending: list[Any] = []

    def __enter__(self) -> Self:
        with ExitStack() as held:
            held.enter_context(lock(self.folder))
            if (self.folder / MANIFEST).exists():
                raise RelataError(
                    f"{self.folder} is finished already; name another folder, or delete it to make it anew"
                )
            sweep(self.folder)
            self._held = held.pop_all()
        return self

    def add(self, record: Any) -> None:
        """Append one record; it is on disk when its file is full or the block ends."""
        self._pending.append(record)
        if len(self._pending) == self._shard:
            self._flush()

    def _flush(self) -> None:
        name = f"{len(self._files):05d}.jsonl"
        self._files.append(write_records(self.folder, name, self._type, self._pending))
        self._pending = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._held:
            if kind is None:
                if self._pending:
                    self._flush()
                write_manifest(self.folder, self._about, self._files)
