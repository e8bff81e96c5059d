"""`people` and `nlvr`: crops of people with attributes, rendered scenes with a statement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from relata.errors import RelataError
from relata.readers import read
from relata.readers._attributes import attributes_of
from relata.scene import Box, Scene


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    folder = tmp_path / "bounding_box_train"
    folder.mkdir()
    for name in (
        "0002_c1s1_000451_03.jpg",
        "0002_c3s2_000500_01.jpg.jpg",
        "0007_c2_f0044158.jpg",
        "-1_c1s1_000401_03.jpg",
        "0000_c1s1_000401_04.jpg",
        "portrait.jpg",
    ):
        Image.new("RGB", (8, 16)).save(folder / name)
    (folder / "0009_c1s1_000451_03.jpg").write_bytes(b"no photo")
    (folder / "Thumbs.db").write_bytes(b"")
    return folder


def test_people(crops: Path) -> None:
    reading = read("people", crops, dataset="market")
    scenes = list(reading)
    assert (reading.read, reading.kept) == (7, 3)
    first, second, third = scenes
    assert (first.image, first.width, first.height) == ("0002_c1s1_000451_03.jpg", 8, 16)
    (region,) = first.regions
    assert (region.id, region.label, region.box, region.attributes) == (0, "person", Box(0, 0, 8, 16), ())
    assert first.regions[0].identity == second.regions[0].identity == "market 0002"
    assert third.regions[0].identity == "market 0007"
    assert [scene.provenance["camera"] for scene in scenes] == ["1", "3", "2"]
    why = {rejected.where.split("/")[1]: rejected.reason for rejected in reading.rejected}
    assert "no person (-1)" in why["-1_c1s1_000401_03.jpg"]
    assert "a distractor (0000)" in why["0000_c1s1_000401_04.jpg"]
    assert "is not named <person>_c<camera>" in why["portrait.jpg"]
    assert "cannot be opened" in why["0009_c1s1_000451_03.jpg"]


def test_people_are_named_from_the_folder_of_images(crops: Path) -> None:
    first = next(iter(read("people", crops, crops.parent, present=True)))
    assert first.image == "bounding_box_train/0002_c1s1_000451_03.jpg"
    assert first.regions[0].identity == "0002"


@pytest.mark.parametrize(
    ("file", "words", "others"),
    [
        ("attributes.csv", ("male", "no hat", "backpack", "red upper clothing"), ("female", "hat", "no backpack")),
        ("attributes.json", ("no hat", "male", "backpack"), ("female", "hat")),
    ],
)
def test_attributes_of_the_user(
    crops: Path, files: Path, file: str, words: tuple[str, ...], others: tuple[str, ...]
) -> None:
    (crops / "0004_c1s1_000451_03.jpg").write_bytes((crops / "0002_c1s1_000451_03.jpg").read_bytes())
    reading = read("people", crops, attributes=str(files / "people" / file))
    scenes: dict[str, Scene] = {scene.id: scene for scene in reading}
    assert scenes["0002_c1s1_000451_03.jpg"].regions[0].attributes == words
    assert scenes["0007_c2_f0044158.jpg"].regions[0].attributes == others
    (problem,) = reading.problems
    assert problem.where == "bounding_box_train/0004_c1s1_000451_03.jpg attributes"


def market(path: Path, **changes: Any) -> Path:
    """Two persons as Market-1501's attributes write them, one in each part."""

    def part(person: str, hat: int, colour: str) -> dict[str, Any]:
        colours = {name: np.array([[2 if name == colour else 1]]) for name in ("upblack", "upred", "upblue")}
        numbers = {"age": 2, "backpack": 1, "bag": 2, "handbag": 1, "clothes": 2, "down": 1, "up": 2, "hair": 1}
        coded = {name: np.array([[number]]) for name, number in (numbers | {"hat": hat, "gender": 1} | changes).items()}
        lower = {"downblack": np.array([[1]]), "downblue": np.array([[2]])}
        return coded | colours | lower | {"image_index": np.array([person], object)}

    savemat(path, {"market_attribute": {"train": part("0002", 1, "upred"), "test": part("0007", 2, "upblack")}})
    return path


