"""`endpoint:MODEL` or `endpoint:settings.yaml`: any OpenAI-compatible chat endpoint, a call for each request.

With the name of a model alone, OPENAI_API_KEY and OPENAI_BASE_URL say where it is. See `Settings` for what a file can
say. Several calls are open at once, fewer while the endpoint throttles.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from weakref import WeakKeyDictionary

from relata.teachers import Reply, Request
from relata.teachers._chat import Completion, Fault, body, completion, reply
from relata.teachers._client import Client, needs_openai
from relata.teachers._settings import Settings, settings

#: So many ids of replies are remembered, to notice a reply that comes twice.
_REMEMBERED = 4096


class Endpoint:
    """Asks a chat endpoint."""

    paid = True

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.name("endpoint")
        self.longest = settings.max_tokens
        self.concurrency = settings.concurrency
        self._key = settings.key()
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()
        self._seen = Seen()

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return self.settings.price(tokens_in, tokens_out)

    async def answer(self, request: Request) -> Reply:
        client = self._client()
        start = 0.0

        async def make() -> dict[str, bytes]:
            nonlocal start
            pictures = await request.load()
            start = time.monotonic()
            return {"content": body(self.settings, request, pictures)}

        def read(data: bytes) -> Reply:
            found = completion(data, client.hidden)
            self._seen.check(found, request.id)
            return reply(self.settings, request, found, time.monotonic() - start)

        return await client.call("post", "/chat/completions", read, make)

    def _client(self) -> Client:
        """Connections belong to an event loop, so each loop has its own."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = Client(self.settings, self._key)
        return self._clients[loop]


class Seen:
    """Notices one reply that is given to two requests, by its id and text.

    Many servers draw ids at random from few, or have one id for all: as soon as an id comes with another text, ids tell
    nothing and are not looked at any more.
    """

    def __init__(self) -> None:
        self._texts: OrderedDict[str, tuple[str | None, str]] | None = OrderedDict()

    def check(self, found: Completion, request: str) -> None:
        """
        Raises:
            Fault: if another request had this reply.
        """
        if self._texts is None or not found.id:
            return
        text = found.choices[0].message.content
        before = self._texts.setdefault(found.id, (text, request))
        if before[0] != text:
            self._texts = None
        elif before[1] != request:
            raise Fault("the reply is that to another request, come twice")
        elif len(self._texts) > _REMEMBERED:
            self._texts.popitem(last=False)


def teacher(argument: str) -> Endpoint:
    """The teacher behind an endpoint.

    Raises:
        MissingExtra: without the `openai` client.
        RelataError: if settings make no sense, or the key is absent.
    """
    needs_openai()
    return Endpoint(settings(argument, Settings, "endpoint"))
