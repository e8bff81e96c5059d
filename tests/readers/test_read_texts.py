"""`ferret`, `yolo`, `llava`: boxes in shares of the image, or written into text."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from relata.errors import RelataError
from relata.readers import read
from relata.scene import Box, Scene


def facts(scene: Scene) -> list[tuple[int, str, int]]:
    return [(r.subject, r.predicate, r.object) for r in scene.relations]


def test_ferret(files: Path, photos: Path) -> None:
    reading = read("ferret", files / "ferret", photos, phrases=True)
    first, second = reading
    assert (first.id, first.width, first.height) == ("refer_reason_0", 100, 80)
    assert [(r.id, r.label, r.box, r.description) for r in first.regions] == [
        (0, "train", Box(10, 20, 50, 60), "a long train"),
        (1, "tracks", Box(0, 40, 100, 80), None),
        (3, "region", Box(90, 8, 95, 16), "a small cloud"),
    ]
    assert facts(first) == [(0, "on", 1)]
    assert first.captions == ("A train on its tracks", "A train.")
    assert [region.label for region in second.regions] == ["dog"]
    said = [(p.where.split(") ", 1)[1], p.reason.split(";")[0]) for p in reading.problems]
    assert said[:4] == [
        ("region 2 (pole)", "box [50.0, 40.0, 50.0, 72.0] needs x1 < x2 and y1 < y2"),
        ("relation 1", "'on' of 0 and 1 was said before"),
        ("relation 2", "'near' relates region 1 to itself"),
        ("relation 3", "'beside' points to region 2, which was left out"),
    ]
    assert [place for place, _ in said[4:]] == ["line 1", "region 1 (cat)"]


def test_ferret_leaves_phrases_without_an_object_out(files: Path, photos: Path) -> None:
    first, _ = read("ferret", files / "ferret", photos)
    assert [(r.label, r.description) for r in first.regions] == [("train", "a long train"), ("tracks", None)]


def test_shares_need_a_size(files: Path) -> None:
    reading = read("ferret", files / "ferret")
    assert list(reading) == []
    assert [rejected.reason for rejected in reading.rejected] == [
        f"the annotation does not give the size of 0000000000{n}.jpg; name the folder of photos" for n in ("09", "25")
    ]
    first, _ = read("ferret", files / "ferret", size="200x100")
    assert (first.width, first.height, first.provenance["size"]) == (200, 100, "assumed")
    with pytest.raises(RelataError, match="option size is 'big'; write width x height"):
        list(read("ferret", files / "ferret", size="big"))


def test_yolo(files: Path, photos: Path) -> None:
    reading = read("yolo", files / "yolo", photos)
    first, second = reading
    assert (first.id, first.image) == ("000000000009", "000000000009.jpg")
    # centre (0.5, 0.5), sides (0.2, 0.4) of a 100 x 80 photo
    assert [(r.id, r.label, r.box) for r in first.regions] == [
        (0, "bicycle", Box(40, 24, 60, 56)),
        (1, "person", Box(0, 0, 50, 40)),
    ]
    assert second.regions == ()
    assert [p.where.split(".txt ")[1] for p in reading.problems] == ["line 0", "line 1", "region 2 (person)"]
    assert reading.read == 2


def test_yolo_as_other_tools_write_it(tmp_path: Path) -> None:
    """Names in `classes.txt`, lists of photos beside the labels, PNGs, polygons, a byte order mark."""
    (tmp_path / "images").mkdir()
    Image.new("RGB", (100, 50)).save(tmp_path / "images" / "a.png")
    labels = tmp_path / "labels" / "train"
    labels.mkdir(parents=True)
    (labels / "classes.txt").write_text("cat\ndog\n")
    (labels / "a.txt").write_text("\ufeff1 0.5 0.5 0.2 0.4\n0 0.1 0.2 0.3 0.2 0.2 0.8\n0 0.1 0.2 0.3 0.4 0.5\n")
    (tmp_path / "train.txt").write_text("images/a.png\n")
    reading = read("yolo", tmp_path, tmp_path / "images")
    (scene,) = reading
    assert (scene.image, scene.width, scene.height) == ("a.png", 100, 50)
    assert [region.label for region in scene.regions] == ["dog", "cat"]
    assert scene.regions[0].box.tuple() == pytest.approx((40, 15, 60, 35))
    assert scene.regions[1].box.tuple() == pytest.approx((10, 10, 30, 40))
    assert [problem.where for problem in reading.problems] == ["train/a.txt line 2"]


@pytest.mark.parametrize("text", ["names: [a, 1]", "names: {x: a}", "names: 7", "a: [", "names: {0: [a]}"])
def test_yolo_with_damaged_names(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.4\n")
    with pytest.raises(RelataError, match=r"data\.yaml: names no classes"):
        list(read("yolo", tmp_path, size="10x10"))


def test_yolo_without_names(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0 0.5 0.5 1 1")
    with pytest.raises(RelataError, match="no YAML file with `names:`"):
        list(read("yolo", tmp_path, size="10x10"))


def test_llava_boxes_lie_in_the_padded_square(files: Path) -> None:
    first, *_ = read("llava", files / "llava.json")
    assert (first.id, first.image, first.width, first.height) == ("a", "000000000009.jpg", 1000, 500)
    dog, rug = first.regions
    assert (dog.label, rug.label) == ("dog", "rug")
    # 1000 x 500 is padded to 1000 x 1000 with 250 above: y = 500 / 999 * 1000 - 250
    assert dog.box.tuple() == pytest.approx((0, 0.25, 333.33, 250.5), abs=0.01)
    assert rug.box.tuple() == pytest.approx((0, 83.33, 1000, 499.75), abs=0.01)
    assert facts(first) == [(0, "lying on", 1)]
    assert first.captions == ("A dog is lying on a rug.",)


def test_llava_boxes_of_the_photo_itself(files: Path) -> None:
    first, *_ = read("llava", files / "llava.json", markup="asmv2:original")
    assert first.regions[0].box.tuple() == pytest.approx((0, 125.13, 333.33, 250.25), abs=0.01)


def test_llava_several_boxes_and_damaged_markup(files: Path) -> None:
    reading = read("llava", files / "llava.json")
    _, second, third = reading
    # a photo of 999 x 999 pixels: the numbers are the pixels
    assert [(r.id, r.label, r.box.tuple()) for r in second.regions] == [
        (0, "the cup", (10, 20, 30, 40)),
        (1, "people", (100, 100, 200, 200)),
        (2, "people", (300, 100, 400, 200)),
        (3, "Unknown", (500, 500, 600, 600)),
    ]
    assert facts(second) == [(1, "look at", 0), (2, "look at", 0), (3, "near", 0)]
    assert second.captions == ()  # two answers are a conversation, not a caption
    assert [p.reason.split(":")[0] for p in reading.problems] == ["misclosed-tag", "empty-boxes"]
    assert reading.problems[0].where.startswith("readers/llava.json: record 2 (image 000000000025.jpg) turn 3")
    assert (third.id, third.captions) == ("7", ("A wall.",))
    assert [(r.label, r.box) for r in third.regions] == [("wall", Box(0, 10, 100, 100))]


def test_llava_records_that_are_no_scene(files: Path, photos: Path) -> None:
    reading = read("llava", files / "llava.json")
    assert (len(list(reading)), reading.read) == (3, 7)
    assert [rejected.reason.split(";")[0] for rejected in reading.rejected] == [
        "has no image",
        "has ['a.jpg', 'b.jpg']",
        "has neither conversations, captions nor instances",
        "the annotation does not give the size of 000000000042.jpg",
    ]
    assert len(list(read("llava", files / "llava.json", photos))) == 4  # the photo tells the size of one more
