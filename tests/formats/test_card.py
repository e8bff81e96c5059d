"""The dataset card, and samples as models see them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from yaml import safe_load

from relata import store
from relata.card import card
from relata.chat import Example, ImageRef, Message, Preference
from relata.dialects import dialect
from relata.errors import RelataError
from relata.geometry import iou
from relata.grounded import ImageSlot, Mention, Predicate, Span, Text
from relata.recipes import build
from relata.scene import Box, encode
from relata.synth import write
from relata.view.framed import seen
from relata.view.palette import COLORS

from .talks import draw, example, pair, preference

WIDE = ImageRef("wide.png", 300, 100)
#: A white thing on black, whose box the text tells.
THING = Box(30, 20, 90, 80)


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    image = Image.new("RGB", (WIDE.width, WIDE.height), "black")
    ImageDraw.Draw(image).rectangle((THING.x1, THING.y1, THING.x2 - 1, THING.y2 - 1), fill="white")
    image.save(tmp_path / WIDE.path)
    return tmp_path


def said(*spans: Span) -> Example:
    return Example("x", (WIDE,), (Message("user", (ImageSlot(), Text("Where?"))), Message("assistant", spans)))


def drawn_box(picture: Image.Image) -> Box:
    """The extent of the first region's colour, without its tag: of the columns and rows that it crosses most."""
    blue = tuple(int(COLORS[0][k : k + 2], 16) for k in (1, 3, 5))
    hits = {(x, y) for x in range(picture.width) for y in range(picture.height) if picture.getpixel((x, y)) == blue}
    columns = [x for x in range(picture.width) if sum((x, y) in hits for y in range(picture.height)) > 60]
    rows = [y for y in range(picture.height) if sum((x, y) in hits for x in range(picture.width)) > 60]
    return Box(min(columns), min(rows), max(columns) + 1, max(rows) + 1)


def white_box(picture: Image.Image) -> Box:
    """The extent of the thing in the drawn picture."""
    grey = picture.convert("L").point(lambda value: 255 if value > 250 else 0)
    left, top, right, bottom = grey.getbbox() or (0, 0, 0, 0)
    return Box(left, top, right, bottom)


@pytest.mark.parametrize("name", ["asmv2", "llava", "llava:original", "qwen_vl", "qwen_vl:1000", "plain", "robin"])
def test_the_box_lies_on_the_thing(wide: Path, name: str) -> None:
    """In whatever frame the family works: the thing in the drawn picture, and the box out of the text, coincide."""
    digits = {"digits": 4} if name.startswith("llava") else {}
    found = seen(said(Mention("", (THING,))), dialect(name, **digits), wide)
    assert found.picture is not None
    assert found.problems == ()
    box = drawn_box(found.picture)
    inner = Box(box.x1 + 2, box.y1 + 2, box.x2 - 2, box.y2 - 2)
    assert iou(inner, white_box(found.picture)) > 0.85


def test_frames(wide: Path) -> None:
    """A wide picture is padded to a square for ASMv2, and resized to multiples of 28 for Qwen2.5-VL."""
    spans = (Mention("thing", (THING,)), Text(" "), Predicate("left of", (THING,), (Box(200, 0, 300, 50),)))
    padded = seen(said(*spans), dialect("asmv2"), wide)
    resized = seen(said(*spans), dialect("qwen_vl"), wide)
    assert padded.picture is not None
    assert resized.picture is not None
    assert padded.picture.size == (600, 600)  # small pictures are enlarged, here twice
    assert padded.picture.getpixel((5, 5)) == (122, 116, 104)
    assert resized.picture.size == (616, 224)
    assert padded.relations == resized.relations == ("thing [0] left of Unknown [1]",)
    assert padded.turns[0] == ("user", "<image>Where?")


def test_what_cannot_be_shown_is_told(wide: Path) -> None:
    found = seen(said(Mention("thing", (THING,))), dialect("asmv2"), wide / "nowhere")
    assert found.picture is None
    assert found.problems == ("image wide.png cannot be shown: missing",)
    Image.new("RGB", (10, 10)).save(wide / WIDE.path)
    assert "10 x 10 px, the record says 300 x 100" in seen(said(Text("x")), dialect("asmv2"), wide).problems[0]


