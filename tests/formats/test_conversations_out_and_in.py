"""What a format writes it reads back, to the dialect's precision; what it cannot hold is told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from relata import store
from relata.chat import Example, ImageRef, Message, Preference
from relata.dialects import Dialect, dialect
from relata.dialects._scan import joined
from relata.errors import RelataError
from relata.formats import export, import_
from relata.formats._turns import as_shown
from relata.graph import pairs
from relata.grounded import ImageSlot, Mention, Predicate, Span, Text
from relata.linter import check
from relata.readers._outcome import Rejected
from relata.recipes import build
from relata.scene import Box, Scene, encode
from relata.synth import write

from .talks import DOG, FIRST, KITE, RUG, SECOND, answer, clean, dirty, draw, example, pair, preference, talks

DIALECTS = ["asmv2", "internvl", "llava", "paligemma", "plain", "qwen_vl", "qwen_vl:1000", "relationvlm", "robin"]
TEXTS = [("llava", {}), ("sharegpt", {}), ("sharegpt", {"layout": "conversations"})]


def back(record: Example | Preference, out: Path, format: str, markup: str | None, **options: Any) -> Any:
    """A record after it was written and read."""
    file, folder = out / "there.json", out / "back"
    for left in sorted(folder.rglob("*"), reverse=True):
        left.unlink() if left.is_file() else left.rmdir()
    told = export([record], format, file, dialect=markup, **options)
    assert (told.read, told.written, told.rejected) == (1, 1, ())
    options.pop("layout", None)
    options.pop("objects", None)
    found = import_(format, file, folder, dialect=markup, **options)
    assert (found.read, found.kept, found.rejected, found.problems) == (1, 1, 0, 0)
    return next(store.records(folder, type(record)))


def coarse(record: Example | Preference, markup: str) -> list[tuple[str, tuple[Span, ...]]]:
    """The turns of a record as it is shown, each span through the dialect by itself."""
    made = dialect(markup)
    ready = as_shown(record)
    return [(message.role, _through(made, message.spans, ready.images)) for message in ready.messages]


def _through(made: Dialect, spans: Sequence[Span], images: Sequence[ImageRef]) -> tuple[Span, ...]:
    found: list[Span] = []
    for span in joined(spans):
        read, problems = made.read(made.write([span], images), images)
        assert not problems
        if isinstance(span, ImageSlot):
            found.append(span)
        else:
            found += read
    return tuple(found)


@pytest.mark.parametrize(("format", "options"), TEXTS)
@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("record", [example(), pair()], ids=["one image", "two images"])
def test_the_same_grounded_text_comes_back(
    tmp_path: Path, format: str, options: dict[str, str], name: str, record: Example
) -> None:
    found = back(record, tmp_path, format, name, **options)
    assert [(message.role, message.spans) for message in found.messages] == coarse(record, name)
    assert (found.id, found.images, found.recipe) == (record.id, record.images, record.recipe)


@pytest.mark.parametrize(("format", "options"), TEXTS)
@pytest.mark.parametrize("name", ["asmv2", "qwen_vl", "relationvlm"])
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=talks(clean))
def test_any_conversation_comes_back(
    tmp_path: Path, format: str, options: dict[str, str], name: str, record: Example
) -> None:
    """Images in any order and any turn; boxes to the dialect's precision."""
    found = back(record, tmp_path, format, name, **options)
    ready = as_shown(record)
    made = dialect(name)
    assert found.images == ready.images
    assert [bones(m.spans) for m in found.messages] == [
        bones(made.read(made.write(m.spans, ready.images), ready.images)[0], m.spans) for m in ready.messages
    ]


def bones(spans: Sequence[Span], numbered: Sequence[Span] = ()) -> list[Span]:
    """All but plain words; image slots numbered as in `numbered`, since a dialect counts those of one text."""
    slots = iter([span for span in numbered if isinstance(span, ImageSlot)])
    return [next(slots, span) if isinstance(span, ImageSlot) else span for span in spans if not isinstance(span, Text)]


