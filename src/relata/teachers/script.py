"""`script:FILE`: replies from a JSON Lines file, for replaying a run and for tests.

Each line is `{"id": "<request id>", "reply": "<text>"}`. A request without a line has no reply and counts as failed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from relata.errors import RelataError
from relata.scene import Record
from relata.store import records
from relata.teachers import NoReply, Reply, Request


class Line(Record, frozen=True):
    """One reply of a script."""

    id: str
    reply: str


class Script:
    """Answers each request with the reply written down for its id."""

    paid = False
    longest = 0
    concurrency = 1

    def __init__(self, replies: Mapping[str, str], name: str) -> None:
        self.name = name
        self._replies = replies

    async def answer(self, request: Request) -> Reply:
        try:
            return Reply(self._replies[request.id])
        except KeyError as error:
            raise NoReply("the script has no reply for this request") from error

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return 0.0


def teacher(argument: str) -> Script:
    """The teacher that replays a file; its name holds a digest of the file, for the replies are part of the result.

    Raises:
        RelataError: if no file is named, a line is damaged, or two lines answer one request.
    """
    if not argument:
        raise RelataError("teacher 'script' needs a file of replies; write script:replies.jsonl")
    replies: dict[str, str] = {}
    for line in records(argument, Line):
        if line.id in replies:
            raise RelataError(f"{argument}: request {line.id!r} has two replies; keep one")
        replies[line.id] = line.reply
    digest = hashlib.sha256(Path(argument).read_bytes()).hexdigest()
    return Script(replies, f"script:{digest[:12]}")
