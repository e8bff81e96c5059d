"""Filters by name, with their options: what `apply` and recipes run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, get_type_hints

import msgspec

from relata.door import Asks
from relata.errors import RelataError, unknown
from relata.filters import Finding, Rejection
from relata.names import component, listing
from relata.scene import Record
from relata.teachers import NoReply, Request


class Filter(NamedTuple):
    """A filter with its options."""

    name: str
    judge: Callable[..., Any]
    """Its `find` or `check`."""
    options: dict[str, Any]
    asks: bool
    """Whether it asks a teacher."""

    @property
    def judges(self) -> type:
        """Scene or Example."""
        found: type = next(iter(get_type_hints(self.judge).values()))
        return found

    @property
    def single(self) -> bool:
        """Whether it finds relations of a scene, and not whole records."""
        return self.judge.__name__ == "find"

    async def found(self, record: Record, judge: Asks | None = None) -> Sequence[Finding] | Rejection | None:
        """What is wrong with a record.

        Raises:
            NoReply: if it asks, and gets no answer.
        """
        result = self.judge(record, *([partial(_ask, judge)] if self.asks else []), **self.options)
        found: Sequence[Finding] | Rejection | None = await result if self.asks else result
        return found


async def _ask(judge: Asks | None, request: Request) -> str:
    assert judge is not None, "a filter that asks was given nobody to ask"
    reply = await judge.ask(request, str)
    if isinstance(reply, Rejection):
        raise NoReply(reply.detail)
    return reply


def load(names: Sequence[str], options: dict[str, Any], given: Iterable[str]) -> list[Filter]:
    """Filters by name, each with those of the options that it has, checked; numbers may be given as text.

    Args:
        given: the options that the user named; each has to be one of some filter.

    Raises:
        RelataError: on a name or option that does not exist, or a value of the wrong type.
    """
    if not names:
        raise RelataError(f"no filter is named; known: {', '.join(listing('filters'))}")
    found: list[Filter] = []
    known: set[str] = set()
    for name in names:
        module = component("filters", name)
        judge: Callable[..., Any] = module.find if hasattr(module, "find") else module.check
        asks = inspect.iscoroutinefunction(judge)
        takes = list(inspect.signature(judge).parameters)[2 if asks else 1 :]
        known.update(takes)
        types = get_type_hints(judge, include_extras=True)
        settled = {}
        for option in takes:
            if option in options:
                try:
                    settled[option] = msgspec.convert(options[option], types[option], strict=False)
                except msgspec.ValidationError as error:
                    raise RelataError(f"option {option} of {name} is {options[option]!r}: {error}") from error
        found.append(Filter(name, judge, settled, asks))
    for option in given:
        if option not in known:
            unknown(f"option of {' and '.join(names)}", option, known)
    return found
