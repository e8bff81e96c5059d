"""`model:NAME`: a model that `relata.load` loads, in this process. `model:tiny`, `model:runs/mine`.

It is told the system text, the worked examples and the request as one text, and answers in its own dialect.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from relata.errors import RelataError, Unsafe
from relata.images import decode
from relata.teachers import NoReply, Reply, Request

if TYPE_CHECKING:
    from relata.models.model import Model


class LoadedModel:
    """Answers with a model of this process, one request after another. It costs time, so replies go to the ledger."""

    paid = True
    longest = 24
    concurrency = 2  # the next request is read while one is answered

    def __init__(self, argument: str, folder: Path) -> None:
        self.name = f"model:{argument}:{_digest(folder)}"
        self._argument = argument
        self._thread = ThreadPoolExecutor(1, "model")

    @cached_property
    def model(self) -> Model:
        from relata.models import load

        return load(self._argument)

    async def answer(self, request: Request) -> Reply:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answer, request)

    def _answer(self, request: Request) -> Reply:
        start = time.monotonic()
        try:
            images = [decode(data, name) for data, name in zip(request.pictures(), request.images)]
        except Unsafe as error:
            raise NoReply(str(error)) from error
        if not images:
            raise NoReply("the model answers about images, and this request has none")
        prompt = request.prompt
        told = [prompt.system, *(text for turn in prompt.turns for text in turn), prompt.user]
        text = self.model.answer(images, "\n\n".join(part for part in told if part))
        return Reply(text, seconds=time.monotonic() - start)

    def price(self, tokens_in: int, tokens_out: int) -> float:
        return 0.0


def _digest(folder: Path) -> str:
    """Of all that decides the model's answers: every file of its folder."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            digest.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def teacher(argument: str) -> LoadedModel:
    """The teacher that asks a model of this machine.

    Raises:
        RelataError: if none is named, or there is no such model.
    """
    from relata.models import shipped

    if not argument:
        raise RelataError("teacher 'model' needs a model; write model:tiny, or model:FOLDER")
    return LoadedModel(argument, Path(argument) if (Path(argument) / "config.json").is_file() else shipped(argument))