def one_sided(span: Span) -> Span:
    """A predicate with a side that is one box throughout, as it is read back."""
    if not isinstance(span, Predicate):
        return span
    if len(set(span.subjects)) == len(set(span.objects)) == 1:  # one pair, however often
        return span.replace(subjects=span.subjects[:1], objects=span.objects[:1])
    if len(set(span.subjects)) == 1:
        return span.replace(subjects=span.subjects[:1])
    return span.replace(objects=span.objects[:1]) if len(set(span.objects)) == 1 else span


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=talks(clean))
def test_placeholders_are_exact(tmp_path: Path, record: Example) -> None:
    found = back(record, tmp_path, "sharegpt", None, objects=True)
    ready = as_shown(record)
    wanted = [(m.role, tuple(map(one_sided, m.spans))) for m in ready.messages]
    assert [(m.role, m.spans) for m in found.messages] == wanted
    assert (found.id, found.images, found.recipe) == (ready.id, ready.images, ready.recipe)


@pytest.mark.parametrize(("format", "options"), [*TEXTS, ("sharegpt", {"objects": True})])
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=talks(dirty))
def test_words_cannot_pass_for_images_or_boxes(
    tmp_path: Path, format: str, options: dict[str, Any], record: Example
) -> None:
    """Captions full of markup: as many images and boxes come back as were there, and no others."""
    found = back(record, tmp_path, format, None if options.get("objects") else "asmv2", **options)
    boxes = [[type(span) for span in m.spans if not isinstance(span, Text)] for m in found.messages]
    assert boxes == [[type(span) for span in m.spans if not isinstance(span, Text)] for m in record.messages]


def test_llava_layout(tmp_path: Path) -> None:
    export([example("1"), pair("2")], "llava", tmp_path / "x.json", dialect="asmv2")
    one, two = json.loads((tmp_path / "x.json").read_text())
    assert (one["image"], one["width"], one["height"]) == ("a.png", 640, 480)
    assert one["conversations"][:2] == [
        {"from": "human", "value": "<image>\nDescribe."},
        {
            "from": "gpt",
            "value": "A <ref>dog</ref><box>[[16, 172, 624, 250]]</box> "
            "<pred>on</pred><box>[[16, 172, 624, 250]]</box><box>[[0, 203, 999, 874]]</box> it.",
        },
    ]
    assert (two["image"], two["width_list"], two["height_list"]) == (["a.png", "sub/b.jpg"], [640, 310], [480, 300])
    assert two["conversations"][0]["value"] == "Image 1: <image>\nImage 2: <image>\nCompare."
    assert "<box>Image 2: [[" in two["conversations"][1]["value"]


def test_ms_swift_layout(tmp_path: Path) -> None:
    """As its documentation has it: names and boxes in the order of their placeholders, pixels of the original."""
    export([example(), pair()], "sharegpt", tmp_path / "x.jsonl", objects=True)
    one, two = map(json.loads, (tmp_path / "x.jsonl").read_text().splitlines())
    assert one["messages"] == [
        {"role": "user", "content": "<image>\nDescribe."},
        {"role": "assistant", "content": "A <ref-object><bbox> <pred>on</pred><bbox><bbox> it."},
        {"role": "user", "content": "What is at <bbox>?"},
        {"role": "assistant", "content": "A rug."},
    ]
    boxes = [list(box.tuple()) for box in (DOG, DOG, RUG, RUG)]
    assert one["objects"] == {"ref": ["dog"], "bbox": boxes, "image_id": [0, 0, 0, 0], "bbox_type": "real"}
    kites = "<ref-object>Image 2: <bbox>Image 2: <bbox>"  # what the model is to learn; image_id only scales
    assert two["messages"][1]["content"] == f"{kites} and <ref-object><bbox>."
    assert (two["objects"]["ref"], two["objects"]["image_id"]) == (["kite", "dog"], [1, 1, 0])


