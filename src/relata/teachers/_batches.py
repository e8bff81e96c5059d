"""The calls that a provider's batch mode takes: files up and down, batches made, found and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from relata.teachers import NoReply
from relata.teachers._chat import Fault
from relata.teachers._client import Client
from relata.teachers._settings import Settings

ENDPOINT = "/v1/chat/completions"
_ENDED = {"completed", "failed", "expired", "cancelled"}
#: So many pages of the account's newest batches are looked through for one whose id was never heard.
_PAGES = 20

T = TypeVar("T")


class Made(msgspec.Struct):
    id: str
    status: str
    output_file_id: str | None = None
    error_file_id: str | None = None
    metadata: dict[str, str] | None = None
    errors: Any = None


class Page(msgspec.Struct):
    data: list[Made]
    has_more: bool = False


class Id(msgspec.Struct):
    id: str


class Response(msgspec.Struct):
    status_code: int
    body: msgspec.Raw


class Line(msgspec.Struct):
    custom_id: Annotated[str, msgspec.Meta(min_length=1)]
    response: Response | None = None
    error: Any = None


class Provider:
    """A provider's batch mode; of one event loop.

    Args:
        longest: bytes of the largest file that may come back.
        poll: seconds between looks at a batch.
    """

    def __init__(self, settings: Settings, key: str, longest: int, poll: float) -> None:
        self._client = Client(settings, key, most_bytes=max(longest, settings.most_bytes))
        # a batch that was made although the reply was lost must not be made again, so this one tries once
        self._once = Client(settings.replace(attempts=1), key)
        self._attempts = settings.attempts
        self._poll = poll
        self.hidden = self._client.hidden

    async def make(self, requests: Path, digest: str, window: str) -> str:
        """Upload a file of requests and make a batch of it, once; its id.

        A batch may be made although the reply that says so is lost, so it is looked for before trying anew.

        Args:
            digest: goes into the batch's metadata.
            window: time that the provider has.

        Raises:
            NoReply: if it cannot be made.
        """

        async def upload() -> dict[str, Any]:
            data = await asyncio.to_thread(requests.read_bytes)
            file = ("requests.jsonl", data, "application/jsonl")
            form = {"headers": {"content-type": "multipart/form-data"}}
            return {"body": {"purpose": "batch"}, "files": {"file": file}, "options": form}

        uploaded = await self._client.call("post", "/files", reader(Id), upload)
        asked = {"input_file_id": uploaded.id, "endpoint": ENDPOINT, "completion_window": window}

        async def create() -> dict[str, bytes]:
            return {"content": msgspec.json.encode({**asked, "metadata": {"relata": digest}})}

        for tries_left in reversed(range(self._attempts)):
            try:
                return (await self._once.call("post", "/batches", reader(Id), create)).id
            except NoReply:
                await asyncio.sleep(self._poll)
                if found := await self.find(digest):
                    return found
                if not tries_left:
                    raise
        raise AssertionError("at least one attempt is made")

    async def find(self, digest: str) -> str | None:
        """The provider's id of the batch with this digest."""
        after = ""
        for _ in range(_PAGES):
            page = await self._client.call("get", f"/batches?limit=100{after}", reader(Page))
            for batch in page.data:
                if (batch.metadata or {}).get("relata") == digest:
                    return batch.id
            if not page.has_more or not page.data:
                break
            after = f"&after={page.data[-1].id}"
        return None

    async def end(self, batch: str) -> Made:
        """A batch, once it has ended."""
        while (found := await self._client.call("get", f"/batches/{batch}", reader(Made))).status not in _ENDED:
            await asyncio.sleep(self._poll)
        return found

    async def results(self, batch: Made) -> list[Line]:
        """All lines that came of a batch, good and bad. What is no line is as if it were missing."""
        files = [file for file in (batch.output_file_id, batch.error_file_id) if file]
        return [line for file in files for line in await self._client.call("get", f"/files/{file}/content", _lines)]


def reader(kind: type[T]) -> Callable[[bytes], T]:
    """Reads a reply of one type, or raises Fault."""
    decoder = msgspec.json.Decoder(kind)

    def read(data: bytes) -> T:
        try:
            return decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Fault(f"the reply is not as the API says: {error}") from None

    return read


def _lines(data: bytes) -> list[Line]:
    read, found = reader(Line), []
    for line in data.splitlines():
        with suppress(Fault):
            found.append(read(line))
    return found
