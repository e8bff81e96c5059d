"""A teacher's JSON as a typed value, or why it is none."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from relata.filters import Rejection

T = TypeVar("T")


def value(reply: str, type: type[T]) -> T | Rejection:
    """The value in a reply, from its first brace to its last one: some teachers fence JSON in or speak before it."""
    start, end = reply.find("{"), reply.rfind("}")
    if start < 0 or end < start:
        return Rejection("no-json", "expected a JSON object")
    try:
        return msgspec.json.decode(reply[start : end + 1].encode("utf-8", "replace"), type=type)
    except msgspec.ValidationError as error:
        return Rejection("wrong-form", str(error))
    except (msgspec.DecodeError, RecursionError) as error:
        return Rejection("no-json", str(error))
