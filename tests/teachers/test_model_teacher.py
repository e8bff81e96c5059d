"""The teacher that asks a model of this machine."""

from __future__ import annotations

import io
from importlib.util import find_spec

import pytest
from PIL import Image

from relata.errors import RelataError
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


def test_two_models_have_two_names_and_both_are_kept_in_the_ledger() -> None:
    tiny, base = teacher("model:tiny"), teacher("model:base")
    assert tiny.name != base.name
    assert tiny.name == teacher("model:tiny").name
    assert tiny.paid
    assert tiny.price(10**6, 10**6) == 0.0


def test_a_model_that_is_not_there_is_told() -> None:
    with pytest.raises(RelataError, match="no shipped model 'tinny'; did you mean tiny"):
        teacher("model:tinny")
    with pytest.raises(RelataError, match="write model:tiny"):
        teacher("model:")
