"""Defects to put into clean rows, one per kind: what to do to a row, and the row's format."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

Json = dict[str, Any]


class Instead(NamedTuple):
    """What stands in a row's place."""

    row: Any


class Seed(NamedTuple):
    """One defect."""

    kind: str
    format: str
    """The clean rows it goes into: `scene`, `group`, `example`, `preference`, `edit`, `llava`, `swift`, `objects`."""
    spoil: Callable[[Json], Any]
    """Changes a row, or gives what stands in its place."""


def put(*path: str | int, value: Any) -> Callable[[Json], None]:
    """Sets what stands at a place of a row."""

    def spoil(row: Json) -> None:
        *way, last = path
        at: Any = row
        for step in way:
            at = at[step]
        at[last] = copy.deepcopy(value)

    return spoil


def drop(*path: str | int) -> Callable[[Json], None]:
    def spoil(row: Json) -> None:
        *way, last = path
        at: Any = row
        for step in way:
            at = at[step]
        del at[last]

    return spoil


def write(turn: int, old: str, new: str) -> Callable[[Json], None]:
    """Changes the text of a turn, which has to hold `old`."""

    def spoil(row: Json) -> None:
        name, text = ("conversations", "value") if "conversations" in row else ("messages", "content")
        assert old in row[name][turn][text], row
        row[name][turn][text] = row[name][turn][text].replace(old, new)

    return spoil


def say(turn: int, more: str) -> Callable[[Json], None]:
    def spoil(row: Json) -> None:
        name, text = ("conversations", "value") if "conversations" in row else ("messages", "content")
        row[name][turn][text] += more

    return spoil


def span(turn: int, value: Json) -> Callable[[Json], None]:
    """Adds a span to a turn of an example."""
    return lambda row: row["messages"][turn]["spans"].append(copy.deepcopy(value))


def again(*path: str | int) -> Callable[[Json], None]:
    """Repeats the first item of a list at its end."""

    def spoil(row: Json) -> None:
        at: Any = row
        for step in path:
            at = at[step]
        at.append(copy.deepcopy(at[0]))

    return spoil


def swap(row: Json) -> None:
    row["width"], row["height"] = row["height"], row["width"]


TEXT: Json = {"type": "text", "text": ""}
INSIDE: Json = {"type": "mention", "text": "it", "boxes": [[1, 1, 9, 9]]}
RELATION: Json = {"subject": 0, "predicate": "beside", "object": 1}
LONG = "a word " * 6000

