"""`parquet`: rows for TRL and `datasets`: conversations in parts of text and image, with the images' files inside.

    messages  [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Describe."}]}, ...]
    images    [{"bytes": ..., "path": "coco/1.jpg"}]

Option `layout`: `messages` (the whole conversation), or `prompt` (`prompt` and `completion`, the last answer, which
alone is then learned). A preference has `prompt`, `chosen` and `rejected` (DPO). Option `embed`: false keeps the paths
of the images only. `out` is one `.parquet` file, or a folder of files with up to `shard` rows each, for

    datasets.load_dataset("parquet", data_dir="out")
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from relata.chat import Example, Preference, Role
from relata.dialects import Dialect
from relata.dialects._scan import SLOT
from relata.errors import MissingExtra, RelataError
from relata.formats._files import fresh, picture
from relata.formats._turns import Refuse, Talk, rows, spelt

#: Rows are written in groups of at most so many bytes of images, so that memory stays flat.
_GROUP_BYTES = 32 << 20
_GROUP_ROWS = 256

Turns = Sequence[tuple[Role, str]]


def write(
    records: Iterable[Example | Preference],
    out: Path,
    *,
    dialect: Dialect,
    images: Path | None,
    refuse: Refuse,
    layout: Literal["messages", "prompt"] = "messages",
    embed: bool = True,
    shard: int = 10_000,
) -> int:
    """Write one file or a folder; give the number of records in it.

    Raises:
        RelataError: if images are to be embedded and their folder is not named, or `out` holds such files already.
        MissingExtra: if pyarrow and datasets are not installed.
    """
    if embed and images is None:
        raise RelataError("parquet holds the images' files: name the folder of images, or give embed=false")
    if shard < 1:
        raise RelataError(f"shard is {shard}; a file needs at least one row")

    def row(record: Talk) -> dict[str, Any]:
        said = spelt(record, dialect.write)
        pictures: list[dict[str, Any]] = [
            {"bytes": picture(image, images) if embed and images is not None else None, "path": image.path}
            for image in said.images
        ]
        found = {"id": said.id, "recipe": said.recipe, "images": pictures}
        if isinstance(record, Preference):
            chosen, rejected = (_parts([("assistant", text)]) for text in (said.chosen, said.rejected))
            return {**found, "prompt": _parts(said.turns), "chosen": chosen, "rejected": rejected}
        if layout == "prompt":
            return {**found, "prompt": _parts(said.turns[:-1]), "completion": _parts(said.turns[-1:])}
        return {**found, "messages": _parts(said.turns)}

    made = rows(records, row, refuse)
    if out.suffix == ".parquet":
        return _file(out, made)
    fresh(out, "*.parquet")
    count = 0
    for number, first in enumerate(made):
        count += _file(out / f"data-{number:05d}.parquet", chain([first], islice(made, shard - 1)))
    return count


def _parts(turns: Turns) -> list[dict[str, Any]]:
    """Messages whose content is a list of parts; the image stands where the text has `<image>`."""
    return [{"role": role, "content": list(_pieces(text))} for role, text in turns]


def _pieces(text: str) -> Iterator[dict[str, Any]]:
    for number, words in enumerate(text.split(SLOT)):
        if number:
            yield {"type": "image", "text": None}
        if words:
            yield {"type": "text", "text": words}


def _file(path: Path, made: Iterator[dict[str, Any]]) -> int:
    """Write one file whole or not at all; give the number of its rows."""
    first = next(made, None)
    columns = (
        ("messages",) if first is None else tuple(name for name in first if name not in ("id", "recipe", "images"))
    )
    arrow, parquet, schema = _arrow(columns)
    part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with parquet.ParquetWriter(part, schema, compression="zstd") as file:
            for group in _groups(made if first is None else chain([first], made)):
                file.write_table(arrow.Table.from_pylist(group, schema=schema))
                count += len(group)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(part, path)
    except OSError as error:
        raise RelataError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def _arrow(columns: Sequence[str]) -> tuple[Any, Any, Any]:
    """pyarrow, its writer, and the schema of rows with these columns of messages, marked so that `datasets` decodes
    the images."""
    try:
        arrow, parquet, sets = map(import_module, ("pyarrow", "pyarrow.parquet", "datasets"))
    except ImportError as error:
        raise MissingExtra("pyarrow or datasets", "export") from error
    text = sets.Value("string")
    messages = sets.List({"role": text, "content": sets.List({"type": text, "text": text})})
    fields = {"id": text, "recipe": text, "images": sets.List(sets.Image()), **dict.fromkeys(columns, messages)}
    return arrow, parquet, sets.Features(fields).arrow_schema


def _groups(made: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in made:
        group.append(row)
        size += sum(len(image["bytes"] or b"") for image in row["images"])
        if size >= _GROUP_BYTES or len(group) == _GROUP_ROWS:
            yield group
            group, size = [], 0
    if group:
        yield group
