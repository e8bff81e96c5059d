"""Keys stay where they are: nothing that a teacher says, raises, writes or is called holds one."""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

import made_scenes
from relata.chatserver import Answer, Script, Server, serving
from relata.errors import RelataError
from relata.scene import encode
from relata.teachers import teacher
from relata.teachers._settings import Settings, settings

from .conftest import outcome, request, told

KEY = "sk-canary-0123456789-abcdefghij"


def echoing(server: Server, status: int) -> None:
    """Have a server send back the key that it was sent, in the text of its reply, however it ends."""

    async def reply(method: str, path: str, headers: Any, body: bytes) -> Answer:
        key = headers["authorization"]
        assert KEY in key
        message = {"content": f"you sent {key}"}
        made = {"choices": [{"message": message}], "error": {"message": f"not welcome: {key}", "code": "no"}}
        return Answer(status, msgspec.json.encode(made), {"x-key": "none"})

    server.reply = reply  # type: ignore[method-assign]


@pytest.mark.parametrize("status", [200, 400, 401, 500])
def test_a_key_that_the_server_sends_back_goes_nowhere(
    endpoint: Any, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)
    with serving(Script()) as (url, server):
        echoing(server, status)
        made = endpoint(url, key_env="MY_KEY", attempts=2)
        try:
            found = outcome(made, request(1))
            said = (
                told(found) + "".join(traceback.format_exception(found))
                if isinstance(found, Exception)
                else told(found)
            )
        except RelataError:
            said = traceback.format_exc()
    assert "***" in said
    assert caplog.text
    for text in (
        said,
        caplog.text,
        made.name,
        repr(made),
        repr(made.settings),
        msgspec.json.encode(made.settings).decode(),
    ):
        assert KEY not in text


CRASH = """
import sys, traceback
from relata.recipes import build
try:
    build("rec", sys.argv[1], sys.argv[2], out=sys.argv[3], kinds=["detailed"])
except BaseException as error:
    print(*traceback.TracebackException.from_exception(error, capture_locals=True).format())
"""


@pytest.mark.parametrize("kind", ["endpoint", "batch"])
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_run_leaves_no_key_in_any_file_or_log_or_dump(tmp_path: Path, kind: str, status: int) -> None:
    """The server sends the key back in whatever it says, the client logs all it can, and crashes tell all variables."""
    (tmp_path / "scenes.jsonl").write_bytes(b"".join(encode(one) + b"\n" for one in made_scenes.scenes(4)))
    (tmp_path / "photos").mkdir()
    for one in made_scenes.scenes(4):
        Image.new("RGB", (100, 80)).save(tmp_path / one.image)
    with serving(Script()) as (url, server):
        echoing(server, status)
        said = {"model": "m", "url": url, "key_env": "MY_KEY", "attempts": 2, "backoff": 0.01}
        (tmp_path / "t.json").write_bytes(encode(said | ({"poll": 0.01, "gather": 0.01} if kind == "batch" else {})))
        arguments = [tmp_path / "scenes.jsonl", f"{kind}:{tmp_path / 't.json'}", tmp_path / "out"]
        environment = {**os.environ, "MY_KEY": KEY, "OPENAI_LOG": "debug"}
        found = subprocess.run([sys.executable, "-c", CRASH, *arguments], env=environment, capture_output=True)
    assert b"HTTP" in found.stderr
    assert KEY.encode() not in found.stdout + found.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "ledger.sqlite" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_a_key_does_not_change_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    names = set()
    for key in ("one", "two"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        names.add(teacher("endpoint:gpt").name)
    assert len(names) == 1


@pytest.mark.parametrize("key", [f"{KEY}\nx", f"{KEY} x", f"{KEY}é"])
def test_a_key_that_cannot_be_one_is_not_shown(endpoint: Any, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(RelataError, match="MY_KEY is set to what is no key") as caught:
        endpoint("http://127.0.0.1:1/v1", key_env="MY_KEY")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        f"model: m\nkey_env: {KEY}",
        f"model: m\nkey: {KEY}",
        f"model: m\nurl: http://user:{KEY}@host/v1",
        f"model: m\nurl: http://host/v1?key={KEY}",
        f"model: [{KEY}",
        f"model: m\nseed: {KEY}",
    ],
)
def test_a_key_written_into_the_settings_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(text)
    with pytest.raises(RelataError) as caught:
        settings(str(file), Settings, "endpoint")
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_a_key_is_not_sent_to_an_address_of_a_file_that_does_not_name_it(
    endpoint: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with serving(Script()) as (url, server):
        sent: list[str] = []
        answer = server.reply

        async def listen(method: str, path: str, headers: Any, body: bytes) -> Answer:
            sent.append(headers.get("authorization", ""))
            return await answer(method, path, headers, body)

        server.reply = listen  # type: ignore[method-assign]
        outcome(endpoint(url), request(1))
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        outcome(endpoint(""), request(2))
    assert KEY not in sent[0]
    assert sent[1] == f"Bearer {KEY}"


def test_a_redirect_leads_nowhere(endpoint: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with serving(Script()) as (url, first), serving(Script()) as (elsewhere, second):

        async def reply(method: str, path: str, headers: Any, body: bytes) -> Answer:
            return Answer(307, b"", {"location": f"{elsewhere}/chat/completions"})

        first.reply = reply  # type: ignore[method-assign]
        found = outcome(endpoint(url, key_env="MY_KEY"), request(1))
    assert "HTTP 307" in told(found)
    assert second.counts["requests"] == 0


def test_what_goes_to_workers_is_the_name_of_the_teacher_and_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert KEY.encode() not in pickle.dumps(Settings(model="m"))


def test_a_key_that_is_needed_and_absent_is_told_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(RelataError, match="the environment has no OPENAI_API_KEY"):
        Settings(model="m").key()
    with pytest.raises(RelataError, match="the environment has no MY_KEY_2"):
        Settings(model="m", url="http://localhost/v1", key_env="MY_KEY_2").key()
    assert Settings(model="m", url="http://localhost/v1").key() == ""
