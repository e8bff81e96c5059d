"""Data sets that are folders, and tables: `cub`, `mvtec`, `magnetic_tile`, `isic`, `own`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relata.errors import RelataError
from relata.geometry import rle_area, rle_decode
from relata.readers import read
from relata.scene import Box


def test_cub(files: Path) -> None:
    reading = read("cub", files / "cub")
    (scene,) = reading
    assert scene.image == "001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg"
    (bird,) = scene.regions
    # x, y, width, height = 60, 27, 325, 304
    assert (bird.label, bird.box) == ("Black footed Albatross", Box(60, 27, 385, 331))
    assert bird.attributes == ("dagger bill shape", "bill length shorter than head")
    assert scene.provenance["size"] == "boxes"
    assert [r.where for r in reading.rejected] == [
        "cub/images.txt: line 2 (image 2)",
        "cub/images.txt: line 3 (image 3)",
    ]
    assert [p.where for p in reading.problems] == ["attributes/image_attribute_labels.txt: line 6"]
    assert reading.read == 3


def test_cub_options(files: Path, tmp_path: Path) -> None:
    (scene,) = read("cub", files / "cub", split="train", certainty=1)
    assert scene.regions[0].attributes[0] == "curved bill shape"
    reading = read("cub", files / "cub", split="test")
    assert list(reading) == []
    assert reading.read == 2
    (tmp_path / "images.txt").write_text("1 a.jpg\n")
    with pytest.raises(RelataError, match=r"classes\.txt does not exist"):
        list(read("cub", tmp_path))


def png(path: Path, pixels: np.ndarray) -> None:  # type: ignore[type-arg]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def goods(tmp_path: Path) -> Path:
    """Bottles: a good one to train on, a good one, a broken one with two holes, one whose mask is lost."""
    photo, mask = np.zeros((8, 10, 3), dtype=np.uint8), np.zeros((8, 10), dtype=np.uint8)
    mask[1:3, 2:5] = mask[5:8, 7:9] = 255
    mask[0, 0] = 60  # a grey along the edge
    for name in (
        "train/good/000",
        "test/good/000",
        "test/broken_large/000",
        "test/broken_large/001",
        "test/scratch/000",
    ):
        png(tmp_path / "metal_nut" / f"{name}.png", photo)
    png(tmp_path / "metal_nut" / "ground_truth" / "broken_large" / "000_mask.png", mask)
    png(tmp_path / "metal_nut" / "ground_truth" / "scratch" / "000_mask.png", mask[:4])
    return tmp_path


def test_mvtec(goods: Path) -> None:
    reading = read("mvtec", goods, goods)
    scenes = {scene.id: scene for scene in reading}
    assert {id: scene.labels for id, scene in scenes.items()} == {
        "metal_nut/train/good/000": ("metal nut", "normal"),
        "metal_nut/test/good/000": ("metal nut", "normal"),
        "metal_nut/test/broken_large/000": ("metal nut", "abnormal"),
    }
    broken = scenes["metal_nut/test/broken_large/000"]
    assert (broken.image, broken.width, broken.height) == ("metal_nut/test/broken_large/000.png", 10, 8)
    assert [(r.id, r.label, r.box) for r in broken.regions] == [
        (0, "broken large", Box(2, 1, 5, 3)),
        (1, "broken large", Box(7, 5, 9, 8)),
    ]
    assert [rle_area(r.mask) for r in broken.regions if r.mask is not None] == [6, 6]
    assert broken.provenance["defect"] == "broken large"
    lost, other = reading.rejected
    assert (lost.where, lost.reason.split("ground_truth/")[1]) == (
        "broken_large/001.png",
        "broken_large holds no mask of it (001_mask.png); put it back",
    )
    assert "is 10 x 4 pixels, its photo 10 x 8" in other.reason
    assert reading.read == 5


def test_mvtec_one_product_and_split(goods: Path) -> None:
    reading = read("mvtec", goods / "metal_nut", split="train")
    assert [scene.image for scene in reading] == ["metal_nut/train/good/000.png"]
    assert reading.read == 1
    (scene,) = (s for s in read("mvtec", goods, smallest=7) if s.labels[1] == "abnormal")
    assert scene.regions == ()


def test_magnetic_tiles(shared_data: Path) -> None:
    folder = shared_data / "defects" / "magnetic_tile"
    reading = read("magnetic_tile", folder, folder)
    scenes = list(reading)
    assert (reading.read, reading.kept, reading.problems) == (48, 48, [])
    normal = [scene for scene in scenes if scene.labels == ("magnetic tile", "normal")]
    assert {scene.image.split("/")[0] for scene in normal} == {"MT_Free"}
    assert all(scene.regions == () for scene in normal)
    assert len(normal) + sum(scene.labels == ("magnetic tile", "abnormal") for scene in scenes) == 48
    for scene in scenes:
        if scene not in normal:
            with Image.open((folder / scene.image).with_suffix(".png")) as image:
                white = np.asarray(image.convert("L")) >= 128
            masks = [rle_decode(r.mask) for r in scene.regions if r.mask is not None]
            assert np.array_equal(np.logical_or.reduce(masks), white)
            assert sum(mask.sum() for mask in masks) == white.sum()  # no pixel is in two parts


def test_isic(files: Path, tmp_path: Path) -> None:
    reading = read("isic", files / "isic" / "metadata.csv", size="600x450")
    assert [(s.id, s.image, s.labels) for s in reading] == [
        ("ISIC_0000009", "ISIC_0000009.jpg", ("melanoma", "malignant")),
        ("ISIC_0000025", "ISIC_0000025.jpg", ("nevus", "benign")),
    ]
    assert [r.where for r in reading.rejected] == ["isic/metadata.csv: line 4 (image )", "isic/metadata.csv: line 5"]
    assert reading.rejected[1].reason == "has 2 fields, but the first line has 3; mend the line in the file"
    reading = read("isic", files / "isic" / "truth.csv", size="600x450")
    assert [(s.id, s.labels) for s in reading] == [("ISIC_0000009", ("melanoma",))]
    assert reading.rejected[0].reason == "NV is 'yes', which is no number; mend it in the file"
    (tmp_path / "a.csv").write_text("photo,age\n1,2\n")
    with pytest.raises(RelataError, match=r"a\.csv: no column for the photo's name"):
        list(read("isic", tmp_path))


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ("ISIC_0000000,benign\nISIC_0000002,malignant\n", [("benign",), ("malignant",)]),  # 2016, training
        ("ISIC_0000003,0.0\nISIC_0000012,1.0\n", [("benign",), ("malignant",)]),  # 2016, test
        ("image_name,sex,target\nISIC_1,male,1\nISIC_2,male,0\n", [("malignant",), ("benign",)]),
        ("isic_id,target,iddx_1,iddx_2\nISIC_1,0,Benign,Benign melanocytic\n", [("benign", "benign melanocytic")]),
        ("isic_id,diagnosis_1,diagnosis_3\nISIC_1,Malignant,Melanoma Invasive\n", [("malignant", "melanoma invasive")]),
    ],
)
def test_isic_tables_of_all_years(tmp_path: Path, table: str, labels: list[tuple[str, ...]]) -> None:
    (tmp_path / "table.csv").write_text(table)
    reading = read("isic", tmp_path, size="10x10")
    assert [scene.labels for scene in reading] == labels
    assert reading.read == len(labels)


def test_isic_segmentations(files: Path, tmp_path: Path) -> None:
    lesion = np.zeros((40, 60), dtype=np.uint8)
    lesion[10:20, 30:50] = 255
    png(tmp_path / "ISIC_0000009_segmentation.png", lesion)
    png(tmp_path / "ISIC_0000025_segmentation.png", lesion * 0)
    reading = read("isic", files / "isic" / "metadata.csv", segmentations=str(tmp_path))
    first, second = reading
    assert (first.width, first.height) == (60, 40)
    assert [(r.label, r.box) for r in first.regions] == [("skin lesion", Box(30, 10, 50, 20))]
    assert first.regions[0].mask is not None
    assert second.regions == ()
    assert "has no pixel of a lesion" in reading.problems[0].reason


def test_own(files: Path) -> None:
    reading = read("own", files / "own")
    first, second = reading
    assert (first.id, first.image, first.captions, first.labels) == (
        "kitchen", "kitchen.jpg", ("A dog on a rug.",), ("indoor",),
    )  # fmt: skip
    assert [(r.id, r.label, r.box, r.attributes, r.description) for r in first.regions] == [
        (0, "dog", Box(10, 20, 40, 60), ("brown",), "a sleeping dog"),
        (1, "rug", Box(0, 50, 90, 90), (), None),
    ]
    assert [(r.subject, r.predicate, r.object) for r in first.relations] == [(0, "lying on", 1)]
    # centre 0.5, 0.5 and sides 0.5, 0.2 of 200 x 100
    assert (second.regions[0].id, second.regions[0].box) == (7, Box(50, 40, 150, 60))
    assert [(r.subject, r.predicate, r.object) for r in second.relations] == [(7, "behind", 9)]
    assert "names 'car', which 2 objects have; use ids" in reading.problems[0].reason
    assert [r.reason.split(";")[0] for r in reading.rejected] == [
        "Object contains unknown field `objets`",
        "does not say how boxes are written",
    ]


@pytest.mark.parametrize(
    ("boxes", "box"),
    [("xyxy", Box(10, 20, 30, 40)), ("xywh", Box(10, 20, 40, 60)), ("cxcywh/100", Box(0, 0, 50, 80))],
)
def test_own_boxes_by_option(tmp_path: Path, boxes: str, box: Box) -> None:
    numbers = "[25, 40, 50, 80]" if boxes == "cxcywh/100" else "[10, 20, 30, 40]"
    thing = f'{{"name": "cat", "box": {numbers}}}'
    (tmp_path / "a.json").write_text(f'[{{"image": "a.jpg", "width": 100, "height": 100, "objects": [{thing}]}}]')
    (scene,) = read("own", tmp_path, boxes=boxes)
    assert scene.regions[0].box == box


def test_own_without_a_photo(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '[{"image": "", "width": 5, "height": 5}, {"image": "/", "width": 5, "height": 5}]'
    )
    reading = read("own", tmp_path)
    assert list(reading) == []
    assert [r.reason.split(",")[0] for r in reading.rejected] == ["image is ''", "image is '/'"]
