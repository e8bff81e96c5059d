"""The endpoint teacher against a scripted server: what it sends, what it takes, what it does about faults."""

from __future__ import annotations

import asyncio
import base64
import re
import time
import tracemalloc
from email.utils import formatdate
from typing import Any, Literal

import msgspec
import pytest

from relata.chatserver import Rule, Script, Server, serving
from relata.errors import RelataError
from relata.teachers import NoReply, Reply
from relata.teachers._chat import wanted
from relata.teachers._client import retry_after

from .conftest import outcome, outcomes, request, told

HOSTILE = ("status", "reset", "half", "big", "hang", "twice", "garbage")
PNG = b"\x89PNG\r\n\x1a\n-"


class Part(msgspec.Struct):
    label: str
    sure: bool = True


class Verdict(msgspec.Struct):
    value: Literal["yes", "no"]
    parts: list[Part]
    note: str | None = None


def heard(server: Server) -> list[dict[str, Any]]:
    """The bodies that a server gets from now on."""
    bodies: list[dict[str, Any]] = []
    answer = server.completion

    def listen(rule: Rule, asked: Any) -> Any:
        bodies.append(asked)
        return answer(rule, asked)

    server.completion = listen  # type: ignore[method-assign]
    return bodies


# what is sent


def test_a_request_is_the_system_text_the_examples_and_the_pictures_before_the_question(endpoint: Any) -> None:
    pictures = {"a.png": PNG, "b.jpg": b"\xff\xd8\xff-", "c.webp": b"RIFF0000WEBP-", "d.gif": b"GIF89a-"}
    with serving(Script()) as (url, server):
        bodies = heard(server)
        found = outcome(
            endpoint(url, temperature=0.5, seed=3, detail="low", body={"top_k": 1}), request(1, None, pictures)
        )
    assert told(found) == "question 1"
    asked = bodies[0]
    assert (asked["model"], asked["temperature"], asked["seed"], asked["top_k"]) == ("scripted", 0.5, 3, 1)
    assert asked["max_tokens"] == 2048
    system, *turns, last = asked["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert turns == [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    urls = [part["image_url"]["url"] for part in last["content"][:-1]]
    assert [url.split(";")[0] for url in urls] == [f"data:image/{kind}" for kind in ("png", "jpeg", "webp", "gif")]
    assert [base64.b64decode(url.split(",")[1]) for url in urls] == [*pictures.values()]
    assert last["content"][-1] == {"type": "text", "text": "question 1"}


def test_a_picture_of_another_kind_is_told_by_name(endpoint: Any) -> None:
    with serving(Script()) as (url, server):
        found = outcome(endpoint(url), request(1, None, {"x.bmp": b"BM-"}))
    assert isinstance(found, NoReply)
    assert "x.bmp" in str(found)
    assert server.counts["requests"] == 0


@pytest.mark.parametrize("how", ["native", "text", "off"])
def test_the_form_of_a_reply_is_asked_for_as_set(endpoint: Any, how: str) -> None:
    with serving(Script()) as (url, server):
        bodies = heard(server)
        found = outcome(endpoint(url, schema=how), request(1, Verdict))
    system = bodies[0]["messages"][0]["content"]
    assert ("response_format" in bodies[0]) == (how == "native")
    assert ('"enum":["no","yes"]' in system) == (how == "text")
    if how == "native":
        assert bodies[0]["response_format"]["json_schema"]["strict"] is True
        assert msgspec.json.decode(told(found), type=Verdict) == Verdict("no", [], "")


def test_a_schema_is_strict_where_it_can_be() -> None:
    schema, strict = wanted(Verdict)
    assert strict
    assert schema["required"] == ["value", "parts", "note"]
    assert schema["properties"]["parts"]["items"]["additionalProperties"] is False
    assert b"$ref" not in msgspec.json.encode(schema)
    assert not wanted(dict[str, int])[1]
    assert not wanted(msgspec.defstruct("Boxed", [("box", tuple[int, int])]))[1]


def test_a_fence_around_json_is_taken_off(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="reply", reply='```json\n{"value": "no"}\n```'),))) as (url, _):
        assert told(outcome(endpoint(url), request(1, Verdict))) == '{"value": "no"}'
        assert told(outcome(endpoint(url), request(2))).startswith("```")


# what it costs


