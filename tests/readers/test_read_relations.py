"""Relations in layouts of their own: `open_images`, `vrd`, `svg`, `ade20k`, `scene_parsing`."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relata.errors import RelataError
from relata.geometry import rle_area, rle_decode
from relata.readers import read
from relata.scene import Box, Scene


def facts(scene: Scene) -> list[tuple[int, str, int]]:
    return [(r.subject, r.predicate, r.object) for r in scene.relations]


def test_open_images(files: Path) -> None:
    reading = read("open_images", files / "open_images", size="100x80")
    first, second = reading  # rows of one image need not be together
    # XMin 0.1, XMax 0.5, YMin 0.2, YMax 0.6 of 100 x 80
    assert [(r.label, r.box, r.attributes) for r in first.regions] == [
        ("Man", Box(10, 16, 50, 48), ("made of Leather",)),
        ("Woman, adult", Box(0, 40, 100, 80), ()),
    ]
    assert facts(first) == [(0, "interacts with", 1), (1, "inside of", 0)]
    assert [r.label for r in second.regions] == ["Woman, adult"]
    assert [p.where.split("image ")[1] for p in reading.problems] == [
        "0009 region 2",
        "0009 relation 1",
        "0010 region 0 (Man)",
        "0010 relation 1",
        "0010 relation 0",
    ]
    assert "'0010,/m/04yx4,0.1' has 3 fields, but the first line names 12" in reading.problems[3].reason
    assert (reading.read, reading.kept) == (2, 2)


def test_open_images_needs_names_and_a_table(files: Path, tmp_path: Path) -> None:
    table = files / "open_images" / "oidv6-train-annotations-vrd.csv"
    shutil.copy(table, tmp_path)
    with pytest.raises(RelataError, match=r"no class-descriptions\*\.csv, given or beside it"):
        list(read("open_images", tmp_path, size="9x9"))
    with pytest.raises(RelataError, match=r"none of the files has a column RelationLabel"):
        list(read("open_images", files / "open_images" / "class-descriptions-boxable.csv"))
    old = tmp_path / "challenge-2018-vrd.csv"
    old.write_text(table.read_text().replace("RelationLabel", "RelationshipLabel"))
    given = [old, files / "open_images" / "class-descriptions-boxable.csv"]
    assert len(list(read("open_images", given, size="100x80"))) == 2


def test_vrd(files: Path, photos: Path) -> None:
    reading = read("vrd", files / "vrd")
    (scene,) = reading
    # ymin, ymax, xmin, xmax = 20, 60, 10, 40
    assert [(r.id, r.label, r.box) for r in scene.regions] == [
        (0, "person", Box(10, 20, 40, 60)),
        (1, "street", Box(0, 50, 100, 80)),
    ]
    assert facts(scene) == [(0, "on", 1), (1, "under", 0)]
    assert (scene.width, scene.height, scene.provenance["size"]) == (100, 80, "boxes")
    assert [p.reason.split(";")[0] for p in reading.problems] == [
        "has category 7, but objects.json names 2",
        "has predicate 9, but predicates.json names 2",
    ]
    assert [r.where for r in reading.rejected] == [f"vrd/annotations_train.json: image {n}.jpg" for n in (2, 3)]


def test_vrd_needs_its_words(files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "vrd" / "annotations_train.json", tmp_path)
    with pytest.raises(RelataError, match=r"annotations_train\.json: its numbers are named by objects\.json"):
        list(read("vrd", tmp_path))


def test_svg_by_image_id(files: Path) -> None:
    reading = read("svg", files / "svg" / "graphs.json", masks=True)
    (scene,) = reading
    assert (scene.id, scene.image, scene.width, scene.height) == ("img9", "img9.jpg", 640, 480)
    assert [(r.id, r.label, r.box, r.attributes) for r in scene.regions] == [
        (3, "cup", Box(10, 20, 60, 90), ("white",)),
        (5, "table", Box(0, 80, 640, 480), ()),
    ]
    cup, table = (region.mask for region in scene.regions)
    assert cup is not None
    assert rle_area(cup) == 20
    assert table is None
    assert facts(scene) == [(3, "resting on", 5)]
    assert "points to '8', which is no object" in reading.problems[0].reason
    assert [r.where for r in reading.rejected] == ["svg/graphs.json: image img10"]


def test_svg_by_line(files: Path) -> None:
    reading = read("svg", files / "svg" / "detection.jsonl")
    (scene,) = reading
    assert (scene.id, scene.image) == ("7", "coco/a.jpg")
    assert [r.box for r in scene.regions] == [Box(10, 20, 40, 60), Box(0, 50, 100, 80)]
    assert facts(scene) == [(0, "lying on", 1)]
    assert reading.rejected[0].where == "svg/detection.jsonl: record 1"


def test_svg_released_rows(files: Path) -> None:
    reading = read("svg", files / "svg" / "rows.jsonl", masks=True)
    (scene,) = reading
    # proposals are x, y, width, height; relations count objects from 0
    assert [(r.id, r.label, r.box) for r in scene.regions] == [
        (0, "brown dog", Box(10, 20, 40, 60)),
        (1, "striped rug", Box(0, 50, 100, 80)),
    ]
    assert facts(scene) == [(0, "lying on", 1)]
    assert [p.where.split("2345 ")[1] for p in reading.problems] == [
        "mask of region 1",
        "region 2 (lamp)",
        "relation 1",
    ]


def test_svg_relations_that_are_none_cost_only_themselves(files: Path, tmp_path: Path) -> None:
    graph = json.loads((files / "svg" / "graphs.json").read_text())["img9"]
    graph["objects"]["3"]["relations"][1:] = ["near region 8", ["8", "near"], None]
    (tmp_path / "a.json").write_text(json.dumps({"img9": graph}))
    reading = read("svg", tmp_path)
    (scene,) = reading
    assert [(r.subject, r.predicate, r.object) for r in scene.relations] == [(3, "resting on", 5)]
    assert [p.where.split("img9 ")[1] for p in reading.problems] == ["relation 1", "relation 2", "relation 3"]
    assert reading.problems[0].reason.startswith("'near region 8' of 3 is not written as {object, name}")


def test_svg_rows_as_parquet(files: Path, tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow", reason="needs the extra `export`")
    parquet = pytest.importorskip("pyarrow.parquet")
    (row,) = map(json.loads, (files / "svg" / "rows.jsonl").read_text().splitlines())
    parquet.write_table(arrow.Table.from_pylist([row]), tmp_path / "train-00000-of-00001.parquet")
    (scene,) = read("svg", tmp_path, masks=True)
    (same,) = read("svg", files / "svg" / "rows.jsonl", masks=True)
    assert scene.replace(provenance={}) == same.replace(provenance={})


def test_svg_mapping_on_one_line(files: Path, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(json.loads((files / "svg" / "graphs.json").read_text())))
    assert [scene.id for scene in read("svg", tmp_path)] == ["img9"]


def test_ade20k_polygons(files: Path) -> None:
    reading = read("ade20k", files / "ade20k" / "ADE_train_00000001.json", masks=True)
    (scene,) = reading
    assert scene.image == "ADE20K_2021_17_01/images/ADE/training/urban/street/ADE_train_00000001.jpg"
    assert (scene.width, scene.height, scene.labels) == (100, 80, ("outdoor", "urban", "street"))
    assert [(r.id, r.label, r.box, r.attributes) for r in scene.regions] == [
        (0, "car", Box(10, 20, 50, 60), ("parked", "red")),
        (1, "wheel", Box(12, 50, 20, 60), ()),
        (2, "door", Box(30, 30, 40, 50), ()),
    ]
    mask = scene.regions[0].mask
    assert mask is not None
    assert rle_area(mask) == 40 * 40
    assert facts(scene) == [(1, "part of", 0), (2, "part of", 0)]
    assert [p.where.split(".json ")[1] for p in reading.problems] == [
        "mask of region 2",
        "mask of region 3",
        "region 3 (sky)",
        "relation 2",
    ]


def test_ade20k_names_in_latin_1(files: Path, tmp_path: Path) -> None:
    text = (files / "ade20k" / "ADE_train_00000001.json").read_text().replace("wheel", "caf\u00e9")
    (tmp_path / "ADE_a.json").write_bytes(text.encode("latin-1"))
    (scene,) = read("ade20k", tmp_path)
    assert scene.regions[1].label == "caf\u00e9"


@pytest.fixture
def ade_2016(files: Path, tmp_path: Path) -> Path:
    """The list, with its pixels: a door (blue 40) with a handle (blue 9 of the parts), a wall (blue 90)."""
    shutil.copy(files / "ade20k" / "ADE_train_00000002_atr.txt", tmp_path)
    objects, parts = np.zeros((2, 8, 10, 3), dtype=np.uint8)
    objects[2:8, 1:4, 2] = 40
    objects[0:8, 5:10, 2] = 90
    parts[4:5, 2:4, 2] = 9
    Image.fromarray(objects).save(tmp_path / "ADE_train_00000002_seg.png")
    Image.fromarray(parts).save(tmp_path / "ADE_train_00000002_parts_1.png")
    return tmp_path


def test_ade20k_list_and_pixels(ade_2016: Path) -> None:
    reading = read("ade20k", ade_2016, masks=True)
    (scene,) = reading
    assert (scene.id, scene.image, scene.width, scene.height) == ("ADE_train_00000002", "ADE_train_00000002.jpg", 10, 8)
    assert [(r.id, r.label, r.box, r.attributes) for r in scene.regions] == [
        (0, "door", Box(1, 2, 4, 8), ("open", "wooden")),
        (1, "wall", Box(5, 0, 10, 8), ()),
        (3, "handle", Box(2, 4, 4, 5), ()),
    ]
    assert [rle_area(r.mask) for r in scene.regions if r.mask is not None] == [18, 40, 2]
    assert facts(scene) == [(3, "part of", 0)]
    assert [(p.where.split("_atr.txt ")[1], p.reason) for p in reading.problems][1:] == [
        ("region 2 (ceiling)", "has no pixel in ADE_train_00000002_seg.png")
    ]
    assert reading.problems[0].where.endswith("line 4")


def test_ade20k_without_its_pixels(files: Path) -> None:
    reading = read("ade20k", files / "ade20k" / "ADE_train_00000002_atr.txt")
    assert list(reading) == []
    assert "ADE_train_00000002_seg.png does not exist" in reading.rejected[0].reason


@pytest.fixture
def parsing(tmp_path: Path) -> Path:
    """Two touching pieces of wall, one apart, and a speck of sky."""
    (tmp_path / "annotations" / "training").mkdir(parents=True)
    names = "Idx\tRatio\tTrain\tVal\tStuff\tName\n1\t0.1576\t11664\t1172\t1\twall\n3\t0.08\t8400\t796\t1\tsky, heaven\n"
    (tmp_path / "objectInfo150.txt").write_text(names)
    (tmp_path / "sceneCategories.txt").write_text("ADE_train_00000001 living_room\n")
    labels = np.zeros((6, 10), dtype=np.uint8)
    labels[0:2, 0:4] = labels[2:4, 4:6] = 1  # touching at a corner
    labels[3:6, 8:10] = 1
    labels[5, 0] = 3
    labels[0, 9] = 77
    Image.fromarray(labels).save(tmp_path / "annotations" / "training" / "ADE_train_00000001.png")
    (tmp_path / "annotations" / "training" / "ADE_train_00000002.png").write_bytes(b"no PNG")
    return tmp_path


def test_scene_parsing(parsing: Path) -> None:
    reading = read("scene_parsing", parsing)
    (scene,) = reading
    assert (scene.image, scene.width, scene.height) == ("images/training/ADE_train_00000001.jpg", 10, 6)
    assert scene.labels == ("living room",)
    assert [(r.id, r.label, r.box) for r in scene.regions] == [
        (0, "wall", Box(0, 0, 6, 4)),
        (1, "wall", Box(8, 3, 10, 6)),
        (2, "sky", Box(0, 5, 1, 6)),
    ]
    first = scene.regions[0].mask
    assert first is not None
    assert rle_decode(first).sum() == 8 + 4
    assert [p.where.split(".png ")[1] for p in reading.problems] == ["label 77"]
    assert [r.where for r in reading.rejected] == ["training/ADE_train_00000002.png"]
    assert "cannot be opened" in reading.rejected[0].reason
    (scene,) = read("scene_parsing", parsing, smallest=2)
    assert [r.label for r in scene.regions] == ["wall", "wall"]
    (parsing / "objectInfo150.txt").unlink()
    with pytest.raises(RelataError, match=r"no objectInfo150\.txt in"):
        list(read("scene_parsing", parsing))


def test_a_png_that_claims_to_be_huge_is_refused(parsing: Path) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (parsing / "annotations" / "training" / "ADE_train_00000002.png").write_bytes(bomb)
    reading = read("scene_parsing", parsing)
    assert len(list(reading)) == 1
    assert "claims 50000 x 50000 pixels" in reading.rejected[0].reason
