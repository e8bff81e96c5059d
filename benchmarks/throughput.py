"""What a run with a paid teacher costs on our side, from scenes to a finished folder: python benchmarks/throughput.py

    calls     calls a second with 64 open at once and 500 ms until a reply, as a share of the ideal 128, and processor
              time per call: of the whole process (scenes, prompts, pictures, keys, ledger, replies, records and the
              `openai` client), and of all but the client, when it is handed replies without a network; beside it the
              bare client with the same pictures, which is what the machine and the scripted server allow
    resume    seconds from the start of a process to its first new call, after a run of 10,000 replies was killed
    workers   offline recipes in two processes against one

The teacher is the scripted server, in another process. Pictures are JPEG files of about 60 kB, one per scene.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from relata.recipes import build
from relata.scene import encode
from relata.teachers._client import Client
from rules import scene
from teacher import LATENCY, OPEN, server

RULE = "{do: reply, reply: 'The [first](1) is <beside>(1->2) the [second](2).'}"
RESUME = """
import sys
from relata.recipes import build
scenes, teacher, out, shard = sys.argv[1:]
build("rec", scenes, teacher, out=out, kinds=["detailed"], shard=int(shard))
"""


def world(folder: Path, count: int, size: tuple[int, int] = (640, 480)) -> Path:
    """A file of scenes beside their pictures, each another one."""
    rng, (width, height) = random.Random(0), size
    (folder / "images").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    picture = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    some = [scene(number, rng).replace(image=f"images/{number}.jpg") for number in range(count)]
    (folder / "scenes.jsonl").write_bytes(b"".join(encode(one) + b"\n" for one in some))
    for number, one in enumerate(some):
        picture.putpixel((number % width, number // width % height), (number % 256, 0, 255))
        picture.save(folder / one.image, quality=80, comment=str(number))
    return folder / "scenes.jsonl"


def settings(folder: Path, url: str) -> str:
    """The name of a teacher at an address."""
    path = folder / "teacher.json"
    path.write_text(json.dumps({"model": "m", "url": url, "concurrency": OPEN, "price_out": 1.0}))
    return f"endpoint:{path}"


async def bare(url: str, folder: Path, count: int) -> float:
    """Calls a second of the `openai` client alone, with the pictures of a world and nothing read, filed or written."""
    import httpx2
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key="none", max_retries=0)
    places = asyncio.Semaphore(OPEN)

    async def one(number: int) -> None:
        async with places:
            data = base64.b64encode((folder / f"images/{number}.jpg").read_bytes()).decode()
            parts = [{"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}]
            sent = {"model": "m", "messages": [{"role": "user", "content": parts}]}
            await client.post("/chat/completions", cast_to=httpx2.Response, body=sent)

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(count)))
    return count / (time.perf_counter() - began)


async def at_once(client: Client, method: str, path: str, read: Any, make: Any) -> Any:
    """In the place of `Client.call`: the request is made and the reply read, and nothing is sent."""
    await make()
    message = {"content": "The [first](1) is <beside>(1->2) the [second](2)."}
    usage = {"prompt_tokens": 1000, "completion_tokens": 20}
    return read(json.dumps({"choices": [{"message": message}], "usage": usage}).encode())


def calls(folder: Path, count: int, size: tuple[int, int] = (640, 480)) -> None:
    scenes = world(folder / "world", count, size)
    few = world(folder / "few", OPEN, size)
    picture = (folder / "world" / "images" / "0.jpg").stat().st_size
    print(f"{count} calls, {OPEN} open at once, pictures of {picture / 1e3:.0f} kB")
    for latency in (LATENCY, 0.0, None):
        alone = 0.0
        with ExitStack() as held:
            if latency is None:
                held.enter_context(mock.patch.object(Client, "call", at_once))
                url = "http://127.0.0.1:9/v1"
            else:
                url = held.enter_context(server(f"latency: {latency}\nrules: [{RULE}]"))
            teacher = settings(folder, url)
            build("rec", few, teacher, out=folder / f"warm-{latency}", kinds=["detailed"])  # imports and the like
            wall, processor = time.perf_counter(), time.process_time()
            report = build("rec", scenes, teacher, out=folder / f"out-{latency}", kinds=["detailed"])
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if latency is not None:
                alone = asyncio.run(bare(url, folder / "world", count))
        assert report.kept == count, report
        share = f", {count / wall * LATENCY / OPEN:.1%} of the ideal" if latency else ""
        what = "no network" if latency is None else f"{latency * 1e3:.0f} ms"
        beside = f", the bare client {alone:.1f}" if alone else ""
        told = f"{count / wall:6.1f} calls/s{share}{beside}"
        print(f"{what:>10}: {told}; {1e3 * processor / count:.2f} ms of processor per call")


def resume(folder: Path, count: int) -> None:
    scenes = world(folder / "world", count, (64, 48))
    for shard in (128, count):
        with server(f"latency: 0.01\nrules: [{RULE}]") as url:
            told = [str(scenes), settings(folder, url), str(folder / f"{shard}"), f"{shard}"]
            command = [sys.executable, "-c", RESUME, *told]
            with subprocess.Popen(command) as killed:
                while stats(url).get("requests", 0) < 0.97 * count:
                    time.sleep(0.01)  # how far it has come can only be asked
                killed.kill()
            before = stats(url)["requests"]
            began = time.perf_counter()
            with subprocess.Popen(command) as again:
                while stats(url)["requests"] == before:
                    time.sleep(0.005)
                first = time.perf_counter() - began
                assert again.wait() == 0
            end, asked = time.perf_counter() - began, stats(url)
        print(
            f"{shard:5d} scenes per shard: killed after {before} calls of {count}; first new call after {first:.2f} s, "
            f"end after {end:.2f} s; {asked['requests'] - asked['distinct']} calls were made twice"
        )


def stats(url: str) -> dict[str, int]:
    """What the server was asked so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as reply:
        found: dict[str, int] = json.load(reply)
    return found


def workers(folder: Path, count: int, runs: int = 3) -> None:
    # a quick recipe has more to do, for a second process takes its time to start: half a second here
    for recipe, many_scenes in (("rec", 3 * count), ("completion", 8 * count), ("graph_tasks", count)):
        rng = random.Random(0)
        path = folder / f"{recipe}.jsonl"
        path.write_bytes(b"".join(encode(scene(number, rng)) + b"\n" for number in range(many_scenes)))
        walls: dict[int, list[float]] = {1: [], 2: []}
        for attempt in range(runs):
            for many in walls:
                began = time.perf_counter()
                report = build(recipe, path, out=folder / f"{recipe}-{many}-{attempt}", workers=many)
                walls[many].append(time.perf_counter() - began)
        one, two = (statistics.median(walls[many]) for many in (1, 2))
        told = f"{recipe}: {report.kept} records of {many_scenes} scenes"
        print(f"{told}; {one:.2f} s, {two:.2f} s with two: {one / two:.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("calls", "resume", "workers"), nargs="*")
    parser.add_argument("--count", type=int, default=0, help="scenes; 0: as in the table of docs/scaling.md")
    told = parser.parse_args()
    print(f"Python {platform.python_version()}")
    for what, count in (("calls", 2560), ("resume", 10_000), ("workers", 4000)):
        if what in told.what or not told.what:
            with tempfile.TemporaryDirectory() as folder:
                globals()[what](Path(folder), told.count or count)


if __name__ == "__main__":
    main()
