"""Records of relata, looked at before they are built: a record that breaks one rule is read no further, but all that is
wrong with it is to be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from relata.errors import RelataError
from relata.geometry.masks import run_lengths
from relata.linter import talk
from relata.linter.sheet import Picture, Row, Sheet
from relata.scene import Mask

Json = dict[str, Any]
Size = tuple[int, int]

#: The least part of a mask that lies within its box, if the box is its own.
_WITHIN = 0.5
#: What a dialect would have to read as boxes or tokens; in plain text it stays words, and is written harmless.
_MARKUP = re.compile(
    r"</?(?:box|ref|pred)>|<\|(?:box|object_ref|quad)_\w+\|>|<loc_?\d+>|<patch_index_\d+>|<image>|"
    r"\[\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?){3}\s*\]|" + talk.TOKENS.pattern
)


def scene(raw: Json, sheet: Sheet, at: str = "") -> Row:
    """A scene; `at` says where it stands in a group."""
    picture = Picture(raw["image"], raw["width"], raw["height"])
    size = picture[1:]
    if min(size) <= 0:
        sheet.add("bad-record", f"{at}image size {size[0]} x {size[1]} is not positive")
    regions: list[Json] = raw.get("regions", [])
    ids = {region["id"] for region in regions}
    _regions(regions, picture, sheet, at)
    said: set[tuple[int, str, int]] = set()
    relations: list[Json] = raw.get("relations", [])
    for number, relation in enumerate(relations):
        subject, predicate, other = relation["subject"], relation["predicate"], relation["object"]
        here = f"{at}relation {number}"
        if missing := {subject, other} - ids:
            sheet.add("unknown-region", f"{here} ({predicate!r}): region {min(missing)}")
        elif subject == other:
            sheet.add("self-relation", f"{here}: region {subject} {predicate!r} itself")
        if not predicate.strip():
            sheet.add("empty-predicate", here)
        triple = (subject, " ".join(predicate.lower().split()), other)
        if triple in said:
            sheet.add("repeated-relation", f"{here}: {subject} {predicate!r} {other}")
        said.add(triple)
    return Row(raw["id"], (picture,), (), tuple(relation["predicate"] for relation in relations))


def _regions(regions: Sequence[Json], picture: Picture, sheet: Sheet, at: str) -> None:
    for id in _twice(region["id"] for region in regions):
        sheet.add("duplicate-region", f"{at}region {id}")
    for identity in _twice(region["identity"] for region in regions if region.get("identity")):
        sheet.add("repeated-identity", f"{at}{identity}")
    for label, *box in _twice((region["label"], *region["box"]) for region in regions):
        sheet.add("repeated-region", f"{at}{label!r} at {box}")
    for region in regions:
        sheet.box("records", region["box"], picture)
        if not region["label"].strip():
            sheet.add("empty-label", f"{at}region {region['id']}")
        if region.get("mask"):
            _mask(region, picture[1:], sheet, f"{at}region {region['id']}")


def _twice(values: Iterator[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _mask(region: Json, size: Size, sheet: Sheet, at: str) -> None:
    height, width = region["mask"]["size"]
    if (width, height) != size:
        sheet.add("mask-size", f"{at}: [{height}, {width}], the image is [{size[1]}, {size[0]}]")
        return
    try:
        share = _inside(Mask((height, width), region["mask"]["counts"]), region["box"])
    except RelataError as error:
        sheet.add("bad-mask", f"{at}: {error}")
        return
    if share is None:
        sheet.add("empty-mask", at)
    elif share < _WITHIN:
        sheet.add("mask-off-box", f"{at}: {share:.0%} of the columns' pixels lie within the box")


def _inside(mask: Mask, box: Sequence[float]) -> float | None:
    """The share of a mask's pixels in columns that its box covers, and of its runs that meet the box's rows; None if it
    has no pixels. Told from the run lengths, since drawing every mask would take too long."""
    runs = run_lengths(mask)
    ends = np.cumsum(runs)
    starts, lengths = ends[:-1:2], runs[1::2]  # zeros come first
    area = int(lengths.sum())
    if not area:
        return None
    height = mask.size[0]
    columns, rows = starts // height, starts % height
    lies = (columns >= np.floor(box[0]) - 1) & (columns <= box[2]) & (rows <= box[3]) & (rows + lengths >= box[1] - 1)
    return float(lengths[lies].sum()) / area


def group(raw: Json, sheet: Sheet) -> Row:
    """A group of scenes."""
    scenes: list[Json] = raw["scenes"]
    rows = [scene(one, sheet, f"scene {k}: ") for k, one in enumerate(scenes)]
    if len(scenes) < 2:
        sheet.add("short-group", f"{len(scenes)} scenes")
    regions = [{region["id"]: region for region in one.get("regions", [])} for one in scenes]
    for number, link in enumerate(raw.get("links", [])):
        ends = []
        for index, id in (link["first"], link["second"]):
            if not 0 <= index < len(scenes):
                sheet.add("bad-link", f"link {number}: scene {index}")
            elif id not in regions[index]:
                sheet.add("unknown-region", f"link {number}: region {id} of scene {index}")
            else:
                ends.append(regions[index][id].get("identity"))
        if len(ends) == 2 and None not in ends and ends[0] != ends[1]:
            sheet.add("identity-mismatch", f"link {number}: {ends[0]!r} and {ends[1]!r}")
    order = raw.get("order")
    if order is not None and sorted(order) != list(range(len(scenes))):
        sheet.add("bad-order", str(order))
    pictures = tuple(picture for row in rows for picture in row.pictures)
    return Row(raw["id"], pictures, (), tuple(predicate for row in rows for predicate in row.predicates))


def example(raw: Json, sheet: Sheet) -> Row:
    """A training conversation."""
    said = _conversation(raw, raw["messages"], sheet)
    _slots([span for message in raw["messages"] for span in message["spans"]], raw, sheet)
    return said


def preference(raw: Json, sheet: Sheet) -> Row:
    """A question with a better and a worse answer."""
    if not raw["messages"] or raw["messages"][-1]["role"] != "user":
        sheet.add("role-order", "the last turn is not the user's")
    if raw["chosen"] == raw["rejected"]:
        sheet.add("same-answers", _text(raw["chosen"]))
    answers = [{"role": "assistant", "spans": raw[name]} for name in ("chosen", "rejected")]
    row = _conversation(raw, [*raw["messages"], *answers], sheet, talk_of=len(raw["messages"]))
    for name in ("chosen", "rejected"):
        if text := _text(raw[name]).strip():
            talk.words(text, "assistant", name, sheet)
        else:
            sheet.add("empty-answer", name)
    _slots([span for message in raw["messages"] for span in message["spans"]], raw, sheet)
    return row


def _conversation(raw: Json, messages: Sequence[Json], sheet: Sheet, talk_of: int | None = None) -> Row:
    images = [Picture(image["path"], image["width"], image["height"]) for image in raw["images"]]
    regions: list[Any] = raw.get("regions", [])
    if regions and len(regions) != len(images):
        sheet.add("region-lists", f"{len(images)} images, {len(regions)} lists")
    for index, boxes in enumerate(regions[: len(images)]):
        for box in boxes:
            sheet.box("records", box, images[index])
    turns = []
    predicates: list[str] = []
    for number, message in enumerate(messages):
        for span in message["spans"]:
            _span(span, images, regions, f"turn {number}", sheet)
            if span["type"] == "predicate" and message["role"] == "assistant":
                predicates.append(span["text"])
        turns.append((message["role"], _text(message["spans"])))
    talk.check(turns[:talk_of], sheet, open_end=talk_of is not None)
    return Row(raw["id"], tuple(images), tuple(turns), tuple(predicates))


def _span(span: Json, images: Sequence[Picture], regions: Sequence[Any], at: str, sheet: Sheet) -> None:
    kind = span["type"]
    if kind != "image" and (found := _MARKUP.search(span["text"])):
        sheet.add("markup-in-text", f"{at}: {found.group()!r}")
    if kind == "text":
        return
    image = span.get("image", 0)
    if not 0 <= image < len(images):
        sheet.add("unknown-image", f"{at}: image {image} of {len(images)}")
        return
    if kind == "image":
        return
    groups = [span["boxes"]] if kind == "mention" else [span["subjects"], span["objects"]]
    if not all(groups):
        sheet.add("empty-boxes", f"{at}: {span['text']!r}")
    elif kind == "predicate" and len(groups[0]) != len(groups[1]) and 1 not in map(len, groups):
        sheet.add("count-mismatch", f"{at}: {span['text']!r} has {len(groups[0])} subjects, {len(groups[1])} objects")
    listed = regions[image] if image < len(regions) else []
    for box in [box for boxes in groups for box in boxes]:
        sheet.box("records", box, images[image])
        if listed and box not in listed:
            sheet.add("unlisted-box", f"{at}: {span['text']!r} at {box}")


def _slots(spans: Sequence[Json], raw: Json, sheet: Sheet) -> None:
    """Image slots, if there are any, name each image once."""
    count = len(raw["images"])
    slots = [span.get("image", 0) for span in spans if span["type"] == "image"]
    if slots and sorted(slots) != list(range(count)) and all(0 <= slot < count for slot in slots):
        sheet.add("image-count", f"slots of images {slots}; there are {count} images")


def _text(spans: Sequence[Json]) -> str:
    return "".join("<image>" if span["type"] == "image" else span["text"] for span in spans)


def edit(raw: Json, sheet: Sheet) -> Row:
    """An edit of a scene's graph."""
    seen: set[tuple[str, int]] = set()
    for number, change in enumerate(raw.get("changes", [])):
        region = change["op"] == "describe"
        what = "region" if region else "added relation" if change["op"] == "add" else "relation"
        key = (what, change["region"] if region else change["at"])
        if key in seen:
            sheet.add("edit-conflict", f"change {number}: {key[0]} {key[1]}")
        seen.add(key)
        if "before" in change and change.get("after") == change["before"]:
            sheet.add("edit-nothing", f"change {number}")
        after = change.get("after", {})
        if change["op"] in ("add", "rename") and not after["predicate"].strip():
            sheet.add("empty-predicate", f"change {number}")
        if change["op"] in ("add", "rename") and after["subject"] == after["object"]:
            sheet.add("self-relation", f"change {number}: region {after['subject']}")
        if change["op"] == "describe" and not after["label"].strip():
            sheet.add("empty-label", f"change {number}")
    return Row(raw["id"])


CHECKS: dict[str, Callable[[Json, Sheet], Row]] = {
    "scene": scene,
    "group": group,
    "example": example,
    "preference": preference,
    "edit": edit,
}
