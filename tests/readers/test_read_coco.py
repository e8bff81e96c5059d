"""`coco` and `lvis`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relata.geometry import rle_area, rle_box
from relata.readers import read
from relata.scene import Box, Scene


@pytest.fixture
def coco(files: Path, tmp_path: Path) -> Path:
    """The three files with the folder of panoptic PNGs: a person (id 256), grass (id 65537); segment 5 has no pixel."""
    shutil.copytree(files / "coco", tmp_path / "coco")
    pixels = np.zeros((80, 100, 3), dtype=np.uint8)
    pixels[20:59, 10:40] = (0, 1, 0)  # 0 + 256 * 1
    pixels[60:] = (1, 0, 1)  # 1 + 65536 * 1
    folder = tmp_path / "coco" / "panoptic_small2017"
    folder.mkdir()
    Image.fromarray(pixels).save(folder / "000000000009.png")
    return tmp_path / "coco"


def by_id(scenes: list[Scene]) -> dict[str, Scene]:
    return {scene.id: scene for scene in scenes}


def test_instances(coco: Path) -> None:
    reading = read("coco", coco / "instances_small2017.json")
    scenes = by_id(list(reading))
    assert (reading.read, reading.kept) == (3, 3)
    photo = scenes["9"]
    assert (photo.image, photo.width, photo.height) == ("000000000009.jpg", 100, 80)
    # x, y, width, height become corners
    assert [(r.id, r.label, r.box) for r in photo.regions] == [
        (1, "person", Box(10, 20, 40, 60)),
        (2, "dog", Box(50.5, 30, 70.5, 50)),
        (3, "person", Box(0, 0, 4, 2)),
    ]
    assert photo.regions[2].description == "a group: person"
    assert photo.provenance == {"format": "coco", "file": "coco/instances_small2017.json"}
    assert scenes["30"].regions == ()


def test_annotations_that_do_not_fit_are_left_out_and_named(coco: Path) -> None:
    reading = read("coco", coco / "instances_small2017.json")
    scenes = by_id(list(reading))
    # 40 + 21 leaves the 60 px by one, which is clipped; 40 + 60 leaves it by 40
    assert [r.box for r in scenes["25"].regions] == [Box(40, 40, 59.6, 60)]
    told = {problem.where.split(": ", 1)[1]: problem.reason for problem in reading.problems}
    assert set(told) == {
        "annotations, record 7",
        "annotations, record 8",
        "image 25 region 5 (dog)",
        "image 25 region 6 (dog)",
        "image 25 region 7",
    }
    assert "image 77" in told["annotations, record 7"]
    assert "bbox is [5, 5, 3]" in told["annotations, record 8"]
    assert "leaves the 60 x 60 image by 40.0 px" in told["image 25 region 5 (dog)"]
    assert "needs x1 < x2" in told["image 25 region 6 (dog)"]
    assert "category 2" in told["image 25 region 7"]


def test_strict_rejects_only_the_images_concerned(coco: Path) -> None:
    reading = read("coco", coco / "instances_small2017.json", strict=True)
    assert [scene.id for scene in reading] == ["9"]
    assert [rejected.where.split(": ")[1].split()[0] for rejected in reading.rejected] == ["image", "annotations,"]
    assert len(reading.problems) == 1  # the annotation of an image that does not exist belongs to no record


def test_captions(coco: Path) -> None:
    reading = read("coco", coco / "captions_small2017.json")
    scenes = by_id(list(reading))
    assert scenes["9"].captions == ("A person and a dog.", "The dog looks up.")
    assert scenes["42"].captions == ("A wall.",)
    assert [problem.where for problem in reading.problems] == ["coco/captions_small2017.json: image 42 captions"]


def test_panoptic_with_masks_and_plain_names(coco: Path) -> None:
    reading = read("coco", coco / "panoptic_small2017.json", masks=True, clean_labels=True)
    (scene,) = reading
    assert [region.label for region in scene.regions] == ["person", "grass", "sky"]
    person, grass, sky = scene.regions
    assert person.mask is not None
    assert rle_area(person.mask) == 39 * 30
    assert rle_box(person.mask) == Box(10, 20, 40, 59)
    assert grass.mask is not None
    assert rle_area(grass.mask) == 20 * 100
    assert sky.mask is None
    assert [problem.where for problem in reading.problems] == [
        "coco/panoptic_small2017.json: image 9 mask of segment 5"
    ]


def test_a_missing_png_costs_the_masks_only(files: Path) -> None:
    reading = read("coco", files / "coco/panoptic_small2017.json", masks=True)
    (scene,) = reading
    assert [region.label for region in scene.regions] == ["person", "grass-merged", "sky-other-merged"]
    assert [problem.where.split(": ")[1] for problem in reading.problems] == ["image 9 masks"]


def test_masks_of_instances(coco: Path) -> None:
    (scene, *_) = read("coco", coco / "instances_small2017.json", masks=True)
    person, dog, group = scene.regions
    assert person.mask is not None
    assert rle_box(person.mask) == Box(10, 20, 40, 60)  # the polygon is its box
    assert dog.mask is None
    assert group.mask is not None
    assert rle_area(group.mask) == 8  # four columns of two pixels, in plain run lengths


def test_a_damaged_mask_costs_the_mask_only(coco: Path) -> None:
    path = coco / "instances_small2017.json"
    data = json.loads(path.read_text())
    data["annotations"][0]["segmentation"] = [[1, 2]]
    data["annotations"][1]["segmentation"] = {"size": [80, 100], "counts": "\u007f"}
    data["annotations"][2]["segmentation"]["size"] = [8, 8]
    path.write_text(json.dumps(data))
    reading = read("coco", path, masks=True)
    scene = next(iter(reading))
    assert [region.mask for region in scene.regions] == [None] * 3
    told = [problem.where.split(": ")[1] for problem in reading.problems]
    assert [place for place in told if "mask" in place] == [f"image 9 mask of region {id}" for id in (1, 2, 3)]


def test_a_folder_joins_all_files_by_image(coco: Path) -> None:
    reading = read("coco", coco)
    scenes = by_id(list(reading))
    assert list(scenes) == ["9", "42", "25", "30"]  # captions come first in the folder
    photo = scenes["9"]
    assert len(photo.captions) == 2
    # the panoptic person lies on the instance (IoU 39/40) and is one region with it; grass and sky are added
    assert [(region.id, region.label) for region in photo.regions] == [
        (1, "person"),
        (2, "dog"),
        (3, "person"),
        (65537, "grass-merged"),
        (5, "sky-other-merged"),
    ]
    assert photo.provenance["file"] == (
        "coco/captions_small2017.json; coco/instances_small2017.json; coco/panoptic_small2017.json"
    )


def test_groups_can_be_left_out(coco: Path) -> None:
    (scene, *_) = read("coco", coco / "instances_small2017.json", crowd=False)
    assert [region.id for region in scene.regions] == [1, 2]


def test_files_that_disagree_on_a_size_reject_the_image(coco: Path) -> None:
    path = coco / "captions_small2017.json"
    path.write_text(path.read_text().replace('"width": 100', '"width": 101'))
    reading = read("coco", coco)
    assert "9" not in by_id(list(reading))
    (rejected,) = reading.rejected
    assert "says the photo is 100 x 80" in rejected.reason
    assert "says 101 x 80" in rejected.reason


def test_a_damaged_image_is_rejected_and_its_annotations_reported(coco: Path) -> None:
    path = coco / "captions_small2017.json"
    path.write_text(path.read_text().replace('"height": 10', '"height": "ten"'))
    reading = read("coco", path)
    assert [scene.id for scene in reading] == ["9"]
    assert (reading.read, reading.kept) == (2, 1)
    assert reading.rejected[0].where == "coco/captions_small2017.json: images, record 1"
    assert len(reading.problems) == 2


def test_other_files_are_recognised_as_such(files: Path) -> None:
    from relata.errors import RelataError

    with pytest.raises(RelataError, match="no annotation has any of caption, segments_info, bbox"):
        list(read("coco", files / "instances_vcoco_small.json"))


def test_lvis(files: Path, photos: Path) -> None:
    first, second = read("lvis", files / "lvis_small.json")
    assert (first.image, second.image) == ("COCO_val2014_000000000009.jpg", "val2017/000000000025.jpg")
    assert [r.label for r in first.regions + second.regions] == ["bat_(animal)", "teddy_bear"]
    first, second = read("lvis", files / "lvis_small.json", photos, clean_labels=True, masks=True)
    assert (first.image, second.image) == ("000000000009.jpg", "000000000025.jpg")  # as they lie in the folder
    assert [r.label for r in first.regions + second.regions] == ["bat", "teddy bear"]
    assert all(region.mask for region in first.regions + second.regions)
    assert first.provenance["format"] == "lvis"


def test_run_lengths_beyond_any_image(files: Path, tmp_path: Path) -> None:
    held = json.loads((files / "coco" / "instances_small2017.json").read_text())
    held["annotations"] = held["annotations"][:1]
    held["annotations"][0]["segmentation"] = {"size": [80, 100], "counts": [10**30]}
    (tmp_path / "instances_a.json").write_text(json.dumps(held))
    reading = read("coco", tmp_path, masks=True)
    assert [region.mask for scene in reading for region in scene.regions] == [None]
    assert "mask of region" in reading.problems[0].where