def test_published_attributes_in_words(tmp_path: Path) -> None:
    known = attributes_of(market(tmp_path / "market_attribute.mat"))
    assert known == {
        2: (
            "male",
            "teenager",
            "short hair",
            "short sleeves",
            "long lower clothing",
            "pants",
            "no hat",
            "no backpack",
            "bag",
            "no handbag",
            "red upper clothing",
            "blue lower clothing",
        ),
        7: (
            *("male", "teenager", "short hair", "short sleeves", "long lower clothing", "pants", "hat", "no backpack"),
            *("bag", "no handbag", "black upper clothing", "blue lower clothing"),
        ),
    }


def test_several_persons_of_a_part(tmp_path: Path) -> None:
    path = tmp_path / "duke_attribute.mat"
    part = {"image_index": np.array(["0001", "0005"], object), "boots": [[1, 2]], "top": [[2, 1]], "upred": [[1, 2]]}
    savemat(path, {"duke_attribute": {"train": part}})
    assert attributes_of(path) == {
        1: ("long upper clothing", "no boots"),
        5: ("short upper clothing", "boots", "red upper clothing"),
    }


def test_attributes_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match=r"gender is 3; it goes from 1 to 2"):
        attributes_of(market(tmp_path / "a.mat", gender=3))
    for name, content, message in (
        ("b.mat", b"MATLAB", "not the attributes of Market-1501"),
        ("c.csv", b"person,hat\nfirst,no\n", "'first' is no person's number"),
        ("d.csv", b"person,hat\n1\n", "line 2 has 1 fields"),
        ("e.json", b'{"1": 2}', "is it a file of another format|Is it a file of another format"),
        ("f.txt", b"", "not from .txt"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(RelataError, match=message) as caught:
            attributes_of(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(RelataError, match="does not exist"):
        list(read("people", tmp_path / "f.txt", attributes=str(tmp_path / "none.mat")))


def test_published_crops(shared_data: Path) -> None:
    reading = read("people", shared_data / "person_crops")
    assert [scene.regions[0].identity for scene in reading] == ["0022", "0027", "0032"]
    assert {(scene.width, scene.height) for scene in reading} == {(64, 128)}


def test_nlvr(files: Path) -> None:
    reading = read("nlvr", files / "nlvr/dev.json")
    first, second = reading
    assert (first.id, first.image, first.width, first.height) == ("10-0", "3/dev-10-0-0.png", 400, 100)
    assert [(r.id, r.label, r.box.tuple(), r.attributes) for r in first.regions] == [
        (0, "box", (0, 0, 100, 100), ("grey",)),
        (1, "box", (150, 0, 250, 100), ("grey",)),
        (2, "box", (300, 0, 400, 100), ("grey",)),
        (3, "circle", (5, 80, 25, 100), ("medium", "yellow")),
        (4, "square", (370, 1, 400, 31), ("large", "blue")),
    ]
    assert first.captions == ("There is a yellow circle.",)
    assert second.captions == ()  # what is false is no caption
    assert (second.provenance["statement"], second.provenance["label"]) == ("All are black.", "false")
    (rejected,) = reading.rejected
    assert rejected.where == "nlvr/dev.json: record 2"
    assert "of length 3" in rejected.reason
    assert next(iter(read("nlvr", files / "nlvr/dev.json", split="train"))).image == "3/train-10-0-0.png"


def test_published_scenes_are_where_the_pixels_are(shared_data: Path) -> None:
    """Every item has its colour in the middle of its box, in the images of the pack."""
    folder = shared_data / "benchmarks/nlvr"
    reading = read("nlvr", folder / "dev.json", folder / "dev_images", present=True)
    colours = {"yellow": (255, 255, 0), "blue": (0, 153, 255), "black": (0, 0, 0)}
    items = 0
    for scene in reading:
        with Image.open(folder / "dev_images" / scene.image) as image:
            assert image.size == (scene.width, scene.height)
            pixels = np.asarray(image.convert("RGB")).astype(int)
        for region in scene.regions[3:]:
            x, y = (int(min(sum(side) / 2, most)) for side, most in zip(
                ((region.box.x1, region.box.x2), (region.box.y1, region.box.y2)), (399, 99)
            ))  # fmt: skip
            assert np.abs(pixels[y, x] - colours[region.attributes[1]]).sum() < 60
            items += 1
    assert (reading.kept, len(reading.rejected), items) == (40, 0, 356)
