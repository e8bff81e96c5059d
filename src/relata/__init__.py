"""relata: the toolkit for vision-language models that understand relations.

Everything public is here by name and loaded when first used, so that `import relata` costs little and leaves torch
alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "Box": "relata.scene",
    "Region": "relata.scene",
    "Relation": "relata.scene",
    "Scene": "relata.scene",
    "Group": "relata.scene",
    "Message": "relata.chat",
    "Example": "relata.chat",
    "Answer": "relata.chat",
    "RelataError": "relata.errors",
    "read": "relata.readers",
    "dialect": "relata.dialects",
    "build": "relata.recipes",
    "check": "relata.linter",
    "load": "relata.models",
    "evaluate": "relata.benchmarks",
    "score": "relata.benchmarks",
}

__all__ = [
    "Answer",
    "Box",
    "Example",
    "Group",
    "Message",
    "Region",
    "RelataError",
    "Relation",
    "Scene",
    "__version__",
    "build",
    "check",
    "dialect",
    "evaluate",
    "load",
    "read",
    "score",
]

if TYPE_CHECKING:
    from relata.benchmarks import evaluate, score
    from relata.chat import Answer, Example, Message
    from relata.dialects import dialect
    from relata.errors import RelataError
    from relata.linter import check
    from relata.models import load
    from relata.readers import read
    from relata.recipes import build
    from relata.scene import Box, Group, Region, Relation, Scene


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'relata' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