def test_a_reply_tells_tokens_cost_and_seconds(endpoint: Any) -> None:
    with serving(Script(latency=0.05)) as (url, _):
        teacher = endpoint(url, price_in=1000.0, price_out=2000.0)
        found = outcome(teacher, request(1))
    assert isinstance(found, Reply)
    assert found.cost == pytest.approx(teacher.price(found.tokens_in, found.tokens_out))
    assert found.cost == pytest.approx((found.tokens_in * 1000 + found.tokens_out * 2000) / 1e6)
    assert 0.05 <= found.seconds < 5
    assert teacher.longest == 2048


@pytest.mark.parametrize(
    ("do", "cause"),
    [("empty", "empty"), ("null", "empty"), ("refuse", "refused: I cannot"), ("cut", "raise max_tokens")],
)
def test_what_has_nothing_to_read_is_no_reply_but_is_paid_for(endpoint: Any, do: Any, cause: str) -> None:
    with serving(Script(rules=(Rule(do=do),))) as (url, server):
        found = outcome(endpoint(url, price_in=1e6), request(1))
    assert isinstance(found, NoReply)
    assert cause in str(found)
    assert found.reply.cost == found.reply.tokens_in > 0
    assert server.counts["requests"] == 1


# faults


def test_a_hostile_server_costs_few_calls_more_and_no_reply_goes_astray(endpoint: Any) -> None:
    """A fifth of the calls goes wrong in every way."""
    rules = [Rule(do=do, share=0.02) for do in HOSTILE]
    rules += [Rule(do="status", status=429, retry_after=0.02, share=0.03), Rule(do="status", status=429, share=0.03)]
    requests = [request(n) for n in range(300)]
    with serving(Script(rules=tuple(rules), latency=0.005)) as (url, server):
        found = outcomes(endpoint(url, timeout=0.7, attempts=8), requests)
    assert [told(each) for each in found] == [asked.prompt.user for asked in requests]
    assert 300 < server.counts["requests"] <= 1.3 * 300
    assert all(server.counts[f"do {do}"] for do in HOSTILE)


@pytest.mark.parametrize("do", ["status", "reset", "half", "big", "hang", "garbage"])
def test_faults_are_tried_so_often_and_no_more(endpoint: Any, do: Any) -> None:
    with serving(Script(rules=(Rule(do=do),))) as (url, server):
        found = outcome(endpoint(url, attempts=3, timeout=0.3), request(1))
    assert isinstance(found, NoReply)
    assert "tried 3 times" in str(found)
    assert server.counts["requests"] == 3


def test_a_reply_of_ten_megabytes_does_not_fill_the_memory(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="big"),))) as (url, _):
        teacher = endpoint(url, attempts=1, most_bytes=200_000)
        outcome(teacher, request(0))
        tracemalloc.start()
        found = outcomes(teacher, [request(n) for n in range(10)])
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert all("longer than 200000 bytes" in str(each) for each in found)
    assert peak < 20_000_000  # ten of them at once would be 100 MB


def test_what_follows_a_reply_on_the_wire_is_not_the_reply_to_the_next(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="twice", share=0.5),))) as (url, server):
        teacher = endpoint(url, concurrency=1)
        found = outcomes(teacher, [request(n) for n in range(30)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(30)]
    assert server.counts["do twice"] > 5


def test_the_reply_to_another_request_is_not_taken(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="again", match="question 1", times=1),))) as (url, server):
        found = outcomes(endpoint(url, concurrency=1), [request(n) for n in range(3)])
    assert [told(each) for each in found] == ["question 0", "question 1", "question 2"]
    assert server.counts["requests"] == 4


def test_where_ids_tell_nothing_two_requests_may_have_the_same_reply(endpoint: Any) -> None:
    rules = (Rule(do="reply", match="[13]$", reply="one"), Rule(do="reply", reply="two"))
    with serving(Script(rules=rules)) as (url, server):
        answer = server.completion

        def same(rule: Rule, asked: Any) -> Any:
            made = answer(rule, asked)
            return made._replace(body=re.sub(rb"chatcmpl-\d+", b"x", made.body))

        server.completion = same  # type: ignore[method-assign]
        teacher = endpoint(url, attempts=1)
        found = [outcome(teacher, request(n)) for n in (1, 2, 3)]
    assert [told(each) for each in found] == ["one", "two", "one"]


def test_who_was_turned_away_does_not_wait_for_all_the_others(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="status", status=503, match="0$", times=2),))) as (url, server):
        bodies = heard(server)
        outcomes(endpoint(url, concurrency=1), [request(n) for n in range(9)])
    order = [asked["messages"][-1]["content"][-1] for asked in bodies]
    assert order.count("0") == 3
    assert order.index("3") > max(n for n, name in enumerate(order) if name == "0")


