"""`psg`, `visual_genome`, `gqa`, `vcoco`, `vsd`: the formats that publish relations."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from relata.geometry import rle_area
from relata.readers import Reading, read
from relata.readers.vcoco import PREDICATES
from relata.scene import Box, Relation, Scene


def facts(scene: Scene) -> list[tuple[int, str, int]]:
    return [(r.subject, r.predicate, r.object) for r in scene.relations]


def places(reading: Reading) -> list[str]:
    """Where the problems are, without the file."""
    return [problem.where.split(": ", 1)[1] for problem in reading.problems]


def test_psg(files: Path) -> None:
    reading = read("psg", files / "psg.json")
    first, second = reading
    assert (first.image, first.width, first.height) == ("train2017/000000000009.jpg", 100, 80)
    assert [(r.id, r.label, r.box) for r in first.regions] == [
        (0, "person", Box(10, 20, 40, 60)),
        (1, "grass-merged", Box(0, 40, 100, 80)),
        (2, "sky-other-merged", Box(0, 0, 100, 20)),
    ]
    # [0, 1, 1] is subject 0, object 1, predicate 1
    assert first.relations == (
        Relation(0, "standing on", 1, source="psg"),
        Relation(2, "over", 1, source="psg"),
    )
    # bbox_mode 1 is x, y, width, height
    assert [(r.id, r.box) for r in second.regions] == [(0, Box(10, 20, 40, 50))]
    assert places(reading) == [
        "image 2330001 relation 2",  # said before
        "image 2330001 relation 4",  # of a region to itself
        "image 2330001 relation 5",  # predicate 9 of 2
        "image 2330001 relation 3",  # object 14 of 3
        "image 2330002 region 2",  # category 4 of 4
        "image 2330002 region 1 (dog)",  # leaves the image
        "image 2330002 relation 0",  # to the region that leaves it
        "image 2330002 relation 1",
    ]
    assert reading.problems[3].reason == "'standing on' points to region 14, which is not among the 3 regions"
    assert [rejected.where.split(": ")[1] for rejected in reading.rejected] == ["record 2", "image 2330004"]
    assert "annotations[0].bbox[2] is '3'" in reading.rejected[0].reason
    assert "image size 50 x 0 is not positive" in reading.rejected[1].reason


def test_psg_split_and_plain_names(files: Path) -> None:
    train = read("psg", files / "psg.json", split="train", clean_labels=True)
    (scene,) = train
    assert [region.label for region in scene.regions] == ["person", "grass", "sky"]
    assert (train.read, len(train.rejected)) == (2, 1)
    test = read("psg", files / "psg.json", split="test")
    assert [scene.id for scene in test] == ["2330002"]
    assert test.read == 2


def test_psg_masks(files: Path, tmp_path: Path) -> None:
    pixels = np.zeros((80, 100, 3), dtype=np.uint8)
    pixels[20:60, 10:40, 1] = 1  # id 256
    (tmp_path / "panoptic_train2017").mkdir()
    Image.fromarray(pixels).save(tmp_path / "panoptic_train2017/000000000009.png")
    reading = read("psg", files / "psg.json", tmp_path, masks=True)
    first, _ = reading
    person, grass, _ = first.regions
    assert person.mask is not None
    assert rle_area(person.mask) == 30 * 40
    assert grass.mask is None
    assert places(reading)[:2] == ["image 2330001 mask of segment 65537", "image 2330001 mask of segment 5"]


def test_visual_genome(files: Path) -> None:
    reading = read("visual_genome", files / "visual_genome")
    first, second = reading
    assert (first.id, first.image, first.width, first.height) == ("1", "VG_100K_2/1.jpg", 100, 80)
    assert [(r.id, r.label, r.box, r.attributes, r.description) for r in first.regions] == [
        # two of the three phrases lie on the man
        (11, "man", Box(10, 20, 40, 60), ("tall", "walking"), "a man who walks; man in a hat"),
        (12, "sidewalk", Box(0, 50, 100, 80), (), None),  # clipped by one pixel
        (14, "hat", Box(15, 18, 25, 24), (), None),  # named by a relationship only
        (15, "region", Box(60, 2, 90, 11), (), "the sky is grey"),
    ]
    # object 91 was merged into 11; bird 13 has no width and is left out with its relationship
    assert facts(first) == [(11, "ON", 12), (11, "wearing", 14)]
    assert places(reading) == ["image 1 region 13 (bird)", "image 1 relation 2"]
    assert second.provenance["coco_id"] == "9"
    # image 3 is in image_data.json alone: nothing is said about it; one record of objects.json names no image
    assert (reading.read, reading.kept) == (3, 2)
    assert reading.rejected[0].reason.startswith("has neither image_id nor id")


def test_visual_genome_lower_case_without_phrases(files: Path) -> None:
    first, second = read("visual_genome", files / "visual_genome", lower=True, phrases=False)
    assert [region.label for region in first.regions + second.regions] == ["man", "sidewalk", "hat", "clock"]
    assert facts(first)[0] == (11, "on", 12)


def test_visual_genome_objects_alone_take_the_size_of_the_boxes(files: Path, tmp_path: Path) -> None:
    first, second = read("visual_genome", files / "visual_genome/objects.json")
    assert (first.image, first.width, first.height) == ("1.jpg", 101, 80)
    assert (second.width, second.height) == (6, 6)
    assert first.provenance["size"] == "boxes"
    # with a folder of photos, the photo tells the size, wherever it lies
    (tmp_path / "VG_100K").mkdir()
    Image.new("RGB", (120, 90)).save(tmp_path / "VG_100K/1.jpg")
    reading = read("visual_genome", files / "visual_genome/objects.json", tmp_path)
    (scene,) = reading
    assert (scene.image, scene.width, scene.height) == ("VG_100K/1.jpg", 120, 90)
    assert "does not exist" in reading.rejected[1].reason


def test_gqa(files: Path) -> None:
    reading = read("gqa", files / "val_sceneGraphs.json")
    (scene,) = reading
    assert (scene.id, scene.image, scene.labels) == ("2397", "2397.jpg", ("kitchen",))
    assert [(r.id, r.label, r.box, r.attributes) for r in scene.regions] == [
        (501, "meat", Box(10, 20, 15, 26), ("red",)),
        (502, "skillet", Box(0, 10, 60, 60), ()),
    ]
    assert facts(scene) == [(501, "inside", 502)]
    assert places(reading) == ["image 2397 relation 1"]
    assert "region 599, which is not among the 2 regions" in reading.problems[0].reason
    assert (reading.read, reading.rejected[0].where.split(": ")[1]) == (2, "image 2398")


def test_vcoco(files: Path, photos: Path) -> None:
    reading = read("vcoco", files / "instances_vcoco_small.json", photos)
    first, second = reading
    assert (first.id, first.image) == ("COCO_train2014_000000000009", "000000000009.jpg")
    assert (first.width, first.height) == (100, 80)  # from the photo
    assert [(r.id, r.label, r.box) for r in first.regions] == [
        (0, "person", Box(10, 20, 40, 60)),
        (1, "laptop", Box(50, 30, 70.5, 50)),
        (2, "person", Box(0, 0, 9, 9)),
    ]
    assert facts(first) == [(0, "holding", 1), (0, "working on", 1), (2, "looking at", 0)]
    assert second.regions == ()
    assert places(reading) == ["image COCO_train2014_000000000025.jpg relation 0"]
    assert "[1, 0, 1, 1] entries" in reading.rejected[0].reason
    assert len(set(PREDICATES.values())) == len(PREDICATES) == 24


def test_vcoco_as_published_and_without_photos(files: Path) -> None:
    first, *_ = read("vcoco", files / "instances_vcoco_small.json", published=True)
    assert facts(first)[1] == (0, "work_on_computer instr", 1)
    assert (first.width, first.height, first.provenance["size"]) == (71, 60, "boxes")


def test_vsd(files: Path, tmp_path: Path) -> None:
    reading = read("vsd", files / "vsd.json")
    first, second = reading
    assert (first.id, first.image, first.width, first.height) == ("2670", "2670.jpg", 14, 39)
    # [ymin, ymax, xmin, xmax]
    assert [(r.id, r.label, r.box) for r in first.regions] == [
        (0, "window", Box(9, 20, 12, 35)),
        (1, "house", Box(6, 14, 14, 39)),
        (2, "cat", Box(1, 30, 5, 39)),
    ]
    assert facts(first) == [(0, "on", 1), (2, "to the left of", 1)]
    assert {relation.kind for relation in first.relations} == {"spatial"}
    assert first.captions == ("window on a house", "a cat is left of the house.")
    assert second.image == "3933485417_a.jpg"
    assert places(reading) == ["image 3933485417_a.jpg region 0 (cat)", "image 3933485417_a.jpg relation 0"]
    assert reading.rejected[0].reason.startswith("triple_list[0].s_bbox is [30, 5]: Expected `array` of length 4")
    shutil.copy(files / "vsd.json", tmp_path)
    Image.new("RGB", (500, 400)).save(tmp_path / "2670.jpg")
    reading = read("vsd", tmp_path / "vsd.json", tmp_path)
    assert [(scene.width, scene.height) for scene in reading] == [(500, 400)]