def test_our_dialect_reads_what_ms_swift_makes_of_placeholders(tmp_path: Path) -> None:
    """As its templates for Qwen2-VL fill them: names and boxes in tokens, boxes in thousandths."""
    boxes = (DOG, RUG, KITE)
    many = (Predicate("beside", boxes[:2], boxes[1:]), Text(" "), Predicate("on", boxes, (RUG,)), Text("."))
    record = example().replace(messages=(Message("user", (ImageSlot(),)), Message("assistant", (*answer(), *many))))
    export([record], "sharegpt", tmp_path / "x.jsonl", objects=True)
    row = json.loads((tmp_path / "x.jsonl").read_text())
    names, places = iter(row["objects"]["ref"]), iter(row["objects"]["bbox"])

    def filled(tag: re.Match[str]) -> str:
        if tag.group() == "<ref-object>":
            return f"<|object_ref_start|>{next(names)}<|object_ref_end|>"
        x1, y1, x2, y2 = (round(value / side * 1000) for value, side in zip(next(places), (640, 480) * 2))
        return f"<|box_start|>({x1},{y1}),({x2},{y2})<|box_end|>"

    text = re.sub("<ref-object>|<bbox>", filled, row["messages"][1]["content"])
    spans, problems = dialect("qwen_vl:1000").read(text, record.images)
    assert not problems
    assert [s.text for s in spans if isinstance(s, Mention)] == ["dog"]
    found, wanted = map(said, (spans, record.messages[1].spans))
    assert [words for words, _ in found] == [words for words, _ in wanted]
    shifts = [abs(a - b) for (_, one), (_, two) in zip(found, wanted) for a, b in zip(one, two)]
    assert max(shifts) < 0.64  # pixels: a thousandth of the width


def said(spans: Sequence[Span]) -> list[tuple[str, list[float]]]:
    """Each pair that a predicate relates, with the coordinates of both."""
    predicates = [span for span in spans if isinstance(span, Predicate)]
    return [(p.text, [value for box in ends for value in box.tuple()]) for p in predicates for ends in pairs(p)]


def test_a_box_of_another_image_than_the_text_says_is_told(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "<image><image>Where?"}, {"role": "assistant", "content": "Image 2: <bbox>"}]
    objects = {"ref": [], "bbox": [[5, 5, 50, 50]], "image_id": [0]}
    file = tmp_path / "x.jsonl"
    file.write_text(json.dumps({"messages": turns, "images": ["a.png", "sub/b.jpg"], "objects": objects}))
    told = import_("sharegpt", file, tmp_path / "in", images=draw(tmp_path / "images"))
    assert (told.kept, told.problems) == (1, 1)
    assert "mixed-images" in (tmp_path / "in" / "rejected.jsonl").read_text()


def test_placeholders_of_others(tmp_path: Path) -> None:
    """Records as ms-swift documents them: a name without boxes, points, shares of the image, several images."""
    file = tmp_path / "grounding.jsonl"
    rows = [
        {
            "messages": [
                {"role": "system", "content": "You are a helpful assistant."},
                {"role": "user", "content": "<image>Find the <ref-object> in the image"},
                {"role": "assistant", "content": "<bbox><bbox>"},
            ],
            "images": ["a.png"],
            "objects": {"ref": ["sheep"], "bbox": [[90.9, 160.8, 135, 212.8], [360.9, 430.5, 495, 470]]},
        },
        {
            "messages": [{"role": "user", "content": "<image>Click"}, {"role": "assistant", "content": "at <bbox>"}],
            "images": ["a.png"],
            "objects": {"ref": [], "bbox": [[615, 226]]},
        },
        {
            "messages": [
                {"role": "user", "content": "<image><image>Both"},
                {"role": "assistant", "content": "<ref-object><bbox><bbox>"},
            ],
            "images": ["a.png", "sub/b.jpg"],
            "objects": {
                "ref": ["it"],
                "bbox": [[0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]],
                "bbox_type": "norm1",
                "image_id": [0, 1],
            },
        },
    ]
    file.write_text("\n".join(map(json.dumps, rows)))
    told = import_("sharegpt", file, tmp_path / "in", images=draw(tmp_path / "images"))
    assert (told.read, told.kept, told.rejected, told.problems) == (3, 3, 0, 1)
    sheep, click, both = store.records(tmp_path / "in", Example)
    assert sheep.messages[1].spans == (ImageSlot(), Text("Find the sheep in the image"))
    assert sheep.messages[2].spans == (Mention("", (Box(90.9, 160.8, 135, 212.8), Box(360.9, 430.5, 495, 470))),)
    assert sheep.images == (ImageRef("a.png", 640, 480),)
    assert click.messages[1].spans == (Text("at "),)
    assert [(one.part, "bad-box" in one.reason) for one in store.records(tmp_path / "in", Rejected)] == [(True, True)]
    assert both.messages[1].spans == (
        Mention("it", (Box(0, 0, 320, 240),), 0),
        Mention("", (Box(155, 150, 310, 300),), 1),
    )


