"""The way to an endpoint through the `openai` client: tries, waits, limits. Messages never hold the key.

A throttled call (429) waits as long as it is told to and uses up none of the `attempts`; what bounds it is `patience`.
Server errors, time-outs, cut and oversized replies and replies that are none use up one attempt each. What the user
has to mend, a wrong key or model or an empty account, ends the run. All times are of the monotonic clock.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from relata.errors import MissingExtra, RelataError
from relata.teachers import NoReply
from relata.teachers._chat import Fault, said
from relata.teachers._gate import Gate
from relata.teachers._settings import Settings

if TYPE_CHECKING:
    import httpx2

T = TypeVar("T")
Method = Literal["get", "post"]
Make = Callable[[], Awaitable[dict[str, Any]]]

#: Statuses that only the user can do something about.
_USERS = {401: "the key is refused", 402: "the account is empty", 404: "there is no such model or address"}
#: Statuses of errors that may pass. 529 is `overloaded` at some providers.
_PASSING = {408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
#: Codes of a 429 that no waiting cures.
_SPENT = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}
_LONGEST_WAIT = 60.0
#: Seconds between the starts of two calls, at the most and before the first reply. Calls that start together also end
#: together, wave after wave, and while one wave is written and read nobody waits for the model: of 64 calls at 500 ms
#: that costs an eighth of the rate. So calls are spread over half of the time that one takes.
_PACE, _FIRST_PACE = 0.02, 0.001


class Throttled(Exception):
    """The endpoint wants fewer calls."""

    def __init__(self, after: float | None) -> None:
        super().__init__("throttled")
        self.after = after


def needs_openai() -> None:
    """
    Raises:
        MissingExtra: if the client is not installed.
    """
    if find_spec("openai") is None:
        raise MissingExtra("openai", "endpoint")


class Client:
    """Calls to one endpoint, of one event loop."""

    def __init__(self, settings: Settings, key: str, most_bytes: int | None = None) -> None:
        import httpx2
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        self.settings = settings
        self.gate = Gate(settings.concurrency)
        self._pace = _FIRST_PACE
        self._next = 0.0
        self._key = key
        self._most = most_bytes or settings.most_bytes
        # A connection serves one call: what a server sends beyond its reply would be read as the reply to the next.
        limits = httpx2.Limits(max_connections=settings.concurrency + 8, max_keepalive_connections=0)
        self._openai = AsyncOpenAI(
            base_url=settings.base,
            api_key=key or "none",
            max_retries=0,
            timeout=settings.timeout,
            default_headers={"accept-encoding": "identity"},  # the limit of bytes holds for what is unpacked
            http_client=DefaultAsyncHttpxClient(
                limits=limits, follow_redirects=False, event_hooks={"response": [self._watch]}
            ),
        )
        self._raw = httpx2.Response

    async def _watch(self, response: httpx2.Response) -> None:
        """Have a reply's bytes counted as they come, also those of an error."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Unfit("the reply is packed, which was not asked for")
        response.stream = _counted()(response.stream, self._most)

    async def call(self, method: Method, path: str, read: Callable[[bytes], T], make: Make | None = None) -> T:
        """What `read` makes of the reply to a call, which is tried as often as the settings allow.

        Args:
            read: raises Fault if the reply is not what it should be.
            make: makes what is sent, for each try anew, so that those who wait hold no pictures: `content` (bytes of
                JSON), or `body` and `files` of a form, as the client takes them.

        Raises:
            NoReply: if there is no reply, with the cause of the last try.
            RelataError: if it is for the user to mend.
        """
        faults, throttled, waited = 0, 0, 0.0
        while True:
            round = await self.gate.enter(first=faults + throttled > 0)
            try:
                await self._turn()
                sent = await make() if make else {}
                began = time.monotonic()
                try:
                    found = read(await self._once(method, path, sent))
                except Throttled as error:
                    self.gate.narrow(round)
                    throttled += 1
                    wait = _wait(self.settings.backoff, throttled, error.after)
                    waited += wait
                    if waited > self.settings.patience:
                        raise NoReply(
                            f"throttled {throttled} times, and told to wait more than {self.settings.patience:g} s"
                        ) from None
                except Fault as error:
                    faults += 1
                    if faults >= self.settings.attempts:
                        raise NoReply(self.hidden(f"{error}; tried {faults} times")) from None
                    wait = min(_wait(self.settings.backoff, faults, error.after), self.settings.patience)
                else:
                    self.gate.widen()
                    self._pace = min(_PACE, (time.monotonic() - began) / self.gate.limit / 2)
                    return found
                await asyncio.sleep(wait)  # inside the gate, so that nobody else is sent into the same trouble
            finally:
                self.gate.leave()

    async def _turn(self) -> None:
        """Wait until the start of the last call is a while ago."""
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._pace
        if start > now:
            await asyncio.sleep(start - now)

    async def _once(self, method: Method, path: str, sent: dict[str, Any]) -> bytes:
        """The bytes of one reply.

        Raises:
            Throttled, Fault, NoReply, RelataError: see `call`.
        """
        import openai

        if "content" in sent:
            sent = {**sent, "options": {"headers": {"content-type": "application/json"}}}
        try:
            async with asyncio.timeout(self.settings.timeout):
                response: httpx2.Response = await getattr(self._openai, method)(path, cast_to=self._raw, **sent)
                return response.content
        except openai.APIStatusError as error:
            raise self._refused(method, error) from None
        except (TimeoutError, openai.APITimeoutError):
            raise Fault(f"no reply within {self.settings.timeout:g} s") from None
        except openai.APIConnectionError as error:
            raise Fault(f"the connection broke: {error.__cause__ or error!r}") from None
        except _Unfit as error:
            raise Fault(str(error)) from None

    def _refused(self, method: Method, error: Any) -> Exception:
        """What an HTTP error means for us."""
        status, headers = error.status_code, error.response.headers
        message, code = said(error.response.content)
        told = self.hidden(f"HTTP {status}: {message}")
        if status == 429 and code not in _SPENT:
            return Throttled(retry_after(headers))
        if status == 404 and method == "get":  # a file or batch of old is gone, which says nothing of the model
            return NoReply(told)
        if status in _USERS or status == 429:
            why = _USERS.get(status, "the account is empty")
            return RelataError(f"{self.settings.base} ({self.settings.model}): {why}; {told}")
        return Fault(told, retry_after(headers)) if status in _PASSING else NoReply(told)

    def hidden(self, text: str) -> str:
        """A text of the other side without the key, which it may have sent back."""
        return text.replace(self._key, "***") if self._key else text


class _Unfit(Exception):
    """A reply that is not taken in."""


def _counted() -> type:
    """The class of a stream that ends with an error once it is too long. Made late: httpx2 comes with openai."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        def __init__(self, inner: Any, most: int) -> None:
            self._inner, self._most = inner, most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._inner:
                size += len(chunk)
                if size > self._most:
                    raise _Unfit(f"the reply is longer than {self._most} bytes")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    return Counted


def retry_after(headers: Any) -> float | None:
    """Seconds that a reply asks to wait, said in milliseconds, seconds, or as a date.

    A date is taken relative to the date of the reply itself, so that our clock need not agree.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d{1,9}(\.\d*)?", value := headers.get(name, "").strip()):
            return float(value) * unit
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _wait(first: float, times: int, asked: float | None) -> float:
    """Seconds to wait: what is asked for and a little more, or doubling; never all at the same moment."""
    if asked is not None:
        return asked + random.uniform(0, first)
    return min(_LONGEST_WAIT, first * 2.0 ** min(times - 1, 16)) * random.uniform(0.5, 1.0)
