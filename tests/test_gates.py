"""The gates that data have to pass, at a tenth of their size here and at full size among the slow ones.

Others stand where their subject does: what a server does to a run in `test_server_gates.py`, kills, budgets and storms
in `test_resume.py` and `test_paid_build.py`, torn files and flipped bits in `test_store.py`.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import random
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import made_scenes
from bad_replies import bad
from forks import forked, lived
from relata import synth
from relata.chat import Example, Preference
from relata.edits import Edit
from relata.errors import RelataError
from relata.filters import Rejection, validity
from relata.grounded import Mention, Predicate
from relata.ledger import Entry, Ledger
from relata.names import component, listing
from relata.recipes import build, rec
from relata.recipes._run import makes, source_type
from relata.scene import Box, Group, Scene, encode
from relata.store import records
from relata.teachers import Reply, Request
from relata.teachers.rules import Rules

#: Options without which a recipe asks nobody.
ASKING: dict[str, dict[str, Any]] = {
    "cad_qa": {"least": 0},
    "episodes": {"why": True},
    "negatives": {"ask": True},
    "temporal": {"captions": True},
}
RELATIONS = ("same category", "same identity", "different identity", "different category", "same colour", "")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Scene]]:
    """Scenes and the folder of their pictures."""
    folder = tmp_path_factory.mktemp("world")
    return folder, list(synth.scenes(400, out=folder))


def sources(recipe: str, scenes: list[Scene], count: int) -> Iterator[Scene | Group]:
    """What a recipe reads, so many of them, each with another id."""
    rng = random.Random(1)
    for number in range(count):
        if source_type(component("recipes", recipe)) is Scene:
            yield one(f"s{number}", rng.choice(scenes))
            continue
        pair = tuple(one(f"s{number}-{k}", scene) for k, scene in enumerate(rng.sample(scenes, 2)))
        label = pair[0].regions[0].label
        about = {"label": label, "classes": '["good", "broken"]', "labels": '["good", "broken"]'}
        about["relation"] = "same category" if recipe == "similarity" else rng.choice(RELATIONS)
        yield Group(f"g{number}", pair, order=(1, 0), captions=("They differ in colour.",), provenance=about)


def one(id: str, scene: Scene) -> Scene:
    """The scene with another id, and a caption of its own: what is asked alike is asked once."""
    return scene.replace(id=id, captions=(*scene.captions, f"This is number {id}."))


class Misled(Rules):
    """A paid teacher by rules of whose replies half are bad."""

    paid = True
    name = "misled"

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.bad = 0
        self._last = "a dog"

    async def answer(self, request: Request) -> Reply:
        asked = hashlib.sha256(f"{request.id} {request.prompt.user}".encode("utf-8", "surrogatepass")).hexdigest()
        good, other = request.offline(), self._last
        self._last = good
        if random.Random(asked).random() < 0.5:
            text = good
        else:
            text = bad(good, other, asked)
            self.bad += 1
        self.told.add(text)
        return Reply(text, 1, 1, 0.001)


@pytest.mark.parametrize("recipe", listing("recipes"))
@pytest.mark.parametrize("most", [50, pytest.param(2000, marks=pytest.mark.slow)])
def test_malformed_replies_are_valid_or_turned_away_with_a_reason(
    world: tuple[Path, list[Scene]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, most: int
) -> None:
    folder, scenes = world
    misled, module, longest = Misled(), component("recipes", recipe), 0.0
    monkeypatch.setattr("relata.teachers.rules.teacher", lambda argument: misled)
    read = module.read

    @wraps(read)
    def timed(reply: str, item: Any) -> Any:
        nonlocal longest
        began = time.perf_counter()
        outcome = read(reply, item)
        longest = max(longest, time.perf_counter() - began)
        return outcome

    monkeypatch.setattr(module, "read", timed)
    given = {source.id: source for source in sources(recipe, scenes, most)}
    report = build(recipe, given.values(), out=tmp_path / "out", images=folder, **ASKING.get(recipe, {}))
    away = list(records(tmp_path / "out", Rejection))
    kept = [record for type in makes(module) for record in records(tmp_path / "out", type)]
    print(f"{recipe}: {misled.bad} bad replies, the slowest read in {longest:.2f} s; {report.reasons}")
    assert misled.bad >= most / 2
    assert report.failed == 0
    assert report.read == report.kept + report.rejected == len(kept) + len(away)
    assert all(rejection.id and rejection.reason for rejection in away)
    assert {rejection.reply for rejection in away if rejection.reply} <= misled.told
    assert kept
    for record in kept:
        sound(record, given)
    with Ledger(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert ledger.spent().calls >= misled.bad
    assert longest < 5.0  # a reply may be long, but no rule takes more than a moment for it


def sound(record: Any, given: dict[str, Scene | Group]) -> None:
    """Check that a record is what its type and its source allow."""
    assert "\0" not in (said := encode(record).decode()), said
    if isinstance(record, Scene):
        source = given[record.id]
        assert isinstance(source, Scene)
        assert [(r.id, r.box) for r in record.regions] == [(r.id, r.box) for r in source.regions]
        assert all(r.predicate.strip() and r.subject != r.object for r in record.relations)
    elif isinstance(record, (Example, Preference)):
        boxes: list[set[Box]] = [set(some) for some in record.regions]
        for message in record.messages:
            for span in message.spans:
                if isinstance(span, (Mention, Predicate)) and boxes:
                    used = span.boxes if isinstance(span, Mention) else (*span.subjects, *span.objects)
                    assert set(used) <= boxes[span.image]
        if isinstance(record, Example) and any(isinstance(s, Mention) for m in record.messages for s in m.spans):
            assert validity.check(record) is None
    else:
        assert isinstance(record, Edit)


Run = Callable[[Path], dict[str, bytes]]


class Honest(Rules):
    """A paid teacher by rules, which counts what it is asked."""

    paid = True
    name = "honest"
    concurrency = 4

    def __init__(self) -> None:
        self.asked = 0

    async def answer(self, request: Request) -> Reply:
        self.asked += 1
        return Reply(request.offline(), 10, 10, 0.001, 0.1)


@pytest.fixture
def honest(monkeypatch: pytest.MonkeyPatch) -> Honest:
    made = Honest()
    monkeypatch.setattr("relata.teachers.rules.teacher", lambda argument: made)
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Does a small run, and gives what it leaves but the ledger, which holds times."""
    folder, some = tmp_path_factory.mktemp("pictures"), made_scenes.scenes(24)
    (folder / "photos").mkdir()
    for number, scene in enumerate(some):
        Image.new("RGB", (scene.width, scene.height), (number, 0, 0)).save(folder / scene.image)

    def run(out: Path) -> dict[str, bytes]:
        build("rec", some, out=out, shard=3, images=folder)
        return {name: data for name, data in made_scenes.tree(out).items() if "ledger" not in name}

    return run


