"""Settings of a teacher: what is refused, and what is part of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata.errors import RelataError
from relata.teachers._settings import Settings, settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: m\ntemprature: 1", "unknown key 'temprature'; did you mean temperature"),
        ("model: m\ntemperature: hot", "Expected `float | null`, got `str` - at `$.temperature`"),
        ("model: m\nconcurrency: 0", "at `$.concurrency`"),
        ("url: http://host/v1", "missing required field `model`"),
        ("model: m\nurl: ftp://host", "url begins with http:// or https://"),
        ("model: m\nkey_env: my key", "key_env is the name of an environment variable"),
        ("- a", "Expected `object`"),
        ("a: [", "line 1: is no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "teacher.yaml"
    file.write_text(text)
    with pytest.raises(RelataError) as caught:
        settings(str(file), Settings, "endpoint")
    assert str(file) in str(caught.value)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_and_no_argument() -> None:
    with pytest.raises(RelataError, match=r"cannot read nowhere\.yaml"):
        settings("nowhere.yaml", Settings, "endpoint")
    with pytest.raises(RelataError, match=r"write endpoint:settings\.yaml"):
        settings("", Settings, "endpoint")


def test_a_name_is_a_model_of_the_environments_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8000/v1/")
    assert settings("Qwen/Qwen3-VL", Settings, "endpoint").base == "http://localhost:8000/v1"
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert settings("gpt-x", Settings, "endpoint").base == "https://api.openai.com/v1"


def test_the_name_changes_with_what_may_change_an_answer_and_with_nothing_else() -> None:
    plain = Settings(model="m", url="http://a/v1")
    name = plain.name("endpoint")
    assert name.startswith("endpoint:m:")
    for change in (
        {"model": "n"},
        {"url": "http://b/v1"},
        {"temperature": 0.0},
        {"max_tokens": 9},
        {"seed": 1},
        {"schema": "off"},
        {"detail": "low"},
        {"body": {"x": 1}},
    ):
        assert plain.replace(**change).name("endpoint") != name
    for change in ({"concurrency": 1}, {"price_in": 3.0}, {"timeout": 1.0}, {"key_env": "K"}, {"url": "http://a/v1/"}):
        assert plain.replace(**change).name("endpoint") == name
