"""Boxes in another convention than they ought to be are found from the numbers, without knowing the right ones."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from check.conftest import Json, lines
from relata import read, synth
from relata.chat import ImageRef
from relata.dialects import dialect
from relata.geometry import ORIGINAL, SQUARE
from relata.grounded import Mention, Predicate, Text
from relata.linter import check
from relata.linter.conventions import PIXELS, Boxes, Convention, Floats, choose, scores
from relata.scene import Scene, encode

#: What people take for each other.
CONVENTIONS = (
    PIXELS,
    Convention("xywh", None),
    Convention("yxyx", None),
    Convention("xyxy", 1000.0),
    Convention("xyxy", 1000.0, square=True),
    Convention("yxyx", 1000.0),
    Convention("xyxy", 1.0),
    Convention("cxcywh", 1.0),
)
SAMPLES, ROWS = 200, 100


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[Scene]:
    """Annotated photos of COCO."""
    folder = shared_data / "coco_photos" / "annotations"
    names = [f"tiny_coco/instances_{part}2017.json" for part in ("train", "val")]
    names += [f"panoptic/panoptic_{part}2017.json" for part in ("train", "val")]
    names += ["tiny_coco_eng/instances_train2017.json"]
    return [scene for name in names for scene in read("coco", folder / name) if scene.regions]


def drawn(photos: Sequence[Scene], rng: random.Random, rows: int = ROWS, each: int = 3) -> Boxes:
    """Boxes in pixels of so many rows, at most so many a row."""
    numbers, sizes = [], []
    for _ in range(rows):
        scene = rng.choice(photos)
        for region in rng.sample(scene.regions, min(each, len(scene.regions))):
            numbers.append(region.box.tuple())
            sizes.append((scene.width, scene.height))
    return Boxes(np.array(numbers), np.array(sizes, dtype=float))


def written(one: Convention, boxes: Boxes) -> Boxes:
    """The boxes as they are written in a convention, rounded as usual: by hand, not by the code that is tested."""
    rows = []
    for (x1, y1, x2, y2), (width, height) in zip(boxes.numbers.tolist(), boxes.sizes.tolist()):
        place = (SQUARE if one.square else ORIGINAL).place(int(width), int(height))
        wide, high = (one.full / place.width, one.full / place.height) if one.full else (1.0, 1.0)
        x1, x2 = (x1 + place.left) * wide, (x2 + place.left) * wide
        y1, y2 = (y1 + place.top) * high, (y2 + place.top) * high
        row = {
            "xyxy": (x1, y1, x2, y2),
            "yxyx": (y1, x1, y2, x2),
            "xywh": (x1, y1, x2 - x1, y2 - y1),
            "cxcywh": ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1),
        }[one.order]
        rows.append([round(number, 3 if one.full == 1 else 0) for number in row])
    return Boxes(np.array(rows), boxes.sizes)


@pytest.mark.parametrize("block", range(4))
def test_each_convention_is_told_from_each_other(photos: list[Scene], block: int) -> None:
    missed: Counter[tuple[Convention, Convention]] = Counter()
    misnamed: Counter[tuple[Convention, Convention]] = Counter()
    alarms: Counter[Convention] = Counter()
    for seed in range(block * SAMPLES // 4, (block + 1) * SAMPLES // 4):
        sample = drawn(photos, random.Random(seed), each=seed % 4 + 1)
        for real in CONVENTIONS:
            boxes = written(real, sample)
            told = scores(boxes, CONVENTIONS)
            for expected in CONVENTIONS:
                verdict = choose(boxes, [expected], told)
                if expected == real:
                    alarms[real] += verdict.wrong
                else:
                    missed[real, expected] += not verdict.wrong
                    misnamed[real, expected] += verdict.likely != real
    assert not missed.total(), missed.most_common(3)
    assert not alarms.total(), alarms.most_common(3)
    assert not misnamed.total(), misnamed.most_common(3)


def test_things_in_the_middle_are_no_sign_of_padding(photos: list[Scene]) -> None:
    sample = drawn(photos, random.Random(1), rows=300)
    share = sample.numbers / np.concatenate([sample.sizes] * 2, 1)
    middle = ((share > 0.26) & (share < 0.74)).all(1)
    central = written(CONVENTIONS[3], Boxes(sample.numbers[middle], sample.sizes[middle]))
    assert len(central.numbers) > 50
    expected = (Convention("xyxy", 1000.0),)
    assert not choose(central, expected, scores(central)).wrong


def rows(boxes: Boxes, text: str = "<ref>it</ref><box>[{}]</box>") -> list[Json]:
    """LLaVA rows with a box each."""
    found = []
    for n, (numbers, size) in enumerate(zip(boxes.numbers.tolist(), boxes.sizes.tolist())):
        turns = [{"from": "human", "value": f"<image>\nWhere is thing {n}?"},
                 {"from": "gpt", "value": text.format([f"{v:g}" for v in numbers]).replace("'", "")}]  # fmt: skip
        found.append(
            {"id": n, "image": f"{n}.jpg", "width": int(size[0]), "height": int(size[1]), "conversations": turns}
        )
    return found


@pytest.mark.parametrize(
    ("real", "dialect", "kind"),
    [
        (Convention("xywh", 1000.0), None, "wrong-convention"),
        (PIXELS, None, "wrong-convention"),
        (Convention("yxyx", 1000.0), None, "unlikely-convention"),
        (Convention("xyxy", 1000.0), None, ""),
        (Convention("xyxy", 1000.0, square=True), None, ""),
        (Convention("xyxy", 999.0, square=True), "asmv2", ""),
        (Convention("xyxy", 1000.0), "asmv2", "wrong-convention"),
        (Convention("xyxy", 1000.0, square=True), "asmv2:original", "wrong-convention"),
    ],
    ids=str,
)
def test_a_file_in_another_convention_is_one_finding(
    real: Convention, dialect: str | None, kind: str, photos: list[Scene], tmp_path: Path
) -> None:
    boxes = written(real, drawn(photos, random.Random(5), rows=200, each=1))
    path = lines(rows(boxes), tmp_path / "train.jsonl")
    found = check(path, files=False, dialect=dialect)
    assert [(one.kind, one.file, one.row) for one in found] == ([(kind, "train.jsonl", 0)] if kind else [])
    assert str(real) in found.files[0].boxes
    if kind:
        assert f"200 boxes are {real}, not " in found.found[0].detail


def test_scenes_whose_boxes_are_xywh(photos: list[Scene], tmp_path: Path) -> None:
    raw = [json.loads(encode(scene)) for scene in {scene.id: scene for scene in photos}.values()][:100]
    for scene in raw:
        scene["regions"] = [{k: v for k, v in region.items() if k != "mask"} for region in scene["regions"]]
    assert not check(lines(raw, tmp_path / "s.jsonl"), files=False).errors
    for scene in raw:
        for region in scene["regions"]:
            x1, y1, x2, y2 = region["box"]
            region["box"] = [x1, y1, x2 - x1, y2 - y1]
    found = check(lines(raw, tmp_path / "s.jsonl"), files=False)
    assert [(one.kind, one.row) for one in found if one.level == "error"] == [("wrong-convention", 0)]
    assert "xywh, pixels of the original image" in found.files[0].boxes


def test_what_is_said_tells_the_order_where_shapes_do_not(tmp_path: Path) -> None:
    """All things of the rendered world are about square; but `left of` and `above` are said."""
    made = dialect("internvl")
    found = []
    for scene in synth.scenes(60):
        image = ImageRef(scene.image, scene.width, scene.height)
        spans: list[Text | Mention | Predicate] = []
        for relation in scene.relations:
            ends = [scene.region(id) for id in (relation.subject, relation.object)]
            spans += [Mention(ends[0].label, (ends[0].box,)), Text(" is ")]
            spans += [Predicate(relation.predicate, (ends[0].box,), (ends[1].box,)), Text(" the ")]
            spans += [Mention(ends[1].label, (ends[1].box,)), Text(". ")]
        turns = [{"from": "human", "value": "<image>\nDescribe."}, {"from": "gpt", "value": made.write(spans, [image])}]
        if spans:
            found.append({"image": scene.image, "width": 96, "height": 96, "conversations": turns})
    assert not check(lines(found, tmp_path / "r.jsonl"), files=False).found
    turned = json.loads(json.dumps(found))
    for row in turned:
        said = row["conversations"][1]["value"]
        for piece in set(said.split("[[")[1:]):
            numbers = piece.split("]")[0]
            x1, y1, x2, y2 = numbers.split(", ")
            said = said.replace(f"[[{numbers}]]", f"[< {y1}, {x1}, {y2}, {x2}>]")
        row["conversations"][1]["value"] = said.replace("[< ", "[[").replace(">]", "]]")
    verdict = check(lines(turned, tmp_path / "r.jsonl"), files=False)
    assert [one.kind for one in verdict] == ["wrong-convention"]
    assert "yxyx, thousandths" in verdict.found[0].detail


def test_numbers_of_any_size_are_judged(photos: list[Scene]) -> None:
    """Never an error, whatever stands there."""
    rng = np.random.default_rng(0)
    for scale in (1e-9, 1.0, 1e6, 1e9):
        numbers: Floats = rng.normal(0, scale, (50, 4))
        boxes = Boxes(numbers, np.full((50, 2), 100.0))
        told = scores(boxes)
        assert all(np.isfinite(score) for score in told.values())
        assert choose(boxes, [PIXELS], told).expected == PIXELS