@pytest.mark.parametrize(("format", "options"), TEXTS)
def test_preferences(tmp_path: Path, format: str, options: dict[str, str]) -> None:
    found = back(preference(), tmp_path, format, "plain", **options)
    assert found == preference().replace(provenance=found.provenance)
    (row,) = json.loads((tmp_path / "there.json").read_text())
    if format == "llava":
        assert row["conversations"][:-1] == row["rejected_conversations"][:-1]
        assert "under" in row["rejected_conversations"][-1]["value"]
    elif options:
        assert (row["chosen"]["from"], row["rejected"]["from"], len(row["conversations"])) == ("gpt", "gpt", 1)
    else:
        assert [message["role"] for message in row["messages"]] == ["user", "assistant"]
        assert "under" in row["rejected_response"]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    two_users = example("two-users")
    two_users = two_users.replace(messages=(two_users.messages[2], *two_users.messages))
    unpaired = example("unpaired").replace(
        messages=(Message("user", ()), Message("assistant", (Predicate("on", (DOG, RUG), (DOG, RUG, DOG)),)))
    )
    open_end = example("open-end")
    open_end = open_end.replace(messages=open_end.messages[:3])
    system = example("system")
    system = system.replace(messages=(Message("system", (Text("Be brief."),)), *system.messages))
    records = [example("fine"), two_users, unpaired, open_end, system]
    out = tmp_path / "x.json"
    told = export(records, "llava", out, dialect="asmv2")
    assert (told.read, told.written) == (5, 2)
    assert [one.where for one in told.rejected] == ["example two-users", "example open-end", "example system"]
    assert [row["id"] for row in json.loads(out.read_text())] == ["fine", "unpaired"]
    assert len(list(store.records(tmp_path / "x.rejected.jsonl", Rejected))) == 3

    told = export(records, "sharegpt", out, objects=True)
    assert [one.where.split()[1] for one in told.rejected] == ["two-users", "unpaired", "open-end"]
    assert export(records[:1], "llava", out, dialect="asmv2").rejected == ()
    assert not (tmp_path / "x.rejected.jsonl").exists(), "that of the earlier export has to go"


def test_answers_that_read_alike_in_a_dialect(tmp_path: Path) -> None:
    """Boxes make the difference, and the dialect writes none."""
    alike = preference().replace(chosen=(Mention("dog", (DOG,)),), rejected=(Mention("dog", (RUG,)),))
    told = export([alike, preference("d2")], "llava", tmp_path / "x.json", dialect="plain:words")
    assert [one.reason for one in told.rejected] == ["both answers read the same in this dialect"]


def test_images_are_checked_where_they_are(tmp_path: Path) -> None:
    root = draw(tmp_path / "images")
    records = [
        example("fine"),
        example("missing").replace(images=(ImageRef("c.png", 640, 480),)),
        example("size").replace(images=(ImageRef("sub/b.jpg", 640, 480),)),
        example("outside").replace(images=(ImageRef("../images/a.png/../../../x", 640, 480),)),
    ]
    told = export(records, "llava", tmp_path / "x.json", dialect="asmv2", images=root)
    assert told.written == 1
    reasons = {one.where.split()[1]: one.reason for one in told.rejected}
    assert "was not found" in reasons["missing"]
    assert "310 x 300 pixels, the record says 640 x 480" in reasons["size"]
    assert "outside the folder" in reasons["outside"]


