"""What is paid for is kept: kills, faults, budgets and repeats of runs whose teacher costs money."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from forks import forked, lived
from made_scenes import scenes
from relata import store
from relata.chat import Example
from relata.chatserver import Rule, Script, Server, serving
from relata.errors import RelataError
from relata.filters import Rejection
from relata.ledger import BudgetSpent, Entry, Ledger, key
from relata.recipes import Report, build, estimate
from relata.scene import encode
from relata.teachers import Prompt, Reply

pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")

GOOD = Rule(do="reply", reply="A [man](1) is <holding>(1->2) a [dog](2).")
#: The first reply about a scene with three trees is of no use.
BAD = Rule(
    do="reply", reply="A [man](1) is <holding>(1->99) a [dog](99).", match=r"(?s)\A(?!.*An earlier reply).*\[5\]"
)
DOLLARS = 100.0
"""Per million tokens of a reply."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of scenes beside their pictures, each of another colour."""
    folder = tmp_path_factory.mktemp("world")
    some = scenes(40)
    (folder / "scenes.jsonl").write_bytes(b"".join(encode(scene) + b"\n" for scene in some))
    for number, scene in enumerate(some):
        path = folder / scene.image
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (scene.width, scene.height), (number, 0, 0)).save(path)
    return folder


def settings(folder: Path, url: str, **changes: Any) -> str:
    """The name of a teacher at an address."""
    path = folder / "teacher.json"
    said = {
        "model": "scripted",
        "url": url,
        "backoff": 0.01,
        "timeout": 5.0,
        "max_tokens": 64,
        "concurrency": 8,
        "price_out": DOLLARS,
    }
    path.write_bytes(encode({**said, **changes}))
    return f"endpoint:{path}"


def made(world: Path, teacher: str, out: Path, **options: Any) -> Report:
    return build("rec", world / "scenes.jsonl", teacher, out=out, shard=4, kinds=["detailed"], **options)


def tree(folder: Path) -> dict[str, bytes]:
    """All that a run leaves, but the ledger, which holds times."""
    files = (path for path in folder.rglob("*") if path.is_file() and "ledger" not in path.name)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != ".lock"}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[tuple[str, Server]]:
    with serving(Script(rules=(BAD, GOOD), seed=3, latency=(0.0, 0.02))) as (url, server):
        yield settings(tmp_path, url), server


def test_bad_replies_are_asked_for_again_and_nothing_is_paid_twice(
    world: Path, tmp_path: Path, at: tuple[str, Server]
) -> None:
    teacher, server = at
    report = made(world, teacher, tmp_path / "one")
    assert report.kept == 35
    assert report.reasons == {"no-regions": 5}
    assert server.counts["requests"] == server.distinct == 35 + 12  # twelve have three trees
    with Ledger(tmp_path / "one" / "ledger.sqlite") as ledger:
        spent = ledger.spent()
    assert (spent.calls, spent.kept) == (server.counts["requests"], 35)
    assert spent.tokens_in == server.counts["tokens_in"]
    assert spent.cost == pytest.approx(spent.tokens_out * DOLLARS / 1e6)
    before = server.counts["requests"]
    made(world, teacher, tmp_path / "two", ledger=tmp_path / "one" / "ledger.sqlite", workers=2)
    assert server.counts["requests"] == before
    assert tree(tmp_path / "two") == tree(tmp_path / "one")


def test_a_reply_that_stays_bad_is_turned_away_whole(world: Path, tmp_path: Path) -> None:
    with serving(Script(rules=(BAD.replace(match=""),))) as (url, server):
        report = made(world, settings(tmp_path, url), tmp_path / "out")
    assert (report.kept, report.rejected, report.failed) == (0, 40, 0)
    assert report.reasons == {"no-regions": 5, "unknown-region": 35}
    assert server.counts["requests"] == 3 * 35
    away = [one for one in store.records(tmp_path / "out", Rejection) if one.reason == "unknown-region"]
    assert {one.reply for one in away} == {BAD.reply}


