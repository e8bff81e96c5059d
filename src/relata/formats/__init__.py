"""Formats of other tools, out and in. One file each; what a format takes is the type of the first argument of `write`:

    write(records, out, *, dialect, images, refuse, ...)    writes the records and gives their number
    read(path, *, dialect, images, ...)                     gives examples back, and tells what was lost on the way

`dialect`, `images` and `refuse` are given to those that ask for them; their other arguments are options. `refuse` is
told of each record that cannot be written, with the reason, and the others go on.

No format here has a place for the regions that an example offers beside those it mentions, or for its provenance: these
are not written. The dataset card (`relata.card`) sums up where the examples come from.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import msgspec

from relata import dialects, store
from relata.chat import Example, Preference
from relata.dialects import Dialect
from relata.errors import RelataError, unknown
from relata.formats._data import Counted, Data, damaged, records_of
from relata.formats._turns import for_trainers
from relata.names import component
from relata.readers._outcome import Rejected
from relata.scene import Record, encode

__all__ = ["Exported", "Imported", "export", "import_"]

#: What every format may ask for; its other arguments are options.
_COMMON = ("dialect", "images", "refuse")


class Exported(Record, frozen=True):
    """What became of the records: `read == written + len(rejected)`, but for formats that join several into one."""

    read: int
    written: int
    rejected: tuple[Rejected, ...] = ()

    def __str__(self) -> str:
        return f"{self.read} read, {self.written} written, {len(self.rejected)} rejected"


class Imported(Record, frozen=True):
    """What became of a file's records: `read == kept + rejected`."""

    read: int
    kept: int
    rejected: int
    problems: int
    """Parts left out of what was kept, e.g. a box that could not be read."""

    def __str__(self) -> str:
        lost = f" ({self.problems} problems inside kept records)"
        return f"{self.read} read = {self.kept} kept + {self.rejected} rejected{lost if self.problems else ''}"


