"""`rules`: the recipe's own rules answer, from the annotations alone. No key, no network, no cost."""

from __future__ import annotations

from relata.errors import RelataError
from relata.teachers import Reply, Request


class Rules:
    """Answers each request with its recipe's offline reply."""

    name = "rules"
    paid = False
    longest = 0
    concurrency = 1

    async def answer(self, request: Request) -> Reply:
        return Reply(request.offline())

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return 0.0


def teacher(argument: str) -> Rules:
    """The rule teacher; it takes no argument.

    Raises:
        RelataError: if it is given one.
    """
    if argument:
        raise RelataError(f"teacher 'rules' takes no argument, but was given {argument!r}; write rules")
    return Rules()
