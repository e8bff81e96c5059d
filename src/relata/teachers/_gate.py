"""How many calls are open at once: half as many when the other side says that it is too much, more as it goes well."""

from __future__ import annotations

import asyncio
from collections import deque

#: After about so many rounds of calls that went well the gate is as wide again as it may be.
_ROUNDS = 16


class Gate:
    """Lets up to `limit` callers in. Of one event loop.

    A caller that waits out a throttling stays inside: in a storm, hardly anybody new comes in to be turned away too.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(most)
        """Between 1 and `most`."""
        self.inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._round = 0

    async def enter(self, first: bool = False) -> int:
        """Wait for a place.

        Args:
            first: before all who wait, for those who were inside already.

        Returns:
            the round, for `narrow`.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(turn)
        else:
            self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # let in and called off at the same time
                self.leave()
            raise
        return self._round

    def leave(self) -> None:
        self.inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.inside < int(self.limit):
            turn = self._waiting.popleft()
            if not turn.done():
                self.inside += 1
                turn.set_result(None)

    def narrow(self, round: int) -> None:
        """A call was throttled. Calls that were sent before the last narrowing tell nothing new."""
        if round == self._round:
            self._round += 1
            self.limit = max(1.0, self.limit / 2)

    def widen(self) -> None:
        """A call went well."""
        self.limit = min(float(self.most), self.limit + max(1.0, self.most / _ROUNDS) / self.limit)
        self._admit()
