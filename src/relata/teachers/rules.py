"""`rules`: the recipe's own rules answer, from the annotations alone. No key, no network, no cost."""

from __future__ import annotations

from relata.errors import RelataError
from relata.teachers import Request


class Rules:
    """Answers each request with its recipe's offline reply."""

    name = "rules"

    async def answer(self, request: Request) -> str:
        return request.offline()


def teacher(argument: str) -> Rules:
    """The rule teacher; it takes no argument.

    Raises:
        RelataError: if it is given one.
    """
    if argument:
        raise RelataError(f"teacher 'rules' takes no argument, but was given {argument!r}; write rules")
    return Rules()
