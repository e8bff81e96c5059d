"""`build` is killed at random moments and at every write, and goes on to the same bytes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forks import forked, lived
from made_scenes import scenes, tree
from relata import store
from relata.recipes import build
from relata.scene import encode


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process loses nothing that it has handed to the system, so these tests need not wait for the disk."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "scenes.jsonl"
    path.write_bytes(b"".join(encode(one) + b"\n" for one in scenes(16)))
    return path


@pytest.mark.usefixtures("quick_disk")
@pytest.mark.parametrize("kills", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random_moments_and_resumed(tmp_path: Path, source: Path, kills: int) -> None:
    began = time.monotonic()
    build("rec", source, out=tmp_path / "whole", shard=4)
    lasts = time.monotonic() - began
    expected = tree(tmp_path / "whole")
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    unfinished = 0
    for attempt in range(kills):
        out = tmp_path / str(attempt)
        child = forked(lambda out=out: build("rec", source, out=out, shard=4))  # type: ignore[misc]
        time.sleep(rng.uniform(0, lasts))  # the moment of the kill, not a wait for something
        os.kill(child, signal.SIGKILL)
        lived(child)
        unfinished += not (out / store.MANIFEST).exists()
        build("rec", source, out=out, shard=4)
        assert tree(out) == expected, f"seed {seed}, attempt {attempt}"
    assert unfinished > 0, f"seed {seed}: no kill came before the end"


@pytest.mark.usefixtures("quick_disk")
def test_killed_at_every_write_and_resumed(tmp_path: Path, source: Path) -> None:
    build("rec", source, out=tmp_path / "whole", shard=8)
    expected = tree(tmp_path / "whole")
    call, alive_at_end = 0, False
    while not alive_at_end:
        out = tmp_path / str(call)
        alive_at_end = lived(forked(lambda out=out, call=call: build_until(call, source, out)))  # type: ignore[misc]
        build("rec", source, out=out, shard=8)
        assert tree(out) == expected, f"killed at write {call}"
        call += 1
    # the plan; two units of three files; rejections and their checksums; two reports; the manifest: twelve files, each
    # flushed, renamed, and flushed with its folder; the last attempt lived
    assert call == 3 * 12 + 1


def build_until(call: int, source: Path, out: Path) -> None:
    """Build, and be killed just before the `call`-th flush or renaming."""
    calls = iter(range(10**6))
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def counted(*args: Any, real: Callable[..., Any] = real) -> Any:
            if next(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args)

        setattr(os, name, counted)
    build("rec", source, out=out, shard=8)


RUN = """
import sys
from relata.recipes import build
print("ready", flush=True)
build("rec", sys.argv[1], out=sys.argv[2], shard=4, workers=2)
"""


def test_two_processes_killed_and_resumed(tmp_path: Path, source: Path) -> None:
    command = [sys.executable, "-c", RUN, str(source), str(tmp_path / "run")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc to see child processes")
    while not (tmp_path / "run" / "parts").exists() and process.poll() is None:
        time.sleep(0.005)
    workers = [int(pid) for pid in children.read_text().split()]
    process.send_signal(signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 20
    while any(alive(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.005)
    assert not any(alive(pid) for pid in workers)  # they end with their parent
    build("rec", source, out=tmp_path / "run", shard=4)
    build("rec", source, out=tmp_path / "whole", shard=4)
    assert tree(tmp_path / "run") == tree(tmp_path / "whole")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
