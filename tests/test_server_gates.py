"""The gates of a run behind a server: faults of a fifth of all calls, budgets, kills in the midst of many calls.

At a part of their size here and at full size among the slow ones.
"""

from __future__ import annotations

import os
import random
import re
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

import made_scenes
from forks import forked, lived
from relata import store
from relata.chat import Example
from relata.chatserver import Answer, Rule, Script, Server, serving
from relata.grounded import plain
from relata.ledger import BudgetSpent, Ledger, Spent
from relata.recipes import build
from relata.scene import Scene, encode

pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")

GOOD = Rule(do="reply", reply="A [man](1) is <holding>(1->2) a [dog](2).")


def at(folder: Path, url: str, **more: Any) -> str:
    """The name of a teacher behind an address."""
    path = folder / "teacher.json"
    path.write_bytes(encode({"model": "m", "url": url, "backoff": 0.01, "max_tokens": 64, **more}))
    return f"endpoint:{path}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the one picture of all scenes."""
    made = tmp_path_factory.mktemp("many")
    (made / "photos").mkdir()
    Image.new("RGB", (100, 80)).save(made / "photos" / "one.png")
    return made


def scenes(count: int) -> list[Scene]:
    """Scenes that differ in their captions, which hold their numbers."""
    one = made_scenes.scene(0).replace(image="photos/one.png")
    return [one.replace(id=f"s{n}", captions=(f"Number {n}.",)) for n in range(count)]


def numbered(server: Server) -> None:
    """Have a server say in each good reply to what scene it is one."""
    answer = server.completion

    def completion(rule: Rule, asked: Any) -> Answer:
        number = re.search(r"Number (\d+)", str(asked["messages"][-1]))
        return answer(rule.replace(reply=f"{GOOD.reply} It is {number and number[1]}."), asked)

    server.completion = completion  # type: ignore[method-assign]


def jumping() -> Callable[[], float]:
    """A clock that leaps by days at every look; that of the server is an hour ahead."""
    real, rng = time.time, random.Random(4)

    def now() -> float:
        return real() + (3600 if threading.current_thread().name == "chatserver" else rng.uniform(-1e6, 1e6))

    return now