def test_card_of_a_run(tmp_path: Path) -> None:
    write(tmp_path / "world", 6)
    report = build("rec", tmp_path / "world" / "scenes.jsonl", out=tmp_path / "run", exclude=["000000000001"])
    page = card(tmp_path / "run", tmp_path / "card", tmp_path / "world", dialect="asmv2", title="A | <b> `set`")
    text = page.read_text(encoding="utf-8")
    front = safe_load(text.split("---")[1])
    assert (front["pretty_name"], front["size_categories"]) == ("A | <b> `set`", ["n<1K"])
    assert front["license"] == "other"
    assert "# A \\| &lt;b> \\`set\\`" in text
    for kind, count in report.kinds.items():
        assert f"| {kind} | {count} |" in text
    assert f"{report.read} read = {report.kept} kept + 0 rejected + 0 failed." in text
    assert "| synth |  | " in text
    assert "rendered by this package" in text
    assert "| teacher | rules (" in text
    assert "Images of benchmarks were left out: those of the list with digest" in text
    assert "padded to a square. Numbers are 0 to 999" in text
    pictures = sorted(path.name for path in (tmp_path / "card" / "samples").iterdir())
    assert pictures == ["01.png", "02.png", "03.png"]
    assert all(f"(samples/{name})" in text for name in pictures)
    assert "<box>[[" in text
    assert "Read back: " in text
    assert str(tmp_path) not in text, "no path of this machine"
    again = card(tmp_path / "run", tmp_path / "card", tmp_path / "world", dialect="asmv2", title="A | <b> `set`")
    assert again.read_text(encoding="utf-8") == text


def test_sources_licences_and_samples_of_each(tmp_path: Path) -> None:
    root = draw(tmp_path)
    records = [example(f"a{k}") for k in range(5)]
    records += [pair(f"b{k}").replace(provenance={"format": "llava", "file": f"f{k}.json"}) for k in range(7)]
    data = tmp_path / "examples.jsonl"
    data.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    text = card(data, tmp_path / "card", root, licences={"made up": "CC0"}).read_text(encoding="utf-8")
    assert "| made up |  | 5 | CC0 |" in text
    assert "| llava | f0.json, f1.json, f2.json, f3.json, f4.json and 2 more | 7 | CC BY-NC 4.0 |" in text
    assert "**Restricted or unknown: llava.**" in text
    assert [text.count(f"### {k}. llava") for k in (1, 2, 3)] == [1, 1, 1]
    assert [text.count(f"### {k}. made up") for k in (4, 5, 6)] == [1, 1, 1]
    assert "    user: Image 1: <image>\n    Image 2: <image>\n    Compare." in text, "as it is exported"
    assert "No list of benchmark images was left out" in text
    with Image.open(tmp_path / "card" / "samples" / "01.png") as picture:
        assert picture.width > 640, "both images side by side"


def test_preferences_and_nothing(tmp_path: Path) -> None:
    root = draw(tmp_path)
    data = tmp_path / "run"
    files = [store.write_records(data, "preferences/00000.jsonl", Preference, [preference()])]
    store.write_manifest(data, {}, files)
    text = card(data, tmp_path / "card", root).read_text(encoding="utf-8")
    assert "1 preferences (a question with a better and a worse answer)" in text
    assert "| on | 1 |" in text
    store.write_manifest(data, {}, [*files, store.write_records(data, "examples/00000.jsonl", Example, [])])
    with pytest.raises(RelataError, match="two kinds of examples"):
        card(data, tmp_path / "card", root)
    assert "0 conversations" in card(data / "examples", tmp_path / "none", root).read_text(encoding="utf-8")


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    root = draw(tmp_path)
    evil = "![x](http://e.vil/x.png) <script>alert(1)</script>\n\n# Heading\n\x1b[2J"
    record = example(evil).replace(recipe=evil, provenance={"dataset": evil, "teacher": evil})
    turns = (Message("user", (Text(evil),)), Message("assistant", (Mention(evil, (THING,)),)))
    data = tmp_path / "x.jsonl"
    data.write_bytes(encode(record.replace(messages=turns)) + b"\n")
    text = card(data, tmp_path / "card", root).read_text(encoding="utf-8")
    outside = [row for row in text.split("\n") if not row.startswith("    ")]
    assert not any("<script>" in row or "![x]" in row or "\x1b" in row or row == "# Heading" for row in outside)
    assert "\x1b" not in text


def test_another_readme_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "x.jsonl").write_bytes(encode(example()) + b"\n")
    with pytest.raises(RelataError, match="another one"):
        card(tmp_path / "x.jsonl", tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"