def export(
    data: Data,
    format: str,
    out: str | os.PathLike[str],
    *,
    dialect: str | Dialect | None = None,
    images: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Exported:
    """Write examples, preferences or scenes in another tool's format. The same data give the same bytes.

    What cannot be written is listed beside `out`, in a file that ends in `.rejected.jsonl`.

    Args:
        data: records, or a file or folder of them.
        format: `relata list formats` shows them.
        out: the file or folder to write, as the format says. It is there whole or not at all.
        dialect: how boxes and relations are written, e.g. `asmv2`; for formats with text.
        images: the folder that image paths are relative to. Where it is given, every image has to be there and to have
            the size that the record says, or the record is rejected: its boxes would be wrong.
        options: of the format; those that it does not know go to the dialect.

    Raises:
        RelataError: on an unknown format, dialect or option, data of a type that the format does not take, a missing
            dialect, or if `out` cannot be written.
    """
    module, target = component("formats", format), Path(out)
    takes = _accepted(module)
    parameters = list(inspect.signature(module.write).parameters.values())[2:]
    given = {p.name: p for p in parameters if p.name in _COMMON}
    settings, rest = _settled(module.write, [p.name for p in parameters if p.name not in _COMMON], options)
    rejected: list[Rejected] = []
    common: dict[str, Any] = {"images": None if images is None else _folder(images), "refuse": rejected.append}
    if "dialect" in given:
        needed = given["dialect"].default is inspect.Parameter.empty
        common["dialect"] = _dialect(format, dialect, needed, rest)
    elif dialect is not None:
        raise RelataError(f"{format} holds no text in a dialect; leave dialect out")
    elif rest:
        unknown(f"option of {format}", next(iter(rest)), settings)
    records = Counted(records_of(data, takes, format, rejected.append))
    written: int = module.write(records, target, **{name: common[name] for name in given}, **settings)
    read = records.count + damaged(rejected)
    if "refuse" in given:  # a format that loses a record is our bug, not the user's
        assert read == written + len(rejected), f"{format}: {read} read, {written} written, {len(rejected)} rejected"
    beside = target.with_suffix(".rejected.jsonl")
    if rejected:
        store.write(beside, (encode(one) + b"\n" for one in rejected))
    else:
        beside.unlink(missing_ok=True)  # of an earlier export
    return Exported(read, written, tuple(rejected))


def import_(
    format: str,
    path: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    dialect: str | Dialect | None = None,
    images: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Imported:
    """Read another tool's conversations into a folder of examples, and of preferences where answers come in pairs.

    `out` receives `examples/`, `preferences/`, `rejected.jsonl` and a manifest, as a folder that `build` wrote. Every
    record that could not be read, and every part of one that was left out, is in `rejected.jsonl` with its reason.

    Args:
        dialect: how boxes are written in the texts, e.g. `asmv2`.
        images: the folder of images, for their size where the records do not tell it.
        options: of the format; those that it does not know go to the dialect.

    Raises:
        RelataError: on an unknown format, dialect or option, one that can only be written, a missing or damaged file,
            or if `out` is finished already.
    """
    module, source, folder = component("formats", format), Path(path), Path(out)
    if not hasattr(module, "read"):
        raise RelataError(f"{format} holds no conversations that could be read; see `relata list readers` for scenes")
    if not source.is_file():
        raise RelataError(f"{source} does not exist; name a file of {format}")
    parameters = inspect.signature(module.read).parameters
    settings, rest = _settled(module.read, [name for name in list(parameters)[1:] if name not in _COMMON], options)
    needed = parameters["dialect"].default is inspect.Parameter.empty
    written = _dialect(format, dialect, needed, rest)
    root = None if images is None else _folder(images)
    entries = module.read(source, dialect=written, images=root, **settings)
    about = {"import": format, "file": source.name, "dialect": written.name if written else "", "options": options}
    with store.lock(folder):
        if (folder / store.MANIFEST).exists():
            raise RelataError(f"{folder} is finished already; name another folder, or delete it to make it anew")
        store.sweep(folder)
        return _kept(entries, folder, about)


def _kept(entries: Any, folder: Path, about: dict[str, Any]) -> Imported:
    """Write what was read, a file for every `store.SHARD` records; the manifest comes last."""
    kept: dict[type, list[Record]] = {Example: [], Preference: []}
    files: list[store.File] = []
    lost: list[Rejected] = []
    total = 0

    def flush(kind: type) -> None:
        name = f"{kind.__name__.lower()}s"
        number = sum(file.type == kind.__name__ for file in files)
        files.append(store.write_records(folder, f"{name}/{number:05d}.jsonl", kind, kept[kind]))
        kept[kind] = []

    def outcomes() -> Iterator[Any]:
        nonlocal total
        total = yield from entries

    for outcome in outcomes():
        if isinstance(outcome, Rejected):
            lost.append(outcome)
            continue
        pending = kept[type(outcome)]
        pending.append(outcome)
        if len(pending) == store.SHARD:
            flush(type(outcome))
    for kind, pending in kept.items():
        if pending or (kind is Example and not files):  # a file of nothing has one empty file of examples
            flush(kind)
    rejected = sum(not one.part for one in lost)
    result = Imported(total, sum(file.records for file in files), rejected, len(lost) - rejected)
    # a format that loses a record is our bug, not the user's
    assert result.read == result.kept + result.rejected, f"{result.read} records in the file, but {result}"
    files.append(store.write_records(folder, "rejected.jsonl", Rejected, lost))
    store.write_manifest(folder, about, files)
    return result


def _accepted(module: ModuleType) -> tuple[type[Record], ...]:
    """The types of records that a format takes."""
    first = next(iter(get_type_hints(module.write).values()))
    (held,) = get_args(first)
    return get_args(held) or (held,)


def _settled(function: Any, names: list[str], options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that a function knows, as it wants them, and the rest."""
    types = get_type_hints(function)
    settings = {}
    for name in [name for name in names if name in options]:
        try:
            settings[name] = msgspec.convert(options[name], types[name], strict=False)  # the command line gives texts
        except msgspec.ValidationError as error:
            raise RelataError(f"option {name} is {options[name]!r}: {error}") from error
    return settings, {name: value for name, value in options.items() if name not in settings}


def _dialect(format: str, wanted: str | Dialect | None, needed: bool, options: dict[str, Any]) -> Dialect | None:
    if wanted is None:
        if needed:
            raise RelataError(f"{format} holds text: name its dialect, e.g. asmv2; `relata list dialects` shows them")
        if options:
            raise RelataError(f"{format} has no option {next(iter(options))!r}, and no dialect is given to take it")
        return None
    if isinstance(wanted, str):
        made = dialects.dialect(wanted, **options)
    elif options:
        raise RelataError(f"neither {format} nor the dialect that was given takes option {next(iter(options))!r}")
    else:
        made = wanted
    if made.name.partition(":")[0] == "relata":
        raise RelataError("dialect relata numbers the regions that our own model is given; it trains on examples as is")
    return for_trainers(made)


def _folder(images: str | os.PathLike[str]) -> Path:
    folder = Path(images)
    if not folder.is_dir():
        raise RelataError(f"folder of images {folder} does not exist")
    return folder