def peak() -> int:
    """The most memory that this process has had since this was last asked, in kB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    Path("/proc/self/clear_refs").write_text("5")
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


#: What goes wrong with so many of the calls, by the dice.
SHARES = {"reset": 0.03, "half": 0.03, "big": 0.02, "garbage": 0.03, "twice": 0.025, "again": 0.025, "hang": 0.005}
ATTEMPTS = 6


@pytest.mark.parametrize("count", [200, pytest.param(4200, marks=pytest.mark.slow)])
def test_a_server_that_fails_every_fifth_call(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """4,200 replies take more than 5,000 calls: most faults come by the dice, others as storms that turn all away."""
    faults = [Rule(do=do, share=share) for do, share in SHARES.items()]  # type: ignore[arg-type]
    faults.append(Rule(do="status", status=503, share=0.025, retry_after=0.0, date=True))
    storm = Rule(do="status", status=429, retry_after=0.01, times=count // 150)
    # all of a few hundred requests are turned away, so often; and one more often than there are attempts
    storms = [storm.replace(match=f"Number {n}") for n in ("3", "5", "7")]
    patient = storm.replace(match=rf"Number {count - 2}\b", times=2 * ATTEMPTS)
    script = Script(rules=(patient, *storms, *faults, GOOD), seed=5, latency=(0.0, 0.02))
    monkeypatch.setattr(time, "time", jumping())
    counts: Counter[str] = Counter()
    most, parts = [], {"first": (0, 0.1), "second": (0.1, 0.2), "rest": (0.2, 1)}
    for name, (start, end) in parts.items():
        some = scenes(count)[int(start * count) : int(end * count)]
        peak()
        with serving(script) as (url, server):
            numbered(server)
            teacher = at(tmp_path, url, attempts=ATTEMPTS, timeout=2.0, concurrency=16)
            report = build("rec", some, teacher, out=tmp_path / name, images=folder, kinds=["detailed"])
        counts += server.counts
        most.append(peak())
        assert (report.kept, report.failed) == (len(some), 0)
        for example in store.records(tmp_path / name, Example):
            number = example.provenance["scene"].removeprefix("s")
            assert plain(example.messages[-1].spans).endswith(f"It is {number}."), "a reply went astray"
    calls, wrong = counts["requests"], sum(counts[f"do {do}"] for do in (*SHARES, "status"))
    print(
        f"{calls} calls for {count} replies: {wrong} went wrong, {counts['status 429']} of these throttled; at most "
        f"{most[1]} kB of memory in the second tenth, {most[2]} kB in the other eight"
    )
    assert 0.18 * calls < wrong
    assert calls <= 1.3 * count
    assert counts["status 429"] >= 3 * (count // 150) + 2 * ATTEMPTS
    assert most[2] < most[1] + 20_000


def killed_after(calls: int, server: Server, work: Callable[[], object]) -> None:
    """Do something in a child process that is killed once it has made so many calls, or makes none any more."""
    child, before, until = forked(work), server.counts["requests"], time.monotonic() + 1.5
    while server.counts["requests"] < before + calls and time.monotonic() < until:
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    lived(child)


@pytest.mark.parametrize("tables", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_no_price_and_no_interruption_takes_a_run_over_its_budget(folder: Path, tmp_path: Path, tables: int) -> None:
    rng, spent_all, kills, most = random.Random(2), 0, 2, {"prompt_tokens": 1500, "completion_tokens": 64}
    with serving(Script(rules=(GOOD,), latency=(0.0, 0.01))) as (url, server):
        used(server, most)
        for table in range(tables):
            prices = {"price_in": rng.choice((0.0, rng.uniform(0, 20))), "price_out": rng.uniform(0.1, 100)}
            each = (most["prompt_tokens"] * prices["price_in"] + most["completion_tokens"] * prices["price_out"]) / 1e6
            budget, abreast, before = rng.uniform(0.0, 60 * each), rng.choice((1, 4, 16)), server.counts["requests"]
            teacher, out = at(tmp_path, url, concurrency=abreast, **prices), tmp_path / str(table)
            paid = partial(build, "rec", scenes(40), teacher, out=out, images=folder, kinds=["detailed"], budget=budget)
            for _ in range(kills):
                killed_after(rng.randrange(1, 25), server, paid)
            stopped = False
            try:
                paid()
            except BudgetSpent:
                stopped = True
            found, calls = spent(out), server.counts["requests"] - before
            assert found.cost <= budget, f"table {table}: {prices}"
            assert calls - found.calls <= kills * abreast
            # by the provider's books, what was open at a kill comes on top
            assert calls * each <= budget + (calls - found.calls) * each + 1e-9
            assert stopped or found.kept == 40
            spent_all += stopped
    assert 0 < spent_all < tables


def used(server: Server, most: dict[str, int]) -> None:
    """Have a server say that every call took so many tokens."""
    answer = server.completion

    def completion(rule: Rule, asked: Any) -> Answer:
        made = answer(rule, asked)
        return made._replace(body=msgspec.json.encode({**msgspec.json.decode(made.body), "usage": most}))

    server.completion = completion  # type: ignore[method-assign]


@pytest.mark.parametrize(("count", "kills"), [(300, 12), pytest.param(5000, 200, marks=pytest.mark.slow)])
def test_a_long_run_killed_time_and_again(folder: Path, tmp_path: Path, count: int, kills: int) -> None:
    """Each kill comes at a random moment of what the run has got to by then; the last start brings it to its end."""
    abreast, rng, some = 8, random.Random(random.randrange(10**6)), scenes(count)
    run = partial(build, "rec", some, images=folder, kinds=["detailed"], shard=25)
    with serving(Script(rules=(GOOD,), latency=(0.0, 0.02))) as (url, server):
        numbered(server)
        teacher = at(tmp_path, url, concurrency=abreast)
        began = time.monotonic()
        run(teacher=teacher, out=tmp_path / "whole")
        share = (time.monotonic() - began) / kills
        paid, early = server.counts["requests"], 0
        for _ in range(kills):
            child = forked(lambda: run(teacher=teacher, out=tmp_path / "out"))
            time.sleep(rng.uniform(0.0, 2 * share + 0.2))  # the moment of the kill, not a wait for something
            os.kill(child, signal.SIGKILL)
            lived(child)
            early += not (tmp_path / "out" / store.MANIFEST).exists()
        filed = spent(tmp_path / "out").calls
        run(teacher=teacher, out=tmp_path / "out")
        again = server.counts["requests"] - paid - count
    print(f"{early} of {kills} kills before the end, with {filed} of {count} replies filed; {again} calls made again")
    assert server.distinct == count
    assert again <= early * abreast
    assert early > kills / 4
    assert spent(tmp_path / "out").calls == spent(tmp_path / "whole").calls == count
    one, two = (
        {name: data for name, data in made_scenes.tree(tmp_path / name).items() if "ledger" not in name}
        for name in ("whole", "out")
    )
    assert one == two


@pytest.mark.parametrize("spare", [0, -1], ids=["limit", "limit + 1"])
@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_batches_of_a_run_killed_time_and_again_are_paid_for_once(
    folder: Path, tmp_path: Path, kills: int, spare: int
) -> None:
    limit, rng = 20 + spare, random.Random(random.randrange(10**6))
    run = partial(build, "rec", scenes(60), images=folder, kinds=["detailed"])
    rules = (Rule(do="half", path="files|batches", share=0.1), GOOD)
    for attempt in range(max(1, kills // 6)):
        out = tmp_path / str(attempt)
        out.mkdir()
        # each has a provider of its own: a batch of the same requests from an earlier run would be found and used
        with serving(Script(rules=rules, batch=0.15, latency=(0.0, 0.05))) as (url, server):
            numbered(server)
            quick = {"poll": 0.03, "gather": 0.1, "requests": limit, "batches": 2, "state": "sent", "attempts": 9}
            teacher = at(out, url, **quick).replace("endpoint:", "batch:")
            for _ in range(min(kills, 6)):
                child = forked(lambda out=out, teacher=teacher: run(teacher=teacher, out=out / "run"))  # type: ignore[misc]
                time.sleep(rng.uniform(0.0, 0.8))  # the moment of the kill, not a wait for something
                os.kill(child, signal.SIGKILL)
                lived(child)
            assert run(teacher=teacher, out=out / "run").kept == 60
            assert spent(out / "run").calls == 60
            print(f"{server.counts['batches']} batches for 60 requests, at most {limit} in each")
            assert server.counts["requests"] == 60
        for example in store.records(out / "run", Example):
            number = example.provenance["scene"].removeprefix("s")
            assert plain(example.messages[-1].spans).endswith(f"It is {number}."), "a reply went astray"


def spent(out: Path) -> Spent:
    """What is filed in the ledger of a run."""
    with Ledger(out / "ledger.sqlite") as ledger:
        return ledger.spent()
