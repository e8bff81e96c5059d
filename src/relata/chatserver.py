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
import random
import re
import threading
import time
from collections import Counter
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
_COMPLETIONS = "/v1/chat/completions"
_JSON = (("POST", _COMPLETIONS), ("POST", "/v1/batches"))


class Rule(Record, frozen=True, kw_only=True):
    """What is done to some requests."""

    do: Do
    """What comes back: `echo`: the request's text again, or the least JSON that fits its schema. `reply`: a fixed text.
    `status`: that HTTP error. `reset`: nothing, the connection is cut; `half`: cut in the middle. `big`: 10 MB of text.
    `hang`: never a word. `twice`: the reply two times over. `again`: the reply to the request before. `garbage`: no
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
    """A script: YAML, or JSON Lines with a rule in each (`.jsonl`).

    Raises:
        RelataError: if it cannot be read, or is no script.
    """
    return (
        Script(rules=read(path, tuple[Rule, ...], Rule)) if Path(path).suffix == ".jsonl" else read(path, Script, Rule)
    )


class Server:
    """Answers by a script. `reply` is all of it but the wire: a request in, an answer out."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.counts: Counter[str] = Counter()
        """What was asked and what was done: `requests`, `distinct`, `most_at_once`, `status 429`, `do reset` ..."""
        self._seen: Counter[bytes] = Counter()
        self._used: Counter[int] = Counter()
        self._rules = [(rule, re.compile(rule.path), re.compile(rule.match)) for rule in script.rules]
        self._numbers = itertools.count(1)
        self._last = b"{}"
        self._now = 0
        self.files: dict[str, bytes] = {}
        """What was uploaded, and the results of batches."""
        self._batches: dict[str, dict[str, Any]] = {}

    @property
    def distinct(self) -> int:
        """Different requests so far."""
        return len(self._seen)

    # which rule, and what it does

    def rule(self, path: str, body: bytes, text: str) -> Rule:
        """The rule for a request. The dice know the request and how often it came, so their order does not matter."""
        digest = hashlib.blake2b(path.encode() + b" " + body, digest_size=16).digest()
        self._seen[digest] += 1
        for index, (rule, at, match) in enumerate(self._rules):
            if rule.times is not None and self._used[index] >= rule.times:
                continue
            if not at.search(path) or not match.search(text):
                continue
            if rule.share < 1.0:
                die = hashlib.blake2b(digest, key=f"{self.script.seed} {index} {self._seen[digest]}".encode()).digest()
                if int.from_bytes(die[:8], "big") >= rule.share * 2**64:
                    continue
            self._used[index] += 1
            return rule
        return _ECHO

    def completion(self, rule: Rule, asked: Mapping[str, Any]) -> Answer:
        """The answer to a chat request under a rule."""
        if rule.do == "status":
            return _fault(rule)
        schema = (asked.get("response_format") or {}).get("json_schema", {}).get("schema")
        text = _text(asked)
        content: str | None = text if schema is None else msgspec.json.encode(least(schema, schema)).decode()
        if rule.do in _TEXTS:
            content = _TEXTS[rule.do]
        elif rule.do in ("reply", "cut"):
            content = rule.reply or content
        elif rule.do == "broken":
            content = '{"value": [1, 2, {"' + (content or "")[:20]
        message = {"role": "assistant", "content": content}
        if rule.do == "refuse":
            message["refusal"] = "I cannot help with that."
        used = {"prompt_tokens": 10 + len(text) // 4, "completion_tokens": 1 + len(content or "") // 4}
        self.counts["tokens_in"] += used["prompt_tokens"]
        self.counts["tokens_out"] += used["completion_tokens"]
        choice = {"index": 0, "message": message, "finish_reason": "length" if rule.do == "cut" else "stop"}
        made = {
            "id": f"chatcmpl-{next(self._numbers)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked.get("model", ""),
            "choices": [choice],
            "usage": {**used, "total_tokens": sum(used.values())},
        }
        if rule.do == "garbage":
            return Answer(200, b"<html>upstream says hello</html>", do=rule.do)
        if rule.do != "again":
            self._last = msgspec.json.encode(made)
        return Answer(200, self._last, do=rule.do)

    # the addresses

    async def reply(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to any request, after the latency that the script says."""
        if path == "/stats":
            return Answer(200, msgspec.json.encode({**self.counts, "distinct": self.distinct}))
        if self.script.key and headers.get("authorization") != f"Bearer {self.script.key}":
            return _error(401, "Incorrect API key provided")
        self._now += 1
        self.counts["most_at_once"] = max(self.counts["most_at_once"], self._now)
        try:
            return await self._reply(method, path, headers, body)
        finally:
            self._now -= 1

    async def _reply(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        chat = path == _COMPLETIONS and method == "POST"
        try:
            asked = msgspec.json.decode(body) if (method, path) in _JSON else {}
        except msgspec.DecodeError:
            return _error(400, "the body is no JSON")
        rule = self.rule(path, body if chat else b"", _text(asked) if chat else path)
        self.counts["requests"] += chat
        self.counts[f"do {rule.do}"] += 1
        if delay := self._delay(rule, body):
            await asyncio.sleep(delay)
        if chat:
            answer = self.completion(rule, asked)
        elif rule.do == "status":
            answer = _fault(rule)
        else:
            answer = self._other(method, path, headers, body, asked)._replace(do=rule.do)
        self.counts[f"status {answer.status}"] += 1
        return answer

    def _delay(self, rule: Rule, body: bytes) -> float:
        latency = self.script.latency if rule.latency is None else rule.latency
        if isinstance(latency, tuple):
            return random.Random(f"{self.script.seed} {hashlib.sha256(body).hexdigest()}").uniform(*latency)
        return latency

    def _other(self, method: str, path: str, headers: Mapping[str, str], body: bytes, asked: Any) -> Answer:
        """Models, files and batches."""
        address, _, query = path.partition("?")
        _, _, kind, *rest = f"{address}//".rstrip("/").split("/")
        match method, kind, rest:
            case "GET", "models", []:
                found: Any = {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
            case "POST", "files", []:
                name = f"file-{next(self._numbers)}"
                self.files[name] = _upload(headers.get("content-type", ""), body)
                found = {"id": name, "object": "file", "bytes": len(self.files[name]), "purpose": "batch"}
            case "GET", "files", [name, "content"] if name in self.files:
                return Answer(200, self.files[name])
            case "DELETE", "files", [name] if name in self.files:
                del self.files[name]
                found = {"id": name, "object": "file", "deleted": True}
            case "POST", "batches", [] if asked.get("input_file_id") in self.files:
                found = self._begin(asked)
            case "GET", "batches", []:
                after = re.search(r"after=([\w-]+)", query)
                newest = [self._settled(name) for name in reversed(self._batches)]
                start = next((n for n, batch in enumerate(newest, 1) if after and batch["id"] == after[1]), 0)
                page = newest[start : start + 20]
                found = {"object": "list", "data": page, "has_more": len(newest) > start + 20}
            case "GET", "batches", [name] if name in self._batches:
                found = self._settled(name)
            case _:
                return _error(404, f"nothing at {method} {address}")
        return Answer(200, msgspec.json.encode(found))

    def _begin(self, asked: dict[str, Any]) -> dict[str, Any]:
        name = f"batch_{next(self._numbers)}"
        self.counts["batches"] += 1
        batch = {"id": name, "object": "batch", "status": "in_progress", "created_at": int(time.time())}
        self._batches[name] = {**asked, **batch, "due": time.monotonic() + self.script.batch}
        return self._settled(name)

    def _settled(self, name: str) -> dict[str, Any]:
        """A batch as it is now; its requests are answered when it is first looked at after it is due."""
        batch = self._batches[name]
        if batch["status"] == "in_progress" and time.monotonic() >= batch["due"]:
            good, bad = self._lines(self.files[batch["input_file_id"]])
            for field, lines in (("output_file_id", good), ("error_file_id", bad)):
                file = f"file-{next(self._numbers)}"
                self.files[file] = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
                batch[field] = file if lines else None
            batch["status"] = "completed"
        return {key: value for key, value in batch.items() if key != "due"}

    def _lines(self, file: bytes) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for line in file.splitlines():
            one = msgspec.json.decode(line)
            rule = self.rule(_COMPLETIONS, msgspec.json.encode(one["body"]), _text(one["body"]))
            self.counts["requests"] += 1
            self.counts[f"do {rule.do}"] += 1
            answer = self.completion(rule, one["body"])
            said = {"status_code": answer.status, "body": msgspec.Raw(answer.body if rule.do != "garbage" else b'"?"')}
            name = one["custom_id"][::-1] if rule.do == "wrong-id" else one["custom_id"]
            made = {"id": f"line-{next(self._numbers)}", "custom_id": name, "response": said, "error": None}
            if rule.do not in ("missing", "reset", "hang", "half"):
                (good if answer.status == 200 else bad).extend([made] * (2 if rule.do == "twice" else 1))
        good.reverse()  # the order of a batch's output is not that of its input
        return good, bad

    # the wire

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> asyncio.Server:
        """Listen; port 0 takes a free one."""
        return await asyncio.start_server(self._attend, host, port, limit=1 << 16)

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
        if headers.get("transfer-encoding") == "chunked":
            body = await _chunks(reader)
        else:
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = await self.reply(method, path, headers, body)
        if answer.do == "hang":
            return not await reader.read(1)  # the caller goes away first
        if answer.do == "reset":
            return False
        told = {"content-type": "application/json", "content-length": str(len(answer.body)), **answer.headers}
        if answer.do == "big":
            told["content-length"] = str(BIG)
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        whole = (
            f"HTTP/1.1 {answer.status} Scripted\r\ndate: {formatdate(usegmt=True)}\r\n{head}\r\n".encode() + answer.body
        )
        if answer.do == "half":
            whole = whole[: len(whole) - len(answer.body) // 2 - 1]
        writer.write(whole * 2 if answer.do == "twice" else whole)
        await writer.drain()
        for start in range(len(answer.body), BIG if answer.do == "big" else 0, 1 << 16):
            writer.write(b" " * min(1 << 16, BIG - start))
            await writer.drain()
        return answer.do != "half"


@contextmanager
def serving(script: Script, host: str = "127.0.0.1", port: int = 0) -> Iterator[tuple[str, Server]]:
    """A server in a thread of its own, for as long as the block runs: its address, for a client, and itself."""
    loop, server = asyncio.new_event_loop(), Server(script)
    listening = loop.run_until_complete(server.serve(host, port))
    thread = threading.Thread(target=loop.run_forever, name="chatserver", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{listening.sockets[0].getsockname()[1]}/v1", server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


_ECHO = Rule(do="echo")
_TEXTS = {"empty": "", "null": None, "refuse": None, "wrong": '{"unasked": true}'}


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
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return least(root["$defs"][schema["$ref"].rsplit("/", 1)[1]], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", [])), None))
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return least(schema[word][0], root)
    kind: Any = schema.get("type", "null")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            parts: dict[str, Any] = schema.get("properties") or {}
            return {name: least(parts[name], root) for name in schema.get("required", parts) if name in parts}
        case "array":
            first = [least(part, root) for part in schema.get("prefixItems", ())]
            return first + [least(schema.get("items"), root) for _ in range(schema.get("minItems", 0) - len(first))]
        case "string":
            return "x" * schema.get("minLength", 0)
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "boolean":
            return False
    return None


def _upload(kind: str, body: bytes) -> bytes:
    """The file of a multipart body."""
    mark = re.search(r'boundary="?([^";]+)', kind)
    parts: list[bytes] = [] if mark is None else body.split(b"--" + mark[1].encode())
    heads = [part.partition(b"\r\n\r\n") for part in parts]
    return next((data.removesuffix(b"\r\n") for head, _, data in heads if b'name="file"' in head), b"")


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)
