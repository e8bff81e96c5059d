"""The provider's batch mode against a scripted server."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relata.chatserver import Rule, Script, serving
from relata.errors import RelataError
from relata.teachers import NoReply

from .conftest import outcome, outcomes, request, told

pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
from relata.teachers.batch import Batch, BatchSettings, teacher


def batch(url: str, folder: Path, **changes: Any) -> Batch:
    quick = {"poll": 0.02, "gather": 0.05, "backoff": 0.01, "timeout": 5.0}
    return Batch(BatchSettings(**{"model": "m", "url": url, **quick, **changes}), folder)


@pytest.mark.parametrize(("limit", "batches"), [(12, 1), (11, 2), (4, 3), (1, 12)])
def test_requests_are_split_at_the_limit_of_their_number(tmp_path: Path, limit: int, batches: int) -> None:
    with serving(Script()) as (url, server):
        found = outcomes(batch(url, tmp_path, requests=limit), [request(n) for n in range(12)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(12)]
    assert server.counts["batches"] == batches
    assert server.counts["requests"] == 12


@pytest.mark.parametrize(("spare", "batches"), [(0, 1), (-1, 2)])
def test_requests_are_split_at_the_limit_of_bytes(tmp_path: Path, spare: int, batches: int) -> None:
    with serving(Script()) as (url, server):
        outcomes(batch(url, tmp_path / "a"), [request(n) for n in range(9)])
        size = len(next(iter(server.files.values())))
        outcomes(batch(url, tmp_path / "b", bytes=size + spare), [request(n) for n in range(9)])
    assert server.counts["batches"] == 1 + batches


def test_no_more_batches_are_under_way_than_are_allowed(tmp_path: Path) -> None:
    with serving(Script(batch=0.2)) as (url, server):
        began = time.monotonic()
        outcomes(batch(url, tmp_path, requests=1, batches=2), [request(n) for n in range(6)])
    assert server.counts["batches"] == 6
    assert time.monotonic() - began >= 3 * 0.2


def test_a_request_too_large_for_any_batch_is_told(tmp_path: Path) -> None:
    with serving(Script()) as (url, server):
        small, large = request("x"), request("x" * 500)
        found = outcomes(batch(url, tmp_path, bytes=600), [small, large])
    assert told(found[0]) == "question x"
    assert "a batch has place for 600" in told(found[1])
    assert server.counts["requests"] == 1


def test_lines_that_are_missing_wrong_or_bad_are_no_reply_with_the_cause(tmp_path: Path) -> None:
    kinds: dict[str, str] = {
        "missing": "no line for this request",
        "wrong-id": "no line for this request",
        "status": "failed in the batch: scripted fault",
        "garbage": "no chat completion",
        "null": "empty",
        "twice": "",
    }
    rules = tuple(Rule(do=do, match=f"{do}$") for do in kinds)  # type: ignore[arg-type]
    with serving(Script(rules=rules)) as (url, _):
        found = outcomes(batch(url, tmp_path), [request(do) for do in (*kinds, "plain")])
    for (do, cause), each in zip(kinds.items(), found):
        if cause:
            assert isinstance(each, NoReply), do
            assert cause in str(each)
        else:
            assert told(each) == f"question {do}"
    assert told(found[-1]) == "question plain"


def test_a_reply_that_two_requests_share_is_given_to_neither(tmp_path: Path) -> None:
    with serving(Script(rules=(Rule(do="again", match="b$"),))) as (url, _):
        found = outcomes(batch(url, tmp_path), [request(name) for name in ("a", "b", "c")])
    assert ["come twice" in told(each) for each in found] == [True, True, False]


def test_a_batch_is_made_once_though_its_birth_is_not_heard_of(tmp_path: Path) -> None:
    rules = (Rule(path="files$", do="reset", times=2), Rule(path="batches$", do="half", times=1))
    with serving(Script(rules=rules)) as (url, server):
        assert told(outcome(batch(url, tmp_path), request(1))) == "question 1"
    assert server.counts["batches"] == 1


def stopped(made: Batch, count: int) -> None:
    """A run that ends while its batch is under way."""

    async def run() -> None:
        tasks = [asyncio.create_task(made.answer(request(n))) for n in range(count)]
        while not any("batch_" in path.read_text() for path in made.folder.glob("*.json")):
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()

    asyncio.run(run())
    made.close()


def test_a_run_started_again_takes_the_replies_of_its_batch(tmp_path: Path) -> None:
    with serving(Script(batch=0.5)) as (url, server):
        stopped(batch(url, tmp_path), 6)
        found = outcomes(batch(url, tmp_path), [request(n) for n in range(8)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(8)]
    assert server.counts["batches"] == 2  # the second one for the two that are new
    assert server.counts["requests"] == 8


def test_a_batch_whose_id_was_never_heard_is_found_by_its_digest(tmp_path: Path) -> None:
    with serving(Script()) as (url, server):
        stopped(batch(url, tmp_path), 3)
        (file,) = tmp_path.glob("*.json")
        sent = msgspec.json.decode(file.read_bytes())
        del sent["batch"]
        file.write_bytes(msgspec.json.encode(sent))
        for n in range(21):  # the account has newer ones, on more than one page
            outcome(batch(url, tmp_path / f"other {n}"), request(f"other {n}"))
        found = outcomes(batch(url, tmp_path), [request(n) for n in range(3)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(3)]
    assert server.counts["batches"] == 22


def test_what_never_became_a_batch_is_sent(tmp_path: Path) -> None:
    (tmp_path / "00.json").write_text('{"digest": "00", "ids": ["a"]}')
    (tmp_path / "00.jsonl").write_text("{}\n")
    with serving(Script()) as (url, server):
        assert told(outcome(batch(url, tmp_path), request(1))) == "question 1"
    assert server.counts["batches"] == 1
    assert not (tmp_path / "00.json").exists()
    assert not list(tmp_path.glob("*.jsonl"))


def test_what_failed_in_an_earlier_run_is_asked_anew_and_what_did_not_is_not(tmp_path: Path) -> None:
    with serving(Script(rules=(Rule(do="missing", match="3$", times=1),))) as (url, server):
        first = batch(url, tmp_path)
        found = outcomes(first, [request(n) for n in range(5)])
        assert [isinstance(each, NoReply) for each in found] == [False, False, False, True, False]
        first.close()
        found = outcomes(batch(url, tmp_path), [request(n) for n in range(5)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(5)]
    assert server.counts["requests"] == 6


def test_a_batch_that_is_gone_is_sent_anew(tmp_path: Path) -> None:
    with serving(Script()) as (url, server):
        stopped(batch(url, tmp_path), 2)
        (file,) = tmp_path.glob("*.json")
        file.write_text(file.read_text().replace("batch_", "batch_of_old_"))
        found = outcomes(batch(url, tmp_path), [request(n) for n in range(2)])
    assert [told(each) for each in found] == ["question 0", "question 1"]
    assert server.counts["batches"] == 2


def test_two_at_a_time_do_not_share_a_folder(tmp_path: Path) -> None:
    with serving(Script()) as (url, _):
        first = batch(url, tmp_path)
        outcome(first, request(1))
        with pytest.raises(RelataError, match="being written by another process"):
            outcome(batch(url, tmp_path), request(1))
        first.close()
        assert told(outcome(batch(url, tmp_path), request(1))) == "question 1"


def test_identical_requests_are_sent_once(tmp_path: Path) -> None:
    with serving(Script()) as (url, server):
        found = outcomes(batch(url, tmp_path), [request(1)] * 3)
    assert [told(each) for each in found] == ["question 1"] * 3
    assert server.counts["requests"] == 1


def test_the_teacher_keeps_its_folder_beside_its_settings(tmp_path: Path) -> None:
    (tmp_path / "night.yaml").write_text("model: m\nurl: http://127.0.0.1:1/v1\nprice_in: 2\nrequests: 10\n")
    made = teacher(str(tmp_path / "night.yaml"))
    assert made.folder == tmp_path / "batches"
    assert made.name.startswith("batch:m:")
    assert made.paid
    assert made.price(1_000_000, 0) == 2.0
