"""A filter keeps something, or removes it with a reason. What is removed is kept in a file of its own.

One file per filter, with one of

    find(scene, *, ...) -> list[Finding]           relations of a scene that are wrong
    async find(scene, ask, *, ...) -> list[Finding]    the same, by asking a teacher: `await ask(request)` is its reply
    check(record, *, ...) -> Rejection | None      why a whole scene or example is no good

The arguments after the first one (and `ask`) are the filter's options. `apply` runs filters over files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from relata.scene import Record

if TYPE_CHECKING:
    from relata.filters._apply import apply

__all__ = ["Finding", "Rejection", "apply"]


class Rejection(Record, frozen=True):
    """Why something did not become an example."""

    reason: str
    """A short fixed word, e.g. `unknown-region`: what reports count."""
    detail: str = ""
    """The offending value."""
    id: str = ""
    """Id of the request, or of the scene if the whole scene was turned away."""
    reply: str = ""
    """The teacher's reply, whole."""
    failed: bool = False
    """The teacher gave no reply; asking again may help. Otherwise the reply, or the scene, is at fault."""


class Finding(NamedTuple):
    """What is wrong with one relation of a scene."""

    relation: int
    """Its position in `scene.relations`."""
    reason: str
    """A short fixed word, e.g. `contradicted`: what reports count."""
    detail: str
    """The offending value, for a person to read."""


def __getattr__(name: str) -> Any:
    """`apply`, loaded when first used: what it needs imports the records above."""
    if name != "apply":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from relata.filters._apply import apply

    return apply