@pytest.mark.parametrize("status", [400, 403, 422, 307])
def test_a_request_that_is_refused_is_not_repeated(endpoint: Any, status: int) -> None:
    with serving(Script(rules=(Rule(do="status", status=status),))) as (url, server):
        found = outcome(endpoint(url), request(1))
    assert isinstance(found, NoReply)
    assert f"HTTP {status}: scripted fault" in str(found)
    assert server.counts["requests"] == 1


@pytest.mark.parametrize(("status", "why"), [(401, "the key is refused"), (402, "account"), (404, "no such model")])
def test_what_the_user_has_to_mend_ends_the_run(endpoint: Any, status: int, why: str) -> None:
    with serving(Script(rules=(Rule(do="status", status=status),))) as (url, server):
        with pytest.raises(RelataError, match=why):
            outcome(endpoint(url), request(1))
        assert server.counts["requests"] == 1


def test_an_empty_account_is_no_throttling(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="status", status=429, code="insufficient_quota"),))) as (url, server):
        with pytest.raises(RelataError, match="the account is empty"):
            outcome(endpoint(url), request(1))
        assert server.counts["requests"] == 1


# throttling


def test_throttling_uses_up_no_attempts(endpoint: Any) -> None:
    rules = (Rule(do="status", status=429, retry_after=0.01, times=12), Rule(do="reset", times=1))
    with serving(Script(rules=rules)) as (url, server):
        assert told(outcome(endpoint(url, attempts=2), request(1))) == "question 1"
    assert server.counts["requests"] == 14


def test_throttling_for_ever_ends_with_patience(endpoint: Any) -> None:
    with serving(Script(rules=(Rule(do="status", status=429, retry_after=100),))) as (url, server):
        found = outcome(endpoint(url, patience=50.0), request(1))
    assert isinstance(found, NoReply)
    assert "throttled" in str(found)
    assert server.counts["requests"] == 1


@pytest.mark.parametrize(("after", "date"), [(1.0, False), (1.6, True)])  # dates have whole seconds
def test_a_throttled_call_waits_as_it_is_told(endpoint: Any, after: float, date: bool) -> None:
    with serving(Script(rules=(Rule(do="status", status=429, retry_after=after, date=date, times=1),))) as (url, _):
        start = time.monotonic()
        outcome(endpoint(url), request(1))
    assert time.monotonic() - start >= 1.0


def test_after_a_storm_as_many_calls_are_open_as_before(endpoint: Any) -> None:
    """The storm makes the gate narrow; once it is over, all may go in again after some rounds."""
    rules = (Rule(do="status", status=429, retry_after=0.05, times=60),)
    with serving(Script(rules=rules, latency=0.01)) as (url, server):
        teacher = endpoint(url, concurrency=16)

        async def run() -> tuple[float, float]:
            await asyncio.gather(*(teacher.answer(request(n)) for n in range(40)))
            (client,) = teacher._clients.values()
            lowest = client.gate.limit
            await asyncio.gather(*(teacher.answer(request(f"then {n}")) for n in range(260)))
            return lowest, client.gate.limit

        lowest, last = asyncio.run(run())
    assert lowest < 16
    assert last == 16
    assert server.counts["status 200"] == 300
    assert server.counts["status 429"] == 60


NOW = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:20 GMT", "date": NOW}, 20.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": "99 Nov", "date": "x"}, None),
        ({}, None),
    ],
)
def test_what_a_reply_says_about_waiting(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_without_that_of_the_reply_is_taken_by_our_clock() -> None:
    assert 55 < (retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)}) or 0) <= 60


def test_a_jump_of_the_clock_does_no_harm(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10**9, 86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(ticks)))
    with serving(Script(rules=(Rule(do="status", status=429, retry_after=0.05, times=3),))) as (url, _):
        found = outcomes(endpoint(url), [request(n) for n in range(5)])
    assert [told(each) for each in found] == [f"question {n}" for n in range(5)]
    assert all(0 <= each.seconds < 5 for each in found if isinstance(each, Reply))


def test_one_teacher_serves_one_loop_after_another(endpoint: Any) -> None:
    with serving(Script()) as (url, _):
        teacher = endpoint(url)
        assert [told(outcome(teacher, request(n))) for n in range(2)] == ["question 0", "question 1"]