def test_import_tells_what_it_loses(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    good = {"id": 1, "image": "a.png", "width": 640, "height": 480}
    turns = [{"from": "human", "value": "<image>\nHi"}, {"from": "gpt", "value": "A <ref>dog</ref><box>[[]]</box>"}]
    rows: list[dict[str, Any]] = [
        {**good, "conversations": turns},
        {**good, "image": ["a.png", "b.png"], "conversations": turns},
        {"id": 3, "image": "a.png", "conversations": turns},
        {**good, "conversations": [{"from": "tool", "value": "x"}]},
        {**good, "conversations": "[]"},
        {**good, "conversations": [{"from": "human", "value": "no answer"}]},
        {**good, "width": -1, "conversations": turns},
        {**good, "conversations": turns, "rejected_conversations": []},
        {"id": 9, "conversations": [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}]},
    ]
    file.write_text(json.dumps(rows))
    told = import_("llava", file, tmp_path / "in", dialect="asmv2")
    assert (told.read, told.kept, told.rejected, told.problems) == (9, 2, 7, 1)
    assert [found.id for found in store.records(tmp_path / "in", Example)] == ["1", "9"]
    lost = list(store.records(tmp_path / "in", Rejected))
    assert [one.where.split("record ")[1].split()[0] for one in lost] == ["0", "1", "2", "3", "4", "5", "6", "7"]
    reasons = [one.reason for one in lost]
    assert reasons[0].startswith("empty-boxes")
    assert "2 images but 1 <image> tokens" in reasons[1] or "widths" in reasons[1]
    assert "name the folder of images, or give size=640x480" in reasons[2]
    assert "'tool'" in reasons[3]
    assert "conversations is '[]'" in reasons[4]
    assert "no assistant message" in reasons[5]
    told = import_("llava", file, tmp_path / "sized", dialect="asmv2", size="320x240")
    assert told.kept == 3


def test_images_given_as_text_are_no_list(tmp_path: Path) -> None:
    """LLaMA-Factory counted the letters of the path as images (its issue 5883)."""
    turns = [{"role": "user", "content": "<image>Hi"}, {"role": "assistant", "content": "Hello"}]
    (tmp_path / "x.json").write_text(json.dumps([{"messages": turns, "images": "a.png"}]))
    told = import_("sharegpt", tmp_path / "x.json", tmp_path / "in", dialect="plain", size="9x9")
    assert (told.kept, told.rejected) == (0, 1)
    assert "images is 'a.png'" in next(store.records(tmp_path / "in", Rejected)).reason


def test_folders_of_build_and_damage(tmp_path: Path) -> None:
    data = tmp_path / "run"
    files = [store.write_records(data, "examples/00000.jsonl", Example, [example("1"), example("2"), pair("3")])]
    files += [store.write_records(data, "preferences/00000.jsonl", Preference, [preference()])]
    store.write_manifest(data, {}, files)
    with pytest.raises(RelataError, match=r"examples and preferences; name .*run/examples or .*run/preferences"):
        export(data, "llava", tmp_path / "x.json", dialect="asmv2")
    assert export(data / "preferences", "llava", tmp_path / "x.json", dialect="asmv2").written == 1
    path = data / "examples" / "00000.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"id":"2"', b'"id":"7"'))
    told = export(data / "examples", "llava", tmp_path / "x.json", dialect="asmv2")
    assert (told.read, told.written, len(told.rejected)) == (3, 2, 1)
    assert "checksum does not fit" in told.rejected[0].reason


