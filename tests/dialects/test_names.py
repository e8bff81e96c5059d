"""Dialects by name: variants after a colon, options, near names on a typo."""

from __future__ import annotations

import pytest

import relata
from relata.dialects import PROBLEMS, dialect
from relata.errors import RelataError
from relata.names import component, listing

#: The region-token dialect needs the regions of a conversation and is tested with its model.
SPELLED = [name for name in listing("dialects") if name != "relata"]


def test_every_dialect_and_variant_is_made() -> None:
    assert {"asmv2", "internvl", "llava", "paligemma", "plain", "qwen_vl", "relationvlm", "robin"} <= set(SPELLED)
    for stem in SPELLED:
        assert dialect(stem).name == stem
        for variant in component("dialects", stem).VARIANTS:
            assert dialect(f"{stem}:{variant}").name == f"{stem}:{variant}"


def test_the_first_variant_is_the_default() -> None:
    padded, original = dialect("asmv2:padded"), dialect("asmv2:original")
    box = relata.dialect("asmv2").read("<box>[[0, 125, 999, 874]]</box>", [_image()])
    assert box == padded.read("<box>[[0, 125, 999, 874]]</box>", [_image()])
    assert box != original.read("<box>[[0, 125, 999, 874]]</box>", [_image()])
    assert dialect("qwen-vl").name == "qwen-vl"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("asmv3", {}, "unknown dialect 'asmv3'; did you mean asmv2"),
        ("asmv2:orginal", {}, "unknown variant of asmv2 'orginal'; did you mean original"),
        ("qwen_vl", {"max_pixel": 1}, "dialect qwen_vl has no option 'max_pixel'; did you mean max_pixels"),
        ("asmv2", {"digits": 1}, "dialect asmv2 has no option 'digits'; known: none"),
    ],
)
def test_typos(name: str, options: dict[str, int], message: str) -> None:
    with pytest.raises(RelataError, match=message):
        dialect(name, **options)


def test_problem_kinds_are_words_and_say_what_became_of_the_piece() -> None:
    for kind, meaning in PROBLEMS.items():
        assert kind == kind.lower().replace(" ", "-")
        assert len(meaning) > 20


def _image() -> relata.chat.ImageRef:
    from relata.chat import ImageRef

    return ImageRef("a.jpg", 640, 480)