@pytest.fixture
def expected(tmp_path: Path, run: Run, honest: Honest) -> dict[str, bytes]:
    found = run(tmp_path / "whole")
    assert honest.asked > 40
    return found


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.slow)])
def test_a_disk_that_is_full_at_any_flush_or_renaming(
    tmp_path: Path, run: Run, honest: Honest, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole, points = honest.asked, 0
    while True:
        out, honest.asked = tmp_path / str(points), 0
        with monkeypatch.context() as patched:
            calls = iter(range(10**6))
            for name in ("fsync", "replace"):
                patched.setattr(os, name, full(getattr(os, name), calls, points))
            said = fault(run, out)
        assert honest.asked <= whole
        if not said:
            break  # the disk was full after the end
        assert re.search(r"cannot write .*: No space left on device; mend that and run again", said)
        assert run(out) == expected, f"full at call {points}"
        # what was paid for before is not paid for again
        assert honest.asked == whole, f"full at call {points}"
        points += step
    assert points >= 50


def fault(run: Run, out: Path) -> str:
    """What a run says that could not be done; empty if it was."""
    try:
        run(out)
    except RelataError as error:
        return str(error)
    return ""


def full(real: Callable[..., Any], calls: Iterator[int], point: int) -> Callable[..., Any]:
    """A call of the system that finds the disk full when its turn comes, and from then on."""

    def counted(*args: Any) -> Any:
        if next(calls) >= point:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*args)

    return counted


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() or shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("needs leave to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("points", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_disk_with_room_for_only_so_much(
    small_disk: Path, run: Run, honest: Honest, expected: dict[str, bytes], points: int
) -> None:
    whole, ballast, out, stopped = honest.asked, small_disk / "ballast", small_disk / "out", 0
    for room in range(0, 400_000, 400_000 // points):
        free = shutil.disk_usage(small_disk).free
        ballast.write_bytes(bytes(max(0, free - room - 4096)))
        honest.asked = 0
        said = fault(run, out)
        stopped += bool(said)
        assert not said or re.search(r"full|No space left", said), said
        ballast.unlink()
        assert run(out) == expected, f"room for {room} bytes"
        assert honest.asked <= whole + honest.concurrency, f"room for {room} bytes"
        shutil.rmtree(out)
    assert stopped >= points // 4


def test_a_folder_that_may_not_be_written_to(
    small_disk: Path, run: Run, honest: Honest, expected: dict[str, bytes]
) -> None:
    before = honest.asked
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RelataError, match=r"cannot write to .*: Read-only file system; name another folder"):
        run(small_disk / "out")
    assert honest.asked == before
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    assert run(small_disk / "out") == expected


