"""A chat server that answers from a script, with latency, faults and wrong replies on demand. For tests and drills.

It speaks as much of the OpenAI API as a teacher uses: chat completions, files, batches. `GET /stats` counts what it
was asked. What it does to a request depends on the script, its seed, the request and how often that came, not on time.

    seed: 7
    latency: [0.2, 0.6]                                 # seconds
    rules:                                              # the first one that fits is used
      - {share: 0.1, do: status, status: 429, retry_after: 1}
      - {share: 0.05, do: reset}
      - {match: "how many", do: reply, reply: "two"}
      - {path: batches, times: 1, do: half}
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from relata.errors import RelataError
from relata.scene import Record
from relata.teachers._settings import read

Do = Literal[
    "echo", "reply", "status", "reset", "half", "big", "hang", "twice", "again",
    "garbage", "broken", "wrong", "empty", "null", "refuse", "cut", "missing", "wrong-id",
]  # fmt: skip
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

#: Size of the reply of `big`.
BIG = 10_000_000
COMPLETIONS = "/v1/chat/completions"
#: So many replies ago was the one that comes again: it has long been read.
_AGO = 64


class Rule(Record, frozen=True, kw_only=True):
    """What is done to some requests."""

    do: Do
    """What comes back: `echo`: the request's text again, or the least JSON that fits its schema. `reply`: a fixed text.
    `status`: that HTTP error. `reset`: nothing, the connection is cut; `half`: cut in the middle. `big`: 10 MB of text.
    `hang`: never a word. `twice`: the reply two times over. `again`: one that another request has had. `garbage`: no
    JSON at all; `broken`: its text is JSON cut off; `wrong`: JSON of another kind. `empty`, `null`: no text. `refuse`:
    a refusal. `cut`: at the limit of tokens. In a batch also `missing`: no line, and `wrong-id`: under another id."""
    match: str = ""
    """Regular expression, searched in the user's last text; in the address for other things than completions."""
    path: str = "chat/completions"
    """Regular expression, searched in the address that is asked."""
    share: Share = 1.0
    """Of the requests that match."""
    times: int | None = None
    """At most so many."""
    latency: float | None = None
    """Seconds; None: the script's."""
    reply: str = ""
    status: int = 500
    retry_after: float | None = None
    """Seconds, told with a `status`."""
    date: bool = False
    """Tell `retry_after` as a date."""
    code: str = ""
    """Told with a `status`."""

    def __post_init__(self) -> None:
        for name in ("match", "path"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise RelataError(f"{name} {getattr(self, name)!r} is no regular expression: {error}") from error


class Script(Record, frozen=True, kw_only=True):
    """What a server does."""

    rules: tuple[Rule, ...] = ()
    """Whatever no rule fits is echoed."""
    seed: int = 0
    latency: float | tuple[float, float] = 0.0
    """Seconds from a request to its reply, or the least and the most."""
    key: str = ""
    """The only key that is let in; empty: any or none."""
    batch: float = 0.0
    """Seconds until a batch is done."""


class Answer(NamedTuple):
    """What goes back over the connection."""

    status: int
    body: bytes
    headers: dict[str, str] = {}
    do: str = "echo"


def load(path: str | Path) -> Script:
    """A script, from YAML.

    Raises:
        RelataError: if it cannot be read, or is no script.
    """
    return read(path, Script, Rule)


class Server:
    """Answers by a script. `reply` is all of it but the wire: a request in, an answer out."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.counts: Counter[str] = Counter()
        """What was asked and what was done: `requests`, `most_at_once`, `status 429`, `do reset` ..."""
        self.files: dict[str, bytes] = {}
        """What was uploaded, and the results of batches."""
        self._seen: Counter[bytes] = Counter()
        self._rules = [(rule, re.compile(rule.path), re.compile(rule.match)) for rule in script.rules]
        self._used: Counter[int] = Counter()
        self._batches: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._had: deque[bytes] = deque(maxlen=_AGO)
        self._now = 0

    @property
    def distinct(self) -> int:
        """Different requests so far."""
        return len(self._seen)

    async def reply(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to any request, after the latency that the script says."""
        if path == "/stats":
            return _json({**self.counts, "distinct": self.distinct})
        if self.script.key and headers.get("authorization") != f"Bearer {self.script.key}":
            return _error(401, "Incorrect API key provided")
        self._now += 1
        self.counts["most_at_once"] = max(self.counts["most_at_once"], self._now)
        try:
            if (method, path) == ("POST", COMPLETIONS):
                asked = msgspec.json.decode(body)
                rule = self._asked(asked, body)
                await self._wait(rule, body)
                answer = self.completion(rule, asked)
            else:
                rule = self._rule(path, b"", path)
                await self._wait(rule, body)
                answer = _fault(rule) if rule.do == "status" else self._other(method, path, headers, body)
        except msgspec.DecodeError:
            return _error(400, "the body is no JSON")
        finally:
            self._now -= 1
        self.counts[f"status {answer.status}"] += 1
        return answer._replace(do=rule.do)

    async def _wait(self, rule: Rule, body: bytes) -> None:
        latency = self.script.latency if rule.latency is None else rule.latency
        if isinstance(latency, tuple):
            latency = latency[0] + (latency[1] - latency[0]) * _die(f"{self.script.seed}", body)
        if latency:
            await asyncio.sleep(latency)

    # which rule, and what it does to a chat request

    def _asked(self, asked: Mapping[str, Any], body: bytes) -> Rule:
        """The rule for a chat request, which is counted."""
        self.counts["requests"] += 1
        return self._rule(COMPLETIONS, body, _text(asked))

    def _rule(self, path: str, body: bytes, text: str) -> Rule:
        """The rule for a request. The dice know the request and how often it came, so their order does not matter."""
        digest = hashlib.blake2b(path.encode() + b" " + body, digest_size=16).digest()
        self._seen[digest] += 1
        for index, (rule, at, match) in enumerate(self._rules):
            if rule.times is not None and self._used[index] >= rule.times:
                continue
            if not at.search(path) or not match.search(text):
                continue
            if _die(f"{self.script.seed} {index} {self._seen[digest]}", digest) < rule.share:
                self._used[index] += 1
                break
        else:
            rule = _ECHO
        self.counts[f"do {rule.do}"] += 1
        return rule

    def completion(self, rule: Rule, asked: Mapping[str, Any]) -> Answer:
        """The answer to a chat request under a rule."""
        if rule.do == "status":
            return _fault(rule)
        text = _text(asked)
        schema = (asked.get("response_format") or {}).get("json_schema", {}).get("schema")
        echo = text if schema is None else msgspec.json.encode(least(schema, schema)).decode()
        content: str | None = {
            "empty": "", "null": None, "refuse": None, "wrong": '{"unasked": true}',
            "broken": '{"value": [1, 2, {"' + echo[:20],
        }.get(rule.do, rule.reply or echo)  # fmt: skip
        message = {"role": "assistant", "content": content}
        if rule.do == "refuse":
            message["refusal"] = "I cannot help with that."
        tokens_in, tokens_out = 10 + len(text) // 4, 1 + len(content or "") // 4
        self.counts.update(tokens_in=tokens_in, tokens_out=tokens_out)
        if rule.do == "garbage":
            return Answer(200, b"<html>upstream says hello</html>")
        if rule.do == "again":
            return Answer(200, self._had[0] if self._had else b"{}")
        made = msgspec.json.encode(
            {
                "id": f"chatcmpl-{next(self._numbers)}",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": asked.get("model", ""),
                "choices": [
                    {"index": 0, "message": message, "finish_reason": "length" if rule.do == "cut" else "stop"}
                ],
                "usage": {
                    "prompt_tokens": tokens_in,
                    "completion_tokens": tokens_out,
                    "total_tokens": tokens_in + tokens_out,
                },
            }
        )
        if rule.do not in _LOST:
            self._had.append(made)
        return Answer(200, made)

    # models, files and batches

    def _other(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        address, _, query = path.partition("?")
        match method, *address.removeprefix("/v1/").split("/"):
            case "GET", "models":
                return _json({"object": "list", "data": [{"id": "scripted", "object": "model"}]})
            case "POST", "files":
                file = self._kept(_upload(headers.get("content-type", ""), body))
                return _json({"id": file, "object": "file", "bytes": len(self.files[file]), "purpose": "batch"})
            case "GET", "files", file, "content" if file in self.files:
                return Answer(200, self.files[file])
            case "POST", "batches" if (asked := msgspec.json.decode(body)).get("input_file_id") in self.files:
                name = f"batch_{next(self._numbers)}"
                self.counts["batches"] += 1
                batch = {"id": name, "object": "batch", "status": "in_progress", "created_at": int(time.time())}
                self._batches[name] = {**asked, **batch, "due": time.monotonic() + self.script.batch}
                return _json(self._settled(name))
            case "GET", "batches":
                after = re.search(r"after=([\w-]+)", query)
                newest = [*reversed(self._batches)]
                start = newest.index(after[1]) + 1 if after and after[1] in newest else 0
                page = [self._settled(name) for name in newest[start : start + 20]]
                return _json({"object": "list", "data": page, "has_more": len(newest) > start + 20})
            case "GET", "batches", name if name in self._batches:
                return _json(self._settled(name))
        return _error(404, f"nothing at {method} {address}")

    def _kept(self, data: bytes) -> str:
        """The name under which a file is kept."""
        name = f"file-{next(self._numbers)}"
        self.files[name] = data
        return name

    def _settled(self, name: str) -> dict[str, Any]:
        """A batch as it is now; its requests are answered when it is first looked at after it is due."""
        batch = self._batches[name]
        if batch["status"] == "in_progress" and time.monotonic() >= batch["due"]:
            lines: dict[str, list[bytes]] = {"output_file_id": [], "error_file_id": []}
            for line in self.files[batch["input_file_id"]].splitlines():
                good, made = self._line(msgspec.json.decode(line))
                lines["output_file_id" if good else "error_file_id"] += made
            # the order of a batch's output is not that of its input
            batch |= {field: self._kept(b"".join(reversed(some))) if some else None for field, some in lines.items()}
            batch["status"] = "completed"
        return {key: value for key, value in batch.items() if key != "due"}

    def _line(self, one: dict[str, Any]) -> tuple[bool, list[bytes]]:
        """Whether a request of a batch went well, and the lines of its result."""
        rule = self._asked(one["body"], msgspec.json.encode(one["body"]))
        answer = self.completion(rule, one["body"])
        said = {"status_code": answer.status, "body": msgspec.Raw(b'"?"' if rule.do == "garbage" else answer.body)}
        name = one["custom_id"][::-1] if rule.do == "wrong-id" else one["custom_id"]
        line = {"id": f"line-{next(self._numbers)}", "custom_id": name, "response": said, "error": None}
        copies = 0 if rule.do in ("missing", "reset", "hang", "half") else 2 if rule.do == "twice" else 1
        return answer.status == 200, [msgspec.json.encode(line) + b"\n"] * copies

    # the wire

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Listen; port 0 takes a free one."""
        return await asyncio.start_server(self._attend, host, port)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its reply; whether the connection may be used again."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = await self.reply(method, path, headers, body)
        if answer.do == "hang":
            return not await reader.read(1)  # the caller goes away first
        if answer.do == "reset":
            return False
        blank = BIG - len(answer.body) if answer.do == "big" else 0
        told = {"date": formatdate(usegmt=True), "content-type": "application/json"}
        told |= {"content-length": f"{len(answer.body) + blank}", **answer.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        whole = f"HTTP/1.1 {answer.status} Scripted\r\n{head}\r\n".encode() + answer.body
        if answer.do == "half":
            whole = whole[: len(whole) - len(answer.body) // 2 - 1]
        writer.write(whole * 2 if answer.do == "twice" else whole)
        for start in range(0, blank, 1 << 16):
            await writer.drain()
            writer.write(b" " * min(1 << 16, blank - start))
        await writer.drain()
        return answer.do != "half"


@contextmanager
def serving(script: Script, host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[str, Server]]:
    """A server in a thread of its own, for as long as the block runs: its address, for a client, and itself."""
    server = Server(script)
    with asyncio.Runner() as runner:
        listening, loop = runner.run(server.serve(host, port)), runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="chatserver", daemon=True)
        thread.start()
        try:
            yield f"http://{host}:{listening.sockets[0].getsockname()[1]}/v1", server
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            listening.close()


_ECHO = Rule(do="echo")
#: After these nobody has had the reply.
_LOST = ("reset", "half", "big", "hang", "missing", "wrong-id")


def _die(salt: str, of: bytes) -> float:
    """A number from 0 to 1 that depends on these alone."""
    return int.from_bytes(hashlib.blake2b(of, key=salt.encode(), digest_size=8).digest(), "big") / 2**64


def _json(value: Any) -> Answer:
    return Answer(200, msgspec.json.encode(value))


def _error(status: int, message: str, headers: dict[str, str] | None = None, code: str = "") -> Answer:
    body = {"error": {"message": message, "type": "scripted", "code": code or None}}
    return Answer(status, msgspec.json.encode(body), headers or {}, "status")


def _fault(rule: Rule) -> Answer:
    headers = {}
    if rule.retry_after is not None:
        date = formatdate(time.time() + rule.retry_after, usegmt=True)
        headers = {"retry-after": date if rule.date else f"{rule.retry_after:g}"}
    return _error(rule.status, "scripted fault", headers, rule.code)


def _text(asked: Mapping[str, Any]) -> str:
    """The user's last text."""
    content = next((m["content"] for m in reversed(asked.get("messages", [])) if m["role"] == "user"), "")
    return content if isinstance(content, str) else "\n".join(p["text"] for p in content if p["type"] == "text")


def least(schema: Any, root: Any) -> Any:
    """The least value that fits a JSON schema, as far as msgspec's schemas go."""
    match schema:
        case {"$ref": str(name)}:
            return least(root["$defs"][name.rsplit("/", 1)[1]], root)
        case {"const": value} | {"enum": [value, *_]}:
            return value
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
            return least(first, root)
        case {"type": "object"}:
            parts = schema.get("properties", {})
            return {name: least(parts[name], root) for name in schema.get("required", parts)}
        case {"type": "array"}:
            first = [least(part, root) for part in schema.get("prefixItems", ())]
            return first + [least(schema.get("items"), root)] * (schema.get("minItems", 0) - len(first))
        case {"type": "string"}:
            return "x" * schema.get("minLength", 0)
        case {"type": "integer" | "number"}:
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case {"type": "boolean"}:
            return False
    return None


def _upload(kind: str, body: bytes) -> bytes:
    """The file of a multipart body."""
    mark = re.search(r'boundary="?([^";]+)', kind)
    parts: list[bytes] = [] if mark is None else body.split(b"--" + mark[1].encode())
    heads = [part.partition(b"\r\n\r\n") for part in parts]
    return next((data.removesuffix(b"\r\n") for head, _, data in heads if b'name="file"' in head), b"")
