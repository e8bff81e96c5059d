"""The engine `ray`: the same bytes as `local`, also when a node of a cluster is killed in the middle of a paid run."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from made_scenes import scenes
from relata.chatserver import Rule, Script, Server, serving
from relata.errors import RelataError
from relata.recipes import build
from relata.scene import encode

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="needs Ray: pip install 'relata[ray]'")
pytestmark = [
    pytest.mark.slow,  # Ray takes seconds to start, and a cluster half a minute
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]

GOOD = Rule(do="reply", reply="A [man](1) is <holding>(1->2) a [dog](2).")
OPEN = 4
"""Calls that one worker has open at once."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of scenes beside their pictures, each of another colour."""
    folder = tmp_path_factory.mktemp("world")
    some = scenes(120)
    (folder / "scenes.jsonl").write_bytes(b"".join(encode(scene) + b"\n" for scene in some))
    (folder / "photos").mkdir()
    for number, scene in enumerate(some):
        Image.new("RGB", (scene.width, scene.height), (number, 0, 0)).save(folder / scene.image)
    return folder


def made(world: Path, url: str, out: Path, **options: Any) -> dict[str, bytes]:
    """What a run with a paid teacher leaves, but the ledger, which holds times."""
    settings = world / "teacher.json"
    said = {"model": "m", "url": url, "concurrency": OPEN, "max_tokens": 64, "price_out": 100.0, "backoff": 0.01}
    settings.write_bytes(encode(said))
    build("rec", world / "scenes.jsonl", f"endpoint:{settings}", out=out, shard=4, kinds=["detailed"], **options)
    files = (path for path in out.rglob("*") if path.is_file() and "ledger" not in path.name)
    return {str(path.relative_to(out)): path.read_bytes() for path in files if path.name != ".lock"}


@pytest.fixture(scope="module")
def at(world: Path) -> Iterator[tuple[str, Server]]:
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    with serving(Script(rules=(GOOD,), seed=3, latency=(0.1, 0.3))) as (url, server):
        yield url, server


@pytest.fixture(scope="module")
def expected(world: Path, at: tuple[str, Server], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return made(world, at[0], tmp_path_factory.mktemp("local") / "out")


@pytest.fixture
def disconnected() -> Iterator[None]:
    yield
    ray.shutdown()


@pytest.mark.usefixtures("disconnected")
def test_one_machine_gives_the_bytes_of_local(
    world: Path, at: tuple[str, Server], expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    url, server = at
    whole, before = server.distinct, server.counts["requests"]
    assert made(world, url, tmp_path / "paid", engine="ray", workers=2) == expected
    assert server.counts["requests"] - before == whole == server.distinct
    # what is finished is not done again, and needs no ledger
    assert made(world, url, tmp_path / "paid", engine="ray", workers=2) == expected
    assert server.counts["requests"] - before == whole
    # a fault of the user's is told as it is without Ray
    with pytest.raises(RelataError, match=r"raise the budget and run again"):
        made(world, url, tmp_path / "poor", engine="ray", workers=2, budget=0.02)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three nodes on one machine, each with an address and a processor of its own."""
    from ray.cluster_utils import Cluster

    settings = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 << 20}
    made = Cluster(initialize_head=True, head_node_args={**settings, "node_ip_address": "127.0.0.2"})
    try:
        for address in ("127.0.0.3", "127.0.0.4"):
            made.add_node(node_ip_address=address, **settings)
        made.wait_for_nodes()
        monkeypatch.setenv("RAY_ADDRESS", made.address)
        yield made
    finally:
        ray.shutdown()
        made.shutdown()


def processes(node: Any) -> list[int]:
    """The processes of a node that do the work: they would outlive their raylet for a moment, as on no lost machine."""
    (raylet,) = node.all_processes["raylet"]
    children = Path(f"/proc/{raylet.process.pid}/task").glob("*/children")
    found = [int(pid) for listed in children for pid in listed.read_text().split()]
    assert found, "the node has no workers"
    return found


def test_a_node_killed_in_the_middle_loses_nothing(
    world: Path, at: tuple[str, Server], expected: dict[str, bytes], tmp_path: Path, cluster: Any
) -> None:
    url, server = at
    whole, before = server.distinct, server.counts["requests"]
    lost = sorted(cluster.worker_nodes, key=lambda node: node.node_ip_address)[-1]
    killed, over = threading.Event(), threading.Event()

    def kill() -> None:
        while server.counts["most_at_once"] <= 2 * OPEN and not over.wait(0.01):
            pass  # until all three nodes have calls open: no other run of this module has as many workers
        for pid in processes(lost):
            os.kill(pid, signal.SIGKILL)
        cluster.remove_node(lost, allow_graceful=False)
        killed.set()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = made(world, url, tmp_path / "out", engine="ray", workers=3)
        assert killed.is_set(), "the run ended before the node was killed"
    finally:
        over.set()
        killer.join()
    assert found == expected
    assert server.distinct == whole
    # the node had one worker; only its open calls were lost
    repeated = server.counts["requests"] - before - whole
    print(f"{repeated} calls were made twice")
    assert 0 <= repeated <= OPEN
