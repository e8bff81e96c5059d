"""A component's name is its file's name: `readers/psg.py` is `psg` on the command line, in configs and in results.

There is no registry. Adding a component is adding a file; listing them is listing a folder, which imports none of them.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from relata.errors import unknown

#: Folders whose files are components that a user can name.
KINDS = (
    *("dialects", "tasks", "readers", "groups", "nouns", "recipes"),
    *("teachers", "filters", "engines", "formats", "benchmarks"),
)


def listing(kind: str) -> list[str]:
    """The names of all components of one kind, sorted.

    Raises:
        RelataError: if `kind` is not one of `KINDS`.
    """
    if kind not in KINDS:
        unknown("kind of component", kind, KINDS)
    folder = Path(__file__).parent / kind
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_"))


def component(kind: str, name: str) -> ModuleType:
    """The module of one component, imported now.

    Raises:
        RelataError: if there is no such component; near names are offered.
    """
    stem = name.replace("-", "_")
    known = listing(kind)
    if stem not in known:
        unknown(kind.removesuffix("s"), name, known)
    return importlib.import_module(f"relata.{kind}.{stem}")
