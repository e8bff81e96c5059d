"""Dialects by name: variants after a colon, options, near names on a typo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import relata
from relata.chat import ImageRef
from relata.dialects import PROBLEMS, dialect
from relata.errors import RelataError
from relata.grounded import Mention, Predicate, Text
from relata.names import component, listing
from relata.scene import Box

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
        ("llava", {"digits": 9}, "digits is 9; it must be 1 to 4"),
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


def test_the_dialect_in_the_docs_works() -> None:
    page = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
    module: dict[str, Any] = {"__name__": "minigpt"}
    exec(page.split("```python\n")[1].split("```")[0], module)
    made = module["make"]("minigpt", "100")
    images = [ImageRef("a.jpg", 100, 100), ImageRef("b.jpg", 100, 100)]
    dogs, rug = (Box(1, 2, 30, 40), Box(50, 60, 70, 80)), (Box(0, 50, 100, 100),)
    spans = (Mention("dogs", dogs), Text(" "), Predicate("on", dogs, rug), Text(" a {rug: "), Mention("", rug, 1))
    written = "<p>dogs</p>{<1><2><30><40><delim><50><60><70><80>}"
    assert made.write(spans[:1], images) == written
    assert made.read(made.write(spans, images), images) == (spans, [])
    assert made.read(written[:-2], images)[0] == (Mention("dogs", dogs[:1]), Text("<80"))


def test_problems_are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text()
    for kind, meaning in PROBLEMS.items():
        assert f"| `{kind}` | {meaning} |" in page


def _image() -> ImageRef:
    return ImageRef("a.jpg", 640, 480)