def test_scenes_go_to_label_studio(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes.jsonl"
    scenes.write_bytes(encode(Scene("s", "a.png", 640, 480)) + b"\n")
    told = export(scenes, "label_studio", tmp_path / "tasks.json", root="/data/local-files/?d=")
    assert (told.read, told.written) == (1, 1)
    assert json.loads((tmp_path / "tasks.json").read_text())[0]["data"]["image"] == "/data/local-files/?d=a.png"
    with pytest.raises(RelataError, match="holds scenes; llava takes examples and preferences"):
        export(scenes, "llava", tmp_path / "x.json", dialect="asmv2")
    with pytest.raises(RelataError, match="no text in a dialect"):
        export(scenes, "label_studio", tmp_path / "tasks.json", dialect="asmv2")
    with pytest.raises(RelataError, match="relata list readers"):
        import_("label_studio", tmp_path / "tasks.json", tmp_path / "in")


@pytest.mark.parametrize(
    ("format", "given", "message"),
    [
        ("lava", {}, "unknown format 'lava'; did you mean llava"),
        ("llava", {}, "name its dialect"),
        ("llava", {"dialect": "asmv3"}, "did you mean asmv2"),
        ("llava", {"dialect": "asmv2", "digits": 3}, "has no option 'digits'"),
        ("llava", {"dialect": "relata"}, "trains on examples as is"),
        ("sharegpt", {}, "give one of them"),
        ("sharegpt", {"dialect": "plain", "objects": True}, "give one of them"),
        ("sharegpt", {"dialect": "plain", "layout": "alpaca"}, "layout is 'alpaca'"),
        ("parquet", {"dialect": "plain"}, "name the folder of images, or give embed=false"),
        ("webdataset", {"dialect": "plain"}, "name the folder of images"),
        ("webdataset", {"dialect": "plain", "images": "nowhere"}, "nowhere does not exist"),
    ],
)
def test_mistakes(tmp_path: Path, format: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(RelataError, match=message):
        export([example()], format, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_options_reach_the_dialect(tmp_path: Path) -> None:
    export([example()], "llava", tmp_path / "x.json", dialect="llava", digits=4)
    assert "[0.0156, 0.1719, 0.625, 0.25]" in (tmp_path / "x.json").read_text()


def test_records_of_two_kinds_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="given a Preference"):
        export([example(), preference()], "llava", tmp_path / "x.json", dialect="asmv2")


def test_an_image_without_a_place_is_told(tmp_path: Path) -> None:
    """Stock LLaVA would train such a record without its image."""
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    (tmp_path / "x.json").write_text(json.dumps([{"image": "a.png", "conversations": turns}]))
    told = import_("llava", tmp_path / "x.json", tmp_path / "in", dialect="plain", size="9x9")
    assert (told.kept, told.problems) == (1, 1)
    export(tmp_path / "in", "llava", tmp_path / "y.json", dialect="plain")
    assert json.loads((tmp_path / "y.json").read_text())[0]["conversations"][0]["value"] == "<image>\nHi"


def test_two_answers_about_one_picture(tmp_path: Path) -> None:
    """Slots of several turns are counted through the conversation."""
    turns = (
        Message("user", (ImageSlot(0), Text("One"))),
        Message("assistant", answer()),
        Message("user", (ImageSlot(1), Text("Two"))),
        Message("assistant", (Mention("kite", (Box(5, 5, 150, 290),), 1),)),
    )
    record = Example("x", (FIRST, SECOND), turns)
    assert back(record, tmp_path, "llava", "plain").messages == turns


@pytest.mark.parametrize(
    ("format", "given"),
    [
        ("llava", {"dialect": "asmv2"}),
        ("llava", {"dialect": "llava", "digits": 4}),
        ("sharegpt", {"dialect": "internvl", "layout": "conversations"}),
        ("sharegpt", {"objects": True}),
    ],
)
def test_what_is_written_passes_the_check(tmp_path: Path, format: str, given: dict[str, Any]) -> None:
    """`relata check` knows these formats on its own, and finds nothing."""
    write(tmp_path / "world", 8)
    build("rec", tmp_path / "world" / "scenes.jsonl", out=tmp_path / "run")
    out = tmp_path / "train.json"
    told = export(tmp_path / "run", format, out, images=tmp_path / "world", **given)
    found = check(out, images=tmp_path / "world", **({"dialect": given["dialect"]} if "dialect" in given else {}))
    assert told.rejected == ()
    assert [file.rows for file in found.files] == [told.written]
    assert found.found == (), str(found)
