"""What a call to an endpoint costs on our side: `python benchmarks/teacher.py [CALLS]`.

Against the scripted server in another process: calls a second with 64 open at once and 500 ms until a reply, as a share
of the ideal 128; and processor time per call without latency, for our teacher and for the bare `openai` client.
"""

from __future__ import annotations

import asyncio
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from openai import AsyncOpenAI

from relata.teachers import Prompt, Request
from relata.teachers._settings import Settings
from relata.teachers.endpoint import Endpoint

OPEN = 64
LATENCY = 0.5
SERVE = "import sys, typer; from relata.cli.serve_script import serve_script; typer.run(serve_script)"


@contextmanager
def server(script: str) -> Iterator[str]:
    """The address of a server in another process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "script.yaml"
        path.write_text(script)
        command = [sys.executable, "-c", SERVE, str(path), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                yield process.stdout.readline().strip()
            finally:
                process.terminate()


def request(n: int) -> Request:
    prompt = Prompt("You write captions. " * 40, (("a request", "a reply"),), f"number {n}: " + "words " * 200, "v")
    return Request(f"{n}", prompt, (), str)


def run(calls: int, call: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """Seconds of the wall, and of the processor, for so many calls with `OPEN` at once."""

    async def all() -> tuple[float, float]:
        await asyncio.gather(*(call(-n) for n in range(1, OPEN)))  # imports and the like
        numbers = iter(range(calls))

        async def worker() -> None:
            for n in numbers:
                await call(n)

        wall, processor = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker() for _ in range(OPEN)))
        return time.perf_counter() - wall, time.process_time() - processor

    return asyncio.run(all())


def main(calls: int) -> None:
    print(f"{platform.python_version()}; {calls} calls, {OPEN} open at once")
    with server(f"latency: {LATENCY}") as url:
        teacher = Endpoint(Settings(model="m", url=url, concurrency=OPEN))
        wall, processor = run(calls, lambda n: teacher.answer(request(n)))
        share, each = calls / wall * LATENCY / OPEN, 1e3 * processor / calls
        print(
            f"500 ms until a reply: {calls / wall:6.1f} calls/s, {share:.1%} of the ideal, {each:.2f} ms of processor"
        )
    with server("latency: 0") as url:
        teacher = Endpoint(Settings(model="m", url=url, concurrency=OPEN))
        wall, processor = run(calls, lambda n: teacher.answer(request(n)))
        print(f"no latency: {calls / wall:16.1f} calls/s, {1e3 * processor / calls:.2f} ms of processor")
        client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)

        async def bare(n: int) -> object:
            prompt = request(n).prompt
            messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}]
            return await client.chat.completions.create(model="m", messages=messages)  # type: ignore[arg-type]

        wall, processor = run(calls, bare)
        print(f"bare client: {calls / wall:15.1f} calls/s, {1e3 * processor / calls:.2f} ms of processor")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2560)
