"""Command `serve-script`: a chat server that answers from a script."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import note
from relata.errors import RelataError


def serve_script(
    script: Annotated[Path | None, typer.Argument(help="YAML; none: every text is echoed.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8000,
) -> None:
    """Serve scripted replies as an OpenAI-compatible endpoint.

    With latency, faults and wrong replies on demand: to try what a run does when its teacher misbehaves, without paying
    one. The address goes to standard output; /stats beside it counts what was asked.

    \b
    Example: relata serve-script drill.yaml --port 8000
    """
    from relata import chatserver

    server = chatserver.Server(chatserver.load(script) if script else chatserver.Script())

    async def serve() -> None:
        try:
            listening = await server.serve(host, port)
        except OSError as error:
            raise RelataError(f"cannot listen at {host}:{port}: {error.strerror}; --port 0 takes a free one") from error
        typer.echo(f"http://{host}:{listening.sockets[0].getsockname()[1]}/v1")
        await listening.serve_forever()

    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        note(f"{server.counts['requests']} requests")
