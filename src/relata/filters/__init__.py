"""A filter keeps something, or removes it with a reason. What is removed is kept in a file of its own.

One file per filter, with one of

    find(scene, *, ...) -> list[Finding]           relations of a scene that are wrong
    async find(scene, ask, *, ...) -> list[Finding]    the same, by asking a teacher: `await ask(request)` is its reply
    check(record, *, ...) -> Rejection | None      why a whole scene or example is no good

The arguments after the first one (and `ask`) are the filter's options. `apply` runs filters over files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from relata.scene import Record, Scene

if TYPE_CHECKING:
    from relata.chat import Example
    from relata.filters._report import Report


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


def apply(
    data: Iterable[Scene | Example] | str | os.PathLike[str],
    names: Sequence[str],
    out: str | os.PathLike[str],
    teacher: str | None = None,
    *,
    images: str | os.PathLike[str] | None = None,
    ledger: str | os.PathLike[str] | None = None,
    budget: float | None = None,
    drawn: int = 3,
    **options: Any,
) -> Report:
    """Take out what filters find.

    The folder `out` receives what is kept in `scenes/` (or `examples/`), `removed.jsonl` with the filter, reason and
    detail of each removal, `report.json` with a readable `report.md`, and `index.html`, where some of each are drawn.
    Records stream: memory does not grow with their number.

    Args:
        data: scenes or examples, or a folder or file of them.
        names: filters, e.g. `["geometry", "logic"]`; each sees what the ones before it left.
        teacher: whom filters ask that ask one; its replies, if paid, are kept in the ledger.
        images: folder that image references are relative to; the folder of `data` if that is a path.
        ledger: file of paid replies; `ledger.sqlite` in `out` if not given.
        budget: US dollars that all calls in the ledger may cost together.
        drawn: how many removals to draw for each filter and reason.
        options: of the filters; an option goes to every filter that has it.

    Raises:
        BudgetSpent: when the next call could go over the budget; what is filed stays.
        RelataError: on an unknown name or option, damaged data, or a folder that is finished or being written to.
    """
    from relata.filters import _apply

    return _apply.apply(data, names, out, teacher, images=images, ledger=ledger, budget=budget, drawn=drawn, **options)
