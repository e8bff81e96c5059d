"""How a model behind an endpoint is asked: a file of settings, YAML or JSON, into a checked record."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
import yaml

from relata.errors import RelataError, near
from relata.scene import Record

T = TypeVar("T")
Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Dollars = Annotated[float, msgspec.Meta(ge=0)]

_OPENAI = "https://api.openai.com/v1"


class Settings(Record, frozen=True, kw_only=True):
    """How a model behind an OpenAI-compatible endpoint is asked."""

    model: str
    url: str = ""
    """Up to `/v1`. Empty: OPENAI_BASE_URL, or OpenAI itself."""
    key_env: str = ""
    """Name of the environment variable that holds the key. Empty: OPENAI_API_KEY where `url` is empty, else no key."""
    temperature: float | None = None
    """None: the model's own."""
    max_tokens: Count = 2048
    """Longest reply."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls it; OpenAI's reasoning models know the second only."""
    seed: int | None = None
    schema: Literal["native", "text", "off"] = "native"
    """How the form of a reply is asked for: by `response_format`, in the system text, or not at all."""
    detail: Literal["low", "high", "auto"] | None = None
    """Of images; None: the model's own."""
    body: dict[str, Any] = {}
    """More fields of the request, as the endpoint knows them."""
    price_in: Dollars = 0.0
    """US dollars per million tokens."""
    price_out: Dollars = 0.0
    image_tokens: Count = 1600
    """Of one image, where the endpoint does not tell what was used."""
    concurrency: Count = 64
    """Calls open at once, at the most."""
    timeout: Seconds = 120.0
    """Seconds of one call."""
    attempts: Count = 4
    """Calls for one reply, with those that ended in errors. Being throttled is none."""
    patience: Seconds = 1800.0
    """Seconds that one request may wait because of throttling, in all."""
    backoff: Seconds = 0.5
    """Seconds after a first error; doubled with each."""
    most_bytes: Count = 4_000_000
    """Largest reply."""

    @property
    def base(self) -> str:
        return (self.url or os.environ.get("OPENAI_BASE_URL") or _OPENAI).rstrip("/")

    def name(self, kind: str) -> str:
        """A teacher's name: the model, and a digest of all settings that may change an answer."""
        asked = {name: getattr(self, name) for name in _MATTERS}
        digest = hashlib.sha256(msgspec.json.encode([self.base, asked], order="deterministic")).hexdigest()
        return f"{kind}:{self.model}:{digest[:8]}"

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6

    def key(self) -> str:
        """The key, or an empty text where none is needed. It is never part of a message.

        Raises:
            RelataError: if it is needed and absent, or cannot be one.
        """
        name = self.key_env or ("" if self.url else "OPENAI_API_KEY")
        key = os.environ.get(name, "").strip() if name else ""
        if not key and name and (self.key_env or self.base == _OPENAI):
            raise RelataError(f"the environment has no {name}; it holds the key of {self.model}")
        if not re.fullmatch(r"[!-~]*", key):
            raise RelataError(f"{name} is set to what is no key: it has blanks or letters that keys do not have")
        return key


_MATTERS = ("model", "temperature", "max_tokens", "seed", "schema", "detail", "body")

S = TypeVar("S", bound=Settings)


def settings(argument: str, kind: type[S], teacher: str) -> S:
    """The settings of a teacher: a file of them, or just the name of a model.

    Raises:
        RelataError: if there is no argument, the file cannot be read, or a setting makes no sense.
    """
    if not argument:
        raise RelataError(f"teacher {teacher!r} needs a model or a file of settings; write {teacher}:settings.yaml")
    found = read(argument, kind) if Path(argument).suffix in (".yaml", ".yml", ".json") else kind(model=argument)
    address = urlsplit(found.base)
    if address.scheme not in ("http", "https") or not address.hostname:
        raise RelataError(f"{argument}: url begins with http:// or https:// and names a host")
    if address.username or address.password or address.query:
        raise RelataError(f"{argument}: url holds a key or a query; name the key's environment variable in key_env")
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*|", found.key_env):
        raise RelataError(f"{argument}: key_env is the name of an environment variable, in capitals; never the key")
    return found


def read(path: str | Path, type: type[T], *inner: type) -> T:
    """A file of settings, YAML or JSON.

    Args:
        inner: the records that lie inside of `type`, whose keys are offered too.

    Raises:
        RelataError: if it cannot be read, has a key that does not exist, or a value of the wrong type.
    """
    try:
        raw: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise RelataError(f"cannot read {path}: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""  # not what stands there: it may be a key
        raise RelataError(f"{path}{where}: is no YAML") from None
    try:
        return msgspec.convert({} if raw is None else raw, type)
    except msgspec.ValidationError as error:
        unknown = re.search(r"unknown field `(.*?)`(.*)", str(error))
        if unknown is None:
            raise RelataError(f"{path}: {error}") from error
        known = [name for record in (type, *inner) for name in getattr(record, "__struct_fields__", ())]
        raise RelataError(f"{path}: unknown key {unknown[1]!r}{unknown[2]}; {near(unknown[1], known)}") from error