@pytest.mark.parametrize("kills", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_random_moments_all_that_was_paid_for_is_used(
    world: Path, tmp_path: Path, at: tuple[str, Server], kills: int
) -> None:
    teacher, server = at
    began = time.monotonic()
    made(world, teacher, tmp_path / "whole")
    lasts = time.monotonic() - began
    expected, whole = tree(tmp_path / "whole"), server.distinct
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    rng = random.Random(seed)
    unfinished = 0
    for attempt in range(kills):
        out, before = tmp_path / str(attempt), server.counts["requests"]
        child = forked(lambda out=out: made(world, teacher, out))  # type: ignore[misc]
        time.sleep(rng.uniform(0, lasts))  # the moment of the kill, not a wait for something
        os.kill(child, signal.SIGKILL)
        lived(child)
        unfinished += not (out / store.MANIFEST).exists()
        made(world, teacher, out)
        assert tree(out) == expected, f"seed {seed}, attempt {attempt}"
        # a call that was open when the process died may be made again, and no other
        assert server.counts["requests"] - before <= whole + 8, f"seed {seed}, attempt {attempt}"
        assert server.distinct == whole
    assert unfinished > 0, f"seed {seed}: no kill came before the end"


def test_the_budget_holds_over_kills_and_restarts(world: Path, tmp_path: Path, at: tuple[str, Server]) -> None:
    teacher, _ = at
    out, budget = tmp_path / "out", 0.03
    rng = random.Random(1)
    for _ in range(4):
        child = forked(lambda: made(world, teacher, out, budget=budget))
        time.sleep(rng.uniform(0.05, 0.3))  # the moment of the kill
        os.kill(child, signal.SIGKILL)
        lived(child)
    with pytest.raises(BudgetSpent, match=r"raise the budget and run again"):
        made(world, teacher, out, budget=budget)
    with Ledger(out / "ledger.sqlite") as ledger:
        first = ledger.spent()
    assert 0.02 < first.cost <= budget
    with pytest.raises(BudgetSpent):  # nothing more is spent
        made(world, teacher, out, budget=budget)
    made(world, teacher, out, budget=100.0)
    made(world, teacher, tmp_path / "whole")
    assert tree(out) == tree(tmp_path / "whole")


def test_storms_and_faults_end_in_the_same_bytes(world: Path, tmp_path: Path) -> None:
    with serving(Script(rules=(GOOD,))) as (url, _):
        made(world, settings(tmp_path, url), tmp_path / "calm")
    faults = (
        Rule(do="status", status=429, retry_after=0.05, share=0.1),
        *(Rule(do=do, share=0.02) for do in ("reset", "half", "big", "garbage", "null")),
        Rule(do="status", status=503, share=0.02),
    )
    with serving(Script(rules=(*faults, GOOD))) as (url, server):
        report = made(world, settings(tmp_path, url, attempts=8), tmp_path / "storm")
        again = made(world, settings(tmp_path, url, attempts=8), tmp_path / "storm", retry=True)
    assert report.failed <= 3  # an empty reply is none
    assert (again.kept, again.failed) == (35, 0)
    # every fault costs one call; the faults' share is 0.22, and twice that is out of chance's reach
    assert server.counts["requests"] <= 35 * 1.44 + report.failed
    calm, storm = (
        [e.replace(provenance={}) for e in store.records(tmp_path / run, Example)] for run in ("calm", "storm")
    )
    assert calm == storm
    assert len(calm) == 35


def test_the_plan_tells_the_price_before_and_what_is_filed_after(
    world: Path, tmp_path: Path, at: tuple[str, Server]
) -> None:
    teacher, server = at
    ledger = tmp_path / "out" / "ledger.sqlite"

    def plan() -> Any:
        return estimate("rec", world / "scenes.jsonl", teacher, ledger=ledger, kinds=["detailed"])

    before = plan()
    assert server.counts["requests"] == 0
    assert (before.sources, before.sampled, before.filed, before.measured) == (40, 40, 0.0, 0)
    assert before.calls[0] == 35 <= before.calls[1] <= before.calls[2]
    assert "35" in str(before)
    build("rec", scenes(20), teacher, out=tmp_path / "half", images=world, ledger=ledger, kinds=["detailed"])
    half, spent = plan(), server.counts["requests"]
    assert half.filed == pytest.approx(18 / 35)
    assert half.measured == spent
    made(world, teacher, tmp_path / "out")
    assert half.calls[0] * 0.8 <= server.counts["requests"] - spent <= half.calls[2] * 1.2
    with Ledger(ledger) as filed:
        cost = filed.spent().cost - spent * 11 * DOLLARS / 1e6  # a reply has 11 tokens
    assert half.dollars[0] * 0.8 <= cost <= half.dollars[2] * 1.2
    after = plan()
    assert after.filed == 1.0
    assert after.dollars == (0.0, 0.0, 0.0)


def test_a_plan_knows_that_nothing_is_asked_more_than_three_times(world: Path, tmp_path: Path) -> None:
    with serving(Script()) as (url, _):  # an echo, of which no reply is of use
        teacher, ledger = settings(tmp_path, url), tmp_path / "ledger.sqlite"
        build("rec", scenes(20), teacher, out=tmp_path / "half", images=world, ledger=ledger, kinds=["detailed"])
        found = estimate("rec", world / "scenes.jsonl", teacher, ledger=ledger, kinds=["detailed"])
    assert found.calls == pytest.approx((17 * 3,) * 3)  # 18 of the 35 are filed


def test_a_budget_needs_a_price(world: Path, tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="has no price"):
        made(world, settings(tmp_path, "http://127.0.0.1:9/v1", price_out=0.0), tmp_path / "out", budget=1.0)


def test_what_failed_is_asked_again_when_told_to(world: Path, tmp_path: Path) -> None:
    down = Rule(do="status", status=500, times=3 * 4)
    with serving(Script(rules=(down, GOOD))) as (url, server):
        teacher = settings(tmp_path, url, attempts=2, concurrency=1)
        report = made(world, teacher, tmp_path / "out")
        assert report.failed == 6
        assert report.reasons["no-reply"] == 6
        asked = server.counts["requests"]
        assert made(world, teacher, tmp_path / "out").failed == 6  # a finished run is not done again
        assert server.counts["requests"] == asked
        again = made(world, teacher, tmp_path / "out", retry=True)
        assert (again.kept, again.failed) == (35, 0)
        assert server.counts["requests"] == asked + 6
    with sqlite3.connect(tmp_path / "out" / "ledger.sqlite") as base:
        assert base.execute("select count(*) from failures").fetchone() == (6,)


def test_an_image_that_is_no_image_is_quarantined_and_the_run_goes_on(
    world: Path, tmp_path: Path, at: tuple[str, Server]
) -> None:
    teacher, _ = at
    some = scenes(8)[:5]
    some[1] = some[1].replace(image="../secret.png")
    some[2] = some[2].replace(image="photos/absent.jpg")
    report = build("rec", some, teacher, out=tmp_path / "out", images=world, kinds=["detailed"])
    assert report.kept == 3
    assert report.reasons == {"outside-root": 1, "missing": 1}


def test_addresses_are_fetched_from_allowed_public_hosts_only(
    world: Path, tmp_path: Path, at: tuple[str, Server]
) -> None:
    teacher, server = at
    (one,) = scenes(1)
    with serving(Script()) as (url, inside):
        host = url.removeprefix("http://").removesuffix("/v1")
        some = [one.replace(image=f"{url}/stats")]

        def reasons(name: str, hosts: tuple[str, ...]) -> dict[str, int]:
            return build(
                "rec", some, teacher, out=tmp_path / name, images=world, hosts=hosts, kinds=["detailed"]
            ).reasons

        assert reasons("none", ()) == {"address": 1}
        assert reasons("other", ("example.org",)) == {"host-not-allowed": 1}
        assert reasons("inside", (host,)) == {"not-public": 1}
        assert sum(inside.counts.values()) == 0
    assert server.counts["requests"] == 0


def entry(name: str, cost: float = 0.0, kept: bool = True) -> Entry:
    return Entry(name, Reply("yes", 10, 1, cost, 0.5), kept, "" if kept else "no-yes", "r", "t", "v")


def test_one_writer(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.sqlite"), pytest.raises(RelataError, match=r"l\.sqlite is being written"):
        Ledger(tmp_path / "l.sqlite")
    Ledger(tmp_path / "l.sqlite").close()
    (tmp_path / "text.sqlite").write_text("no ledger " * 100)
    with pytest.raises(RelataError, match="is no ledger"):
        Ledger(tmp_path / "text.sqlite")


def test_what_is_filed_stays_and_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relata.ledger.PATIENCE", 0.01)
    with Ledger(tmp_path / "l.sqlite", budget=1.0) as ledger:
        ledger.reserve(0.6)
        with pytest.raises(BudgetSpent):
            ledger.reserve(0.6)
        ledger.record(entry("a", 0.25), 0.6)
        ledger.reserve(0.6)
        ledger.fail("b", "r", "t", "cut off", Reply("...", 10, 1, 0.01), 0.6)
        ledger.reserve(0.7)
        ledger.record(entry("c", 0.25, kept=False), 0.7)
        assert ledger.find("b") is None
    with Ledger(tmp_path / "l.sqlite", budget=1.0) as ledger:
        found = ledger.find("a")
        assert found == entry("a", 0.25)
        assert ledger.spent() == (2, 1, 1, 30, 3, 0.51)
        typical = ledger.typical("t", "v")
        assert typical is not None
        assert typical.again == 0.5
        with pytest.raises(BudgetSpent):
            ledger.reserve(0.6)


def test_one_change_of_anything_is_another_key() -> None:
    prompt = Prompt("system", (("a", "b"),), "user", "v1")
    keys = {
        key("t", prompt, [b"pixels"]),
        key("u", prompt, [b"pixels"]),
        key("t", prompt, [b"pixelt"]),
        key("t", prompt, [b"pix", b"els"]),
        key("t", prompt, []),
        key("t", prompt, [b"pixels"], 1),
        key("t", prompt._replace(system="system "), [b"pixels"]),
        key("t", prompt._replace(turns=()), [b"pixels"]),
        key("t", prompt._replace(user="user\n"), [b"pixels"]),
        key("t", prompt._replace(schema=int), [b"pixels"]),
        key("t", prompt._replace(schema=str), [b"pixels"]),
    }
    assert len(keys) == 11
    assert key("t", prompt, [b"pixels"]) == key("t", prompt._replace(version="v2"), [b"pixels"])
