"""Pickles that hold nothing but data. A pickle may call anything when it is loaded; here it may build containers,
numbers, texts and numpy arrays, and whatever else it names is refused."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

from relata.errors import RelataError

#: What damaged pickles raise.
_DAMAGED = (
    pickle.UnpicklingError, EOFError, AttributeError, ImportError, IndexError, KeyError, TypeError, ValueError,
    MemoryError, OverflowError, RecursionError, struct.error,
)  # fmt: skip


def load_pickle(path: Path) -> Any:
    """What the file holds, with arrays as `Array`.

    Raises:
        RelataError: if it is damaged, or names anything that is no data.
    """
    try:
        try:
            return _loaded(path, "utf-8")
        except UnicodeDecodeError:
            return _loaded(path, "latin-1")
    except RelataError as error:
        raise RelataError(f"{path}: {error}") from error
    except _DAMAGED as error:
        raise RelataError(f"{path}: not a whole pickle ({type(error).__name__}: {error}); fetch it again") from error


def _loaded(path: Path, encoding: str) -> Any:
    """`encoding` of the texts that Python 2 wrote, which does not say it."""
    with path.open("rb") as file:
        return _Data(file, encoding=encoding).load()


class _Data(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return _ALLOWED[module, name]
        raise RelataError(f"names {module}.{name}, which is no data and is not run: do not trust this file")


class Array:
    """An array as it is pickled. numpy's own unpickling trusts the shape and type that it is given; this does not."""

    def __init__(self, *_: object) -> None:
        self._values = np.empty(0)

    def __setstate__(self, state: tuple[object, Any, Kind, bool, bytes]) -> None:
        _, shape, kind, by_columns, content = state
        self._values = np.frombuffer(content, kind.plain()).reshape(shape, order="F" if by_columns else "C")

    def tolist(self) -> Any:
        return self._values.tolist()


class Kind:
    """The type of an array's numbers."""

    def __init__(self, code: str, *_: object) -> None:
        self._code, self._swapped = code, False

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._swapped = state[1] == ">"

    def plain(self) -> np.dtype[Any]:
        kind = np.dtype(self._code).newbyteorder(">" if self._swapped else "<")
        if kind.kind not in "biuf":
            raise RelataError(f"holds an array of {kind}, which are no plain numbers; write the file as JSON instead")
        return kind


def _buffer(content: bytes, kind: Kind, shape: Any, order: str) -> Array:
    array = Array()
    array.__setstate__((1, shape, kind, order == "F", content))
    return array


def _number(kind: Kind, content: bytes) -> Any:
    return np.frombuffer(content, kind.plain(), 1)[0].item()


def _bytes(text: str, encoding: str) -> bytes:
    return text.encode("latin1")  # how protocol 2 writes bytes, whatever encoding it names


def _empty() -> bytes:
    return b""


_ALLOWED: dict[tuple[str, str], object] = {
    ("_codecs", "encode"): _bytes,
    ("numpy", "ndarray"): "ndarray",  # only ever handed to `_reconstruct`
    ("numpy", "dtype"): Kind,
}
for _home in ("builtins", "__builtin__"):
    _ALLOWED[_home, "set"] = set
    _ALLOWED[_home, "frozenset"] = frozenset
    _ALLOWED[_home, "bytes"] = _empty  # protocol 2 writes no others so
for _home in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_home}.multiarray", "_reconstruct"] = Array
    _ALLOWED[f"{_home}.multiarray", "scalar"] = _number
    _ALLOWED[f"{_home}.numeric", "_frombuffer"] = _buffer
