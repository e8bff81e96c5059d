"""`scene_difference`, `spot_the_diff`, `image_editing`, `cad_inst`, `deep_pcb`: pairs of images."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from relata.cli import app
from relata.errors import RelataError
from relata.readers import Reading, Rejected, merge, read, read_many
from relata.scene import Box, Group, decode


def groups(reading: Reading) -> list[Group]:
    found = list(reading)
    assert all(isinstance(group, Group) for group in found)
    assert reading.read == reading.kept + len(reading.rejected)
    return found


def refused(reading: Reading) -> dict[str, str]:
    return {rejected.where.split("/", 1)[1]: rejected.reason for rejected in reading.rejected}


def test_scene_difference(files: Path, photos: Path) -> None:
    reading = read("scene_difference", files / "scene_difference", photos)
    first, second = groups(reading)
    assert [(scene.image, scene.width, scene.height) for scene in first.scenes] == [
        ("000000000009.jpg", 100, 80),
        ("000000000025.jpg", 60, 60),
    ]
    assert first.captions == ("The first shows a dog, the second a cat.",)
    assert second.captions == ("The second one.",)
    assert first.provenance == {
        "format": "scene_difference",
        "file": "scene_difference/SD_instructions.json",
        "instruction": "What sets the two apart?",
        "related": "CGD_INS_000002",
    }
    assert first.order is None
    why = refused(reading)
    assert "Expected `array` of length 2" in why["SD_instructions.json: record SD_INS_000003"]
    assert "its answer is empty" in why["SD_instructions.json: record SD_INS_000004"]
    assert "SD_IMG_0001_1.jpg does not exist" in why["SD_instructions.json: record SD_INS_000005"]


def test_sizes_may_be_assumed_and_photos_required(files: Path, photos: Path) -> None:
    reading = read("scene_difference", files / "scene_difference", size="640x480")
    assert [group.id for group in groups(reading)] == ["CGD_INS_000001", "CGD_INS_000002", "SD_INS_000005"]
    assert next(iter(reading)).scenes[0].provenance["size"] == "assumed"
    present = read("scene_difference", files / "scene_difference", photos, size="640x480", present=True)
    assert [group.id for group in groups(present)] == ["CGD_INS_000001", "CGD_INS_000002"]
    assert "SD_IMG_0001_1.jpg does not exist" in present.rejected[-1].reason
    assert present.rejected[-1].where == "scene_difference/SD_instructions.json: image SD_IMG_0001_1.jpg"


def test_spot_the_diff(files: Path) -> None:
    reading = read("spot_the_diff", files / "spot_the_diff", size="640x480")
    (group,) = groups(reading)
    assert [scene.image for scene in group.scenes] == ["12.png", "12_2.png"]
    assert group.captions == ("the white van is gone", "a man has come")
    why = refused(reading)
    assert "has no sentence" in why["train.json: pair 13"]
    assert why["train.json: record 2"].startswith("img_id is 14: Expected `str`")
    with pytest.raises(RelataError, match="option size is 'big'"):
        list(read("spot_the_diff", files / "spot_the_diff", size="big"))


def test_image_editing(files: Path) -> None:
    reading = read("image_editing", files / "image_editing", size="640x480")
    (group,) = groups(reading)
    assert (group.id, [scene.image for scene in group.scenes]) == ("a", ["a_before.jpg", "a_after.jpg"])
    assert group.captions == ("brighten it",)
    assert "missing required field `img1`" in refused(reading)["valid.json: record 1"]


def test_cad_inst(files: Path) -> None:
    reading = read("cad_inst", files / "cad_inst", size="640x480")
    first, second, third = groups(reading)
    assert first.captions == ("Commonalities: both show dogs.\nDifferences: one runs.",)
    assert [scene.captions for scene in first.scenes] == [(), ("a dog runs",)]
    assert first.provenance["clip_sim_score"] == "0.71"
    assert [scene.image for scene in second.scenes] == ["a.jpg", "c.jpg"]  # a list as Python prints it
    assert second.captions == third.captions == first.captions
    (problem,) = reading.problems
    assert problem.where == "cad_inst/phase1.json: record p1_2 question 2"
    assert "'Both have one.'" in problem.reason
    why = refused(reading)
    assert list(why) == [f"phase1.json: record p1_{n}" for n in (3, 4, 5)]
    assert why["phase1.json: record p1_3"].startswith("image is \"['a.jpg']\"")
    assert why["phase1.json: record p1_4"].startswith("conversations is")
    assert "from gpt, human, gpt; they have to be from human, gpt" in why["phase1.json: record p1_5"]


def test_strict_rejects_a_group_that_would_be_kept_in_part(files: Path) -> None:
    reading = read("cad_inst", files / "cad_inst", size="640x480", strict=True)
    assert [group.id for group in groups(reading)] == ["p1_0", "p1_1"]
    assert (len(reading.rejected), reading.problems) == (4, [])


@pytest.fixture
def boards(files: Path, tmp_path: Path) -> Path:
    """The lines of the fixture with boards to them; those of the third pair are missing."""
    shutil.copytree(files / "deep_pcb", tmp_path / "boards")
    for number in (0, 1):
        for kind in ("temp", "test"):
            path = tmp_path / f"boards/group00001/00001/0000100{number}_{kind}.jpg"
            path.parent.mkdir(exist_ok=True)
            Image.new("L", (64, 48)).save(path)
    return tmp_path / "boards"


def test_deep_pcb(boards: Path) -> None:
    reading = read("deep_pcb", boards)
    first, second = groups(reading)
    flawless, tested = first.scenes
    assert (flawless.image, flawless.regions) == ("group00001/00001/00001000_temp.jpg", ())
    assert (tested.image, tested.width, tested.height) == ("group00001/00001/00001000_test.jpg", 64, 48)
    assert [(r.id, r.label, r.box) for r in tested.regions] == [
        (0, "open circuit", Box(10, 10, 20, 20)),
        (1, "pinhole", Box(30, 30, 40, 45)),
    ]
    assert [(r.id, r.label) for r in second.scenes[1].regions] == [(3, "mouse bite")]
    assert [problem.where for problem in reading.problems] == [
        f"00001_not/00001001.txt region {n}" for n in ("0", "1 (short circuit)", "2")
    ]
    assert "00001002_temp.jpg" in refused(reading)["00001002.txt"]


def test_images_are_named_from_the_folder_that_the_user_names(boards: Path) -> None:
    within = next(iter(read("deep_pcb", boards, boards.parent)))
    assert within.scenes[0].image == "boards/group00001/00001/00001000_temp.jpg"
    elsewhere = boards.parent / "copies"
    shutil.copytree(boards / "group00001/00001", elsewhere)
    assert next(iter(read("deep_pcb", boards, elsewhere))).scenes[0].image == "00001000_temp.jpg"


def test_groups_are_not_merged(files: Path) -> None:
    with pytest.raises(RelataError, match=r"group 12 cannot be merged"):
        list(read_many([f"psg={files / 'psg.json'}", f"spot_the_diff={files / 'spot_the_diff'}"], size="640x480"))
    with pytest.raises(RelataError, match=r"group 12 cannot be merged"):
        list(merge([read("spot_the_diff", files / "spot_the_diff", size="640x480")]))


def test_the_command_writes_groups_and_what_was_left_out(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "groups.jsonl"
    arguments = ["read", "cad_inst", str(files / "cad_inst"), "--out", str(out), "--option", "size=640x480"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert "6 read = 3 kept + 3 rejected (1 problems" in result.output
    lines = out.read_bytes().splitlines()
    assert [decode(line, Group) for line in lines] == list(read("cad_inst", files / "cad_inst", size="640x480"))
    refused = [decode(line, Rejected) for line in (tmp_path / "groups.rejected.jsonl").read_bytes().splitlines()]
    assert [rejected.part for rejected in refused] == [True, False, False, False]


def test_published_pairs(shared_data: Path) -> None:
    bench = shared_data / "benchmarks"
    for format, path, records, kept, captions in (
        ("spot_the_diff", "spot_the_diff/train.json", 3500, 3483, 6423),
        ("spot_the_diff", "spot_the_diff/val.json", 1634, 1628, 3304),
        ("image_editing", "image_editing_request/valid.json", 383, 383, 1149),
    ):
        reading = read(format, bench / path, size="640x480")
        assert sum(len(group.captions) for group in groups(reading)) == captions
        assert (reading.read, reading.kept) == (records, kept)  # the others have no sentence


def test_published_boards(shared_data: Path) -> None:
    folder = shared_data / "defects/deep_pcb"
    reading = read("deep_pcb", folder)
    found = groups(reading)
    lines = sum(len(path.read_text().split()) // 5 for path in folder.glob("*/*_not/*.txt"))
    assert (reading.read, reading.kept, reading.problems) == (36, 36, [])
    assert sum(len(group.scenes[1].regions) for group in found) == lines > 100
    assert {(scene.width, scene.height) for group in found for scene in group.scenes} == {(640, 640)}
    assert all((folder / scene.image).is_file() for group in found for scene in group.scenes)
