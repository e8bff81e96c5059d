"""The teacher that asks a model of this machine."""

from __future__ import annotations

import io
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

from relata import synth
from relata.errors import RelataError
from relata.filters import Rejection
from relata.ledger import Ledger
from relata.recipes import build
from relata.store import records
from relata.teachers import NoReply, teacher

from .conftest import outcome, outcomes, request, told


def picture() -> bytes:
    image = Image.new("RGB", (160, 120), "white")
    image.paste("red", (10, 10, 50, 50))
    image.paste("blue", (80, 40, 130, 100))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@pytest.mark.skipif(not find_spec("torch"), reason="needs torch: pip install 'relata[models]'")
def test_it_answers_about_pictures_the_same_every_time() -> None:
    asked = [request("What is <r0>?", None, {"a.png": picture()})] * 2
    found = [told(each) for each in outcomes(teacher("model:tiny"), asked)]
    assert found[0] == found[1]
    assert not found[0].startswith("none:")


def test_what_it_cannot_answer_is_no_reply() -> None:
    made = teacher("model:tiny")
    assert "this request has none" in told(outcome(made, request(1)))
    broken = outcome(made, request(1, None, {"a.png": b"\x89PNG\r\n\x1a\n-"}))
    assert isinstance(broken, NoReply)
    assert "image 'a.png': cannot be decoded" in str(broken)


@pytest.mark.skipif(not find_spec("torch"), reason="needs torch: pip install 'relata[models]'")
def test_a_run_files_all_that_it_says_and_asks_nothing_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = list(synth.scenes(2, out=tmp_path))
    run = partial(build, "completion", some, "model:tiny", images=tmp_path, filters=["vqa"])
    report = run(out=tmp_path / "one")
    assert report.read == report.kept + report.rejected >= 2
    assert report.failed == 0
    away = [one for one in records(tmp_path / "one", Rejection) if one.reason == "no-json"]
    assert any(one.reply for one in away)  # it speaks its own dialect, and what it said is kept
    path = tmp_path / "one" / "ledger.sqlite"
    with Ledger(path) as ledger:
        assert ledger.spent().calls >= report.rejected
    monkeypatch.setattr("relata.teachers.model.LoadedModel._answer", None)  # it would be missed
    assert run(out=tmp_path / "two", ledger=path) == report


def test_two_models_have_two_names_and_both_are_kept_in_the_ledger() -> None:
    tiny, base = teacher("model:tiny"), teacher("model:base")
    assert tiny.name != base.name
    assert tiny.name == teacher("model:tiny").name
    assert tiny.paid
    assert tiny.price(10**6, 10**6) == 0.0


def test_a_model_that_has_changed_has_another_name(tmp_path: Path) -> None:
    for name in ("config.json", "weights.bin"):
        (tmp_path / name).write_bytes(b"{}")
    before = teacher(f"model:{tmp_path}").name
    (tmp_path / "weights.bin").write_bytes(b"[]")
    assert teacher(f"model:{tmp_path}").name != before


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(RelataError, match="no shipped model 'tinny'; did you mean tiny"):
        teacher("model:tinny")
    with pytest.raises(RelataError, match="write model:tiny"):
        teacher("model:")
