"""The scripted chat server by itself."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from relata.chatserver import Answer, Rule, Script, Server, least, load, serving
from relata.cli.serve_script import serve_script
from relata.errors import RelataError


def asked(text: str) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": text}]})


def answers(script: Script, texts: list[str]) -> Mapping[str, list[str]]:
    """What is done to each text, every time it comes."""
    server = Server(script)
    done: dict[str, list[str]] = {}

    async def run() -> None:
        for text in texts:
            answer: Answer = await server.reply("POST", "/v1/chat/completions", {}, asked(text))
            done.setdefault(text, []).append(answer.do)

    asyncio.run(run())
    return done


FAULTS = Script(seed=3, rules=(Rule(do="reset", share=0.2), Rule(do="null", share=0.2), Rule(do="half", share=0.2)))


def test_what_is_done_depends_on_the_request_and_the_seed_and_not_on_the_order() -> None:
    texts = [f"text {n}" for n in range(200)] * 2
    forwards, backwards = answers(FAULTS, texts), answers(FAULTS, texts[::-1])
    assert forwards == backwards
    assert answers(FAULTS.replace(seed=4), texts) != forwards


def test_shares_are_kept_and_a_second_try_has_dice_of_its_own() -> None:
    done = answers(FAULTS, [f"text {n}" for n in range(1000)] * 2)
    first = [each[0] for each in done.values()]
    assert 150 < first.count("reset") < 250
    assert 120 < first.count("null") < 200  # of what the first rule leaves
    assert len({(each[0], each[1]) for each in done.values()}) == 16


def test_rules_match_and_are_used_up() -> None:
    rules = (Rule(do="reply", match="^a", times=2, reply="A"), Rule(do="refuse", match="[ab]"))
    done = answers(Script(rules=rules), ["a", "b", "a", "a", "c"])
    assert done == {"a": ["reply", "reply", "refuse"], "b": ["refuse"], "c": ["echo"]}


def test_stats_count_what_was_asked() -> None:
    with serving(Script(rules=(Rule(do="status", status=503, times=1),))) as (url, _):
        address = f"{url}/chat/completions"
        with pytest.raises(HTTPError, match="503"):
            urlopen(Request(address, asked("x")))
        reply = msgspec.json.decode(urlopen(Request(address, asked("x"))).read())
        stats = msgspec.json.decode(urlopen(url.replace("/v1", "/stats")).read())
    assert reply["choices"][0]["message"]["content"] == "x"
    assert (stats["requests"], stats["distinct"], stats["status 503"], stats["status 200"]) == (2, 1, 1, 1)


def test_only_the_key_is_let_in() -> None:
    with serving(Script(key="k")) as (url, _):
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"{url}/models")
        assert urlopen(Request(f"{url}/models", headers={"Authorization": "Bearer k"})).status == 200


@pytest.mark.parametrize(
    ("address", "body", "status"),
    [
        ("nothing", None, 404),
        ("files/none/content", None, 404),
        ("batches", b'{"input_file_id": "none"}', 404),
        ("batches", b"{", 400),
        ("chat/completions", b"nonsense", 400),
    ],
)
def test_what_it_does_not_have_is_told(address: str, body: bytes | None, status: int) -> None:
    with serving(Script()) as (url, _):
        with pytest.raises(HTTPError, match=str(status)):
            urlopen(Request(f"{url}/{address}", body))
        listed = msgspec.json.decode(urlopen(f"{url}/batches?after=none").read())
    assert listed == {"object": "list", "data": [], "has_more": False}


def test_a_port_that_is_taken_is_told() -> None:
    with serving(Script()) as (url, _), pytest.raises(RelataError, match="--port 0 takes a free one"):
        serve_script(None, "127.0.0.1", int(url.removesuffix("/v1").rpartition(":")[2]))


class Leaf(msgspec.Struct, tag="leaf"):
    size: Annotated[int, msgspec.Meta(ge=3)]
    name: Annotated[str, msgspec.Meta(min_length=2)]


class Tree(msgspec.Struct):
    kind: Literal["oak", "elm"]
    leaves: Annotated[list[Leaf], msgspec.Meta(min_length=1)]
    at: tuple[int, float]
    inside: list[Tree] = []
    note: str | None = None
    old: bool = True


@pytest.mark.parametrize("type", [Tree, list[Tree], dict[str, int], tuple[int, str], bool, Leaf | None])
def test_the_least_value_fits_its_schema(type: Any) -> None:
    schema = msgspec.json.schema(type)
    value = least(schema, schema)
    found = msgspec.convert(value, type)
    assert msgspec.json.decode(msgspec.json.encode(found), type=type) == found


def test_scripts_are_yaml(tmp_path: Path) -> None:
    yaml = tmp_path / "s.yaml"
    yaml.write_text("seed: 7\nlatency: [0.1, 0.2]\nrules:\n  - {share: 0.1, do: status, status: 429}\n")
    assert load(yaml) == Script(seed=7, latency=(0.1, 0.2), rules=(Rule(do="status", share=0.1, status=429),))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules: [{do: hang, shar: 1}]", "unknown key 'shar' - at `$.rules[0]`; did you mean share"),
        ("rules: [{do: dance}]", "Invalid enum value 'dance'"),
        ("rules: [{do: hang, share: 2}]", "at `$.rules[0].share`"),
        ("rules: [{do: hang, match: '('}]", "match"),
    ],
)
def test_what_is_no_script_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(RelataError) as caught:
        load(tmp_path / "s.yaml")
    assert message in str(caught.value)


def test_the_command_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("rules: [{do: reply, reply: scripted}]")
    code = "import sys, typer; from relata.cli.serve_script import serve_script; typer.run(serve_script)"
    command = [sys.executable, "-c", code, str(tmp_path / "s.yaml"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        url = process.stdout.readline().strip()
        reply = msgspec.json.decode(urlopen(Request(f"{url}/chat/completions", asked("x"))).read())
        process.send_signal(2)
        assert process.stderr.read().endswith("1 requests\n")
    assert reply["choices"][0]["message"]["content"] == "scripted"
