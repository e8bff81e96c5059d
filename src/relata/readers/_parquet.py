"""Parquet files, as dataset hubs keep them, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from relata.errors import MissingExtra, RelataError

#: Rows held at a time; they may hold pictures.
_BATCH = 64


class Rows:
    """The rows of a file, each as a JSON object by column. Each pass reads the file anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[bytes]:
        file = self._file()
        try:
            for batch in file.iter_batches(_BATCH):
                yield from map(msgspec.json.encode, batch.to_pylist())
        except (OSError, ValueError) as error:  # Arrow's errors are of these kinds
            raise RelataError(f"{self._path}: damaged ({error}); fetch the file again") from error

    def __len__(self) -> int:
        count: int = self._file().metadata.num_rows
        return count

    def _file(self) -> Any:
        try:
            parquet = import_module("pyarrow.parquet")
        except ImportError as error:
            raise MissingExtra("pyarrow", "export") from error
        try:
            return parquet.ParquetFile(self._path)
        except (OSError, ValueError) as error:
            raise RelataError(f"{self._path}: no whole Parquet file ({error}); fetch the file again") from error