SEEDS: tuple[Seed, ...] = (
    # files and fields
    Seed("not-json", "llava", lambda row: Instead(b'{"id": "x", "conv')),
    Seed("not-json", "scene", lambda row: Instead(b"\xff\xfe{}")),
    Seed("not-an-object", "llava", lambda row: Instead(["a", "list"])),
    Seed("missing-field", "llava", lambda row: Instead({"question": "?", "reply": "!"})),
    Seed("mixed-formats", "llava", lambda row: Instead({"messages": [{"role": "user", "content": "hi"}]})),
    Seed("missing-field", "scene", drop("width")),
    Seed("missing-field", "scene", drop("regions", 0, "label")),
    Seed("missing-field", "llava", drop("conversations", 0, "value")),
    Seed("unknown-field", "scene", put("colour", value="red")),
    Seed("unknown-field", "example", put("messages", 0, "text", value="?")),
    Seed("odd-field", "llava", put("convs", value=1)),
    Seed("wrong-type", "scene", put("regions", 0, "id", value="one")),
    Seed("wrong-type", "scene", put("relations", 0, "kind", value="magic")),
    Seed("wrong-type", "example", put("messages", 0, "role", value="human")),
    Seed("wrong-type", "llava", put("conversations", value="[{'from': 'human'}]")),
    Seed("wrong-type", "llava", put("image", value=7)),
    Seed("images-not-a-list", "swift", lambda row: row.update(images=row["images"][0])),
    Seed("images-not-a-list", "example", put("images", value="a.jpg")),
    Seed("bad-record", "scene", put("width", value=0)),
    Seed("empty-id", "scene", put("id", value="")),
    # conversations
    Seed("unknown-role", "llava", put("conversations", 1, "from", value="robot")),
    Seed("role-order", "llava", put("conversations", 1, "from", value="human")),
    Seed("role-order", "swift", lambda row: row["messages"].insert(1, dict(row["messages"][1], content="Well."))),
    Seed("role-order", "example", lambda row: row["messages"].insert(0, row["messages"][-1])),
    Seed("role-order", "preference", lambda row: row["messages"].append({"role": "system", "spans": [TEXT]})),
    Seed("misplaced-system", "swift", lambda row: row["messages"].append({"role": "system", "content": "Be good."})),
    Seed("no-answer", "llava", lambda row: row["conversations"].__delitem__(slice(1, None))),
    Seed("no-answer", "example", lambda row: row["messages"].__delitem__(slice(1, None))),
    Seed("unanswered", "llava", lambda row: row["conversations"].append({"from": "human", "value": "And?"})),
    Seed("empty-turn", "llava", put("conversations", 2, "value", value=" ")),
    Seed("empty-answer", "llava", put("conversations", 1, "value", value="")),
    Seed("empty-answer", "example", put("messages", 1, "spans", value=[TEXT])),
    Seed("empty-answer", "preference", put("rejected", value=[])),
    Seed("special-token", "llava", say(1, "<|im_end|>")),
    Seed("special-token", "swift", say(0, "</s>")),
    Seed("bad-characters", "llava", say(1, " caf\ufffd")),
    Seed("bad-characters", "example", span(1, {"type": "text", "text": "a\x00b"})),
    Seed("refusal", "swift", put("messages", 1, "content", value="I'm sorry, but I can't assist with that.")),
    Seed("unfilled-placeholder", "llava", say(0, " Describe the {subject}.")),
    Seed("very-long", "llava", say(1, LONG)),
    Seed("same-answers", "preference", lambda row: row.update(rejected=row["chosen"])),
    Seed("same-answers", "swift", lambda row: row.update(rejected_response=row["messages"][-1]["content"])),
    # images in text
    Seed("no-slot", "llava", write(0, "<image>", "")),
    Seed("slot-without-image", "llava", drop("image")),
    Seed("image-count", "swift", say(0, "<image>")),
    Seed("image-count", "example", span(0, {"type": "image"})),
    Seed("slot-in-answer", "swift", lambda row: (write(0, "<image>", "")(row), say(1, "<image>")(row))),
    Seed("odd-slot", "llava", say(0, " <img>")),
    Seed("odd-slot", "swift", say(0, " <image_1>")),
    Seed("unknown-image", "example", span(1, dict(INSIDE, image=3))),
    Seed("unknown-image", "objects", put("objects", "image_id", value=[9])),
    Seed("media-count", "swift", say(0, "<video>")),
    # markup
    Seed("unclosed-tag", "llava", say(1, " <ref>dog")),
    Seed("unclosed-tag", "llava", say(1, " <ref>dog</ref><box>[[1, 2, 30, 40]]")),
    Seed("misclosed-tag", "llava", write(1, "</ref>", "</pred>")),
    Seed("nested-tag", "llava", say(1, " <ref>a <ref>dog</ref><box>[[1, 2, 30, 40]]</box>")),
    Seed("stray-tag", "llava", say(1, " </ref>")),
    Seed("missing-boxes", "llava", say(1, " <ref>dog</ref> barks")),
    Seed("empty-boxes", "llava", say(1, " <ref>dog</ref><box>[]</box>")),
    Seed("empty-boxes", "example", span(1, dict(INSIDE, boxes=[]))),
    Seed("count-mismatch", "llava", say(1, " <pred>on</pred><box>[[1, 2, 30, 40], [2, 3, 40, 50]]</box>"
         "<box>[[1, 2, 31, 41], [2, 3, 41, 51], [3, 4, 55, 66]]</box>")),
    Seed("count-mismatch", "example", span(1, {"type": "predicate", "text": "on",
         "subjects": [[1, 1, 5, 5], [2, 2, 6, 6]], "objects": [[1, 1, 7, 7], [2, 2, 8, 8], [3, 3, 9, 9]]})),
    Seed("mixed-images", "pairs", say(1, " <pred>on</pred><box>[[1, 2, 30, 40]]</box>"
         "<box>Image 2: [[1, 2, 31, 41]]</box>")),
    Seed("markup-in-text", "example", span(1, {"type": "text", "text": " at <box>[[1, 2, 30, 40]]</box>"})),
    Seed("markup-in-text", "example", span(1, {"type": "text", "text": " at [0.1, 0.2, 0.3, 0.4]"})),
    # boxes
    Seed("bad-box", "llava", say(1, " <ref>dog</ref><box>[[1, 2, 30]]</box>")),
    Seed("bad-box", "scene", put("regions", 0, "box", value=[1, 2, 3])),
    Seed("bad-box", "scene", put("regions", 0, "box", value=[1, 2, "3", 4])),
    Seed("bad-box", "objects", put("objects", "bbox", 0, value=[1, 2, 3])),
    Seed("swapped-corners", "llava", say(1, " <ref>dog</ref><box>[[300, 20, 30, 400]]</box>")),
    Seed("swapped-corners", "scene", put("regions", 0, "box", value=[50, 10, 20, 40])),
    Seed("swapped-corners", "objects", put("objects", "bbox", 0, value=[50, 10, 20, 40])),
    Seed("flat-box", "llava", say(1, " <ref>dog</ref><box>[[30, 20, 30, 400]]</box>")),
    Seed("flat-box", "scene", put("regions", 0, "box", value=[20, 10, 20, 40])),
    Seed("outside-image", "scene", put("regions", 0, "box", value=[20, 10, 2000, 40])),
    Seed("outside-image", "example", span(1, dict(INSIDE, boxes=[[1, 1, 9, 9000]]))),
    Seed("outside-image", "objects", put("objects", "bbox", 0, value=[20, 10, 2000, 40])),
    Seed("out-of-range", "llava", say(1, " <ref>dog</ref><box>[[30, 20, 300, 1400]]</box>")),
    Seed("object-count", "objects", say(1, " <bbox>")),
    Seed("tiny-box", "scene", put("regions", 0, "box", value=[20, 10, 20.2, 40])),
    # scenes
    Seed("duplicate-region", "scene", put("regions", 1, "id", value=0)),
    Seed("unknown-region", "scene", put("relations", 0, "object", value=77)),
    Seed("unknown-region", "group", put("links", 0, "second", value=[1, 77])),
    Seed("self-relation", "scene", lambda row: row["relations"].append(dict(RELATION, object=0))),
    Seed("repeated-relation", "scene", again("relations")),
    Seed("repeated-region", "scene", lambda row: row["regions"].append(dict(row["regions"][0], id=99))),
    Seed("repeated-identity", "scene", lambda row: [region.update(identity="rex") for region in row["regions"][:2]]),
    Seed("empty-label", "scene", put("regions", 0, "label", value=" ")),
    Seed("empty-predicate", "scene", put("relations", 0, "predicate", value="")),
    Seed("empty-mask", "scene", put("regions", 0, "mask", value={"size": [96, 96], "counts": "PP9"})),
    Seed("bad-mask", "scene", put("regions", 0, "mask", "counts", value="07")),
    Seed("mask-size", "scene", put("regions", 0, "mask", "size", value=[48, 192])),
    Seed("mask-off-box", "scene", lambda row: row["regions"][0].update(mask=row["regions"][1]["mask"])),
    # groups, examples, edits
    Seed("short-group", "group", lambda row: row.update(scenes=row["scenes"][:1], links=[])),
    Seed("bad-link", "group", put("links", 0, "second", value=[5, 0])),
    Seed("bad-order", "group", put("order", value=[0, 0])),
    Seed("identity-mismatch", "group", lambda row: [
        region.update(identity=f"{k} {region['id']}") for k, s in enumerate(row["scenes"]) for region in s["regions"]]),
    Seed("region-lists", "example", put("regions", value=[[], [], []])),
    Seed("unlisted-box", "example", lambda row: (row.update(regions=[[[2, 2, 50, 50]]]), span(1, INSIDE)(row))),
    Seed("edit-conflict", "edit", again("changes")),
    Seed("edit-nothing", "edit", lambda row: row["changes"].append(
        {"op": "rename", "at": 50, "before": RELATION, "after": RELATION})),
    # images
    Seed("missing-image", "llava", put("image", value="nowhere.png")),
    Seed("unsafe-path", "swift", put("images", 0, value="../../etc/passwd")),
    Seed("image-address", "llava", put("image", value="https://example.org/a.jpg")),
    Seed("unreadable-image", "llava", put("image", value="images/broken.png")),
    Seed("too-large-image", "llava", put("image", value="images/bomb.png")),
    Seed("cut-image", "swift", put("images", 0, value="images/cut.png")),
    Seed("size-mismatch", "llava", put("width", value=97)),
    Seed("size-mismatch", "scene", lambda row: row.update(width=97, regions=[], relations=[])),
    Seed("turned-image", "llava", lambda row: row.update(image="images/wide.png", width=40, height=80)),
    Seed("tiny-image", "swift", put("images", 0, value="images/tiny.png")),
    Seed("extreme-shape", "swift", put("images", 0, value="images/long.png")),
    Seed("repeated-image", "pairs", lambda row: row.update(image=[row["image"][0]] * 2)),
)  # fmt: skip
