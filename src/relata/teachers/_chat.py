"""Requests and replies as the OpenAI chat API writes them. Nothing is sent here."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, NamedTuple

import msgspec

from relata.teachers import NoReply, Prompt, Reply, Request
from relata.teachers._settings import Settings

_KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"))
#: Words of a schema that strict endpoints do not know; whoever reads the reply checks it whole.
_UNKNOWN = ("title", "default", "discriminator", "minLength", "maxLength")
_FENCE = re.compile(r"\s*```\w*\n(.*?)\n?```\s*", re.DOTALL)


# what is sent


def body(settings: Settings, request: Request, pictures: tuple[bytes, ...]) -> bytes:
    """The JSON of a request.

    Raises:
        NoReply: if a picture is of a kind that endpoints do not take.
    """
    prompt = request.prompt
    form, system = _form(settings, prompt)
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    for asked, answered in prompt.turns:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
    parts: list[dict[str, Any]] = [_image(settings, data, name) for data, name in zip(pictures, request.images)]
    text = {"type": "text", "text": prompt.user}
    messages.append({"role": "user", "content": [*parts, text] if parts else prompt.user})
    made = {"model": settings.model, "messages": messages, settings.max_tokens_field: settings.max_tokens}
    if settings.temperature is not None:
        made["temperature"] = settings.temperature
    if settings.seed is not None:
        made["seed"] = settings.seed
    return msgspec.json.encode({**made, **form, **settings.body})


def _form(settings: Settings, prompt: Prompt) -> tuple[dict[str, Any], str]:
    """Fields that ask for a form of the reply, and the system text, which may do so too."""
    if prompt.schema is None or settings.schema == "off":
        return {}, prompt.system
    schema, strict = wanted(prompt.schema)
    if settings.schema == "native" and schema.get("type") == "object":
        named = {"name": "reply", "schema": schema, "strict": strict}
        return {"response_format": {"type": "json_schema", "json_schema": named}}, prompt.system
    told = "Reply with JSON alone, without a fence around it, that fits this JSON schema:\n"
    return {}, f"{prompt.system}\n\n{told}{msgspec.json.encode(schema).decode()}".lstrip()


@lru_cache
def wanted(type: Any) -> tuple[dict[str, Any], bool]:
    """The JSON schema of a type, without references, and whether an endpoint can hold a model to it strictly.

    Strict schemas name every field as required, allow no others, and know no free mappings and no tuples. A type that
    holds itself stays a reference.
    """
    (schema,), parts = msgspec.json.schema_components([type])
    inlined = _inline(schema, parts, ())
    text = msgspec.json.encode(inlined)
    rest = {name: _inline(part, parts, (name,)) for name, part in parts.items() if f'"#/$defs/{name}"'.encode() in text}
    whole = {**inlined, "$defs": rest} if rest else inlined
    return whole, _strict(whole)


def _inline(part: Any, parts: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(part, list):
        return [_inline(p, parts, inside) for p in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        name = part["$ref"].rsplit("/", 1)[1]
        return {"$ref": f"#/$defs/{name}"} if name in inside else _inline(parts[name], parts, (*inside, name))
    kept = {k: v for k, v in part.items() if k not in _UNKNOWN}
    if "enum" in kept:
        kept["type"] = "string" if isinstance(kept["enum"][0], str) else "integer"
    made: dict[str, Any] = {k: _inline(v, parts, inside) for k, v in kept.items() if k != "properties"}
    if "properties" in kept:
        made["properties"] = {k: _inline(v, parts, inside) for k, v in kept["properties"].items()}
        made["required"] = [*kept["properties"]]
        made["additionalProperties"] = False
    return made


def _strict(part: Any) -> bool:
    if isinstance(part, list):
        return all(map(_strict, part))
    if not isinstance(part, dict):
        return True
    loose = part.get("type") == "object" and "properties" not in part
    return not loose and "prefixItems" not in part and part != {} and all(map(_strict, part.values()))


def _image(settings: Settings, data: bytes, name: str) -> dict[str, Any]:
    kind = next((kind for start, kind in _KINDS if data.startswith(start)), None)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kind = "webp"
    if kind is None:
        raise NoReply(f"picture {name} is neither PNG, JPEG, WebP nor GIF; turn it into one of these")
    url = {"url": f"data:image/{kind};base64,{base64.b64encode(data).decode()}"}
    return {"type": "image_url", "image_url": {**url, "detail": settings.detail} if settings.detail else url}


# what comes back


class Fault(Exception):
    """A call that went wrong in a way that may not happen again."""

    def __init__(self, cause: str, after: float | None = None) -> None:
        super().__init__(cause)
        self.after = after
        """Seconds that the other side asks to wait."""


class Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Message(msgspec.Struct):
    content: str | None = ""
    refusal: str | None = ""


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class Completion(msgspec.Struct):
    """What we read of a chat completion."""

    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    id: str = ""
    created: float = 0
    usage: Usage | None = None


_completion = msgspec.json.Decoder(Completion)


def completion(data: bytes, hidden: Callable[[str], str]) -> Completion:
    """A completion from a reply's bytes.

    Args:
        hidden: takes the key out of a text.

    Raises:
        Fault: if they are none.
    """
    try:
        found = _completion.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Fault(f"the reply is no chat completion ({error}): {said(data).message}") from None
    message = found.choices[0].message
    message.content, message.refusal = hidden(message.content or ""), hidden(message.refusal or "")
    return found


def reply(settings: Settings, request: Request, found: Completion, seconds: float) -> Reply:
    """The reply that a completion holds, with what it cost.

    Raises:
        NoReply: if it is empty, refused, or cut off.
    """
    choice = found.choices[0]
    text, refusal = choice.message.content or "", choice.message.refusal or ""
    used = found.usage or Usage(_size(settings, request), len(text.encode()) // 3)
    cost = settings.price(used.prompt_tokens, used.completion_tokens)
    if request.prompt.schema is not None and (fenced := _FENCE.fullmatch(text)):
        text = fenced[1]
    made = Reply(text, used.prompt_tokens, used.completion_tokens, cost, seconds)
    if refusal:
        raise NoReply(f"the model refused: {refusal[:200]}", made)
    if choice.finish_reason == "content_filter":
        raise NoReply("the endpoint's content filter withheld the reply", made)
    if choice.finish_reason == "length":
        raise NoReply(f"the reply was cut off at {used.completion_tokens} tokens; raise max_tokens", made)
    if not text.strip():
        raise NoReply(f"the reply is empty (finish_reason {choice.finish_reason})", made)
    return made


def _size(settings: Settings, request: Request) -> int:
    """Tokens of a request, on the safe side: English has about four bytes in one."""
    prompt = request.prompt
    texts = [prompt.system, prompt.user, *(text for turn in prompt.turns for text in turn)]
    return sum(len(text.encode()) for text in texts) // 3 + settings.image_tokens * len(request.images)


class Said(NamedTuple):
    """What an error's body tells."""

    message: str
    code: str


def said(data: bytes) -> Said:
    """The message and code of an error's body, as far as it has them."""
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said(data[:200].decode("utf-8", "replace"), "")
    error = raw.get("error", raw) if isinstance(raw, dict) else raw
    if not isinstance(error, dict):
        return Said(str(error)[:200], "")
    return Said(str(error.get("message", error))[:300], str(error.get("code") or error.get("type") or ""))