@pytest.mark.parametrize("tries", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_of_two_processes_on_one_folder_exactly_one_proceeds(
    tmp_path: Path, run: Run, honest: Honest, expected: dict[str, bytes], tries: int
) -> None:
    for attempt in range(tries):
        out = tmp_path / str(attempt)
        gate, ends = os.pipe(), os.pipe()
        told = [os.pipe(), os.pipe()]
        children = [forked(partial(compete, run, out, gate[0], ends[0], told[n][1])) for n in (0, 1)]
        os.write(gate[1], b"..")  # go, both
        first, _, _ = select.select([told[0][0], told[1][0]], [], [], 60)
        # whoever speaks first has been turned away: the other holds the folder until it is told to end
        assert len(first) == 1
        assert os.read(first[0], 1) == b"-"
        os.write(ends[1], b"." * Honest.concurrency)
        other = next(pipe[0] for pipe in told if pipe[0] != first[0])
        assert os.read(other, 1) == b"+"
        assert all(lived(child) for child in children)
        for handle in (*gate, *ends, *told[0], *told[1]):
            os.close(handle)
        assert {name: data for name, data in made_scenes.tree(out).items() if "ledger" not in name} == expected


def compete(run: Run, out: Path, gate: int, end: int, told: int) -> None:
    """Run when the gate opens, finish when told to, and tell how it went: `+`, or `-` when the folder was taken."""
    signal.alarm(100)  # a test that fails waits for nobody
    answer = Honest.answer

    async def held(self: Honest, request: Request) -> Reply:
        if not self.asked:
            await asyncio.to_thread(os.read, end, 1)
        return await answer(self, request)

    Honest.answer = held  # type: ignore[method-assign]  # of this child alone
    os.read(gate, 1)
    try:
        component("teachers", "rules").teacher("").asked = 0
        run(out)
        os.write(told, b"+")
    except RelataError as error:
        os.write(told, b"-" if "is being written by another process" in str(error) else b"?")


@pytest.mark.parametrize("flips", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_ledger_with_a_flipped_bit_gives_no_other_reply(tmp_path: Path, flips: int) -> None:
    path = tmp_path / "ledger.sqlite"
    entries = [
        Entry(f"{n:064d}", Reply(f"reply {n} " * 9, n, n, 0.1, 0.2), True, "", f"r{n}", "t", "v") for n in range(60)
    ]
    with Ledger(path) as ledger:
        for entry in entries:
            ledger.record(entry, 0.0)
    good, rng = path.read_bytes(), random.Random(1)
    lost = refused = 0
    for _ in range(flips):
        data, at = bytearray(good), rng.randrange(len(good))
        data[at] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        found: list[Entry | None] = []
        said = ""
        try:
            with Ledger(path) as ledger:
                found += [ledger.find(entry.key) for entry in entries]
        except RelataError as error:
            said = str(error)
        assert all(one is None or one == entry for one, entry in zip(found, entries)), f"byte {at}"
        assert not said or re.search(r"ledger\.sqlite.*(damaged|malformed|schema|cannot open)", said), said
        refused += bool(said)
        lost += sum(one is None for one in found)
        for beside in tmp_path.glob("ledger.sqlite-*"):
            beside.unlink()
    print(f"{flips} flips: {lost} replies lost, {refused} times the file was refused")


def test_a_reply_that_breaks_the_recipe_is_filed(
    tmp_path: Path, run: Run, honest: Honest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(reply: str, item: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(rec, "read", wraps(rec.read)(broken))
        with pytest.raises(ZeroDivisionError):
            run(tmp_path / "out")
    asked = honest.asked
    with Ledger(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert ledger.spent().calls == asked > 0
    run(tmp_path / "out")
    run(tmp_path / "whole")
    assert honest.asked - asked < asked + 100  # paid once each


def test_what_cannot_be_filed_ends_the_run_and_not_the_waiting(tmp_path: Path, honest: Honest) -> None:
    with Ledger(tmp_path / "l.sqlite") as ledger:
        with pytest.raises(RelataError, match="cannot write"):
            ledger.record(Entry("a", Reply("yes", 2**63), True, "", "r", "t", "v"), 0.0)
        ledger.record(Entry("b", Reply("yes", 1), True, "", "r", "t", "v"), 0.0)
        assert ledger.find("a") is None
        assert ledger.find("b") is not None
