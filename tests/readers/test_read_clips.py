"""`ssv2`, `webvid`, `activitynet`, `vidvrd`, `action_genome`: clips and their frames."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from relata.errors import RelataError
from relata.readers import Reading, read
from relata.readers._clips import Clips, spread
from relata.readers._pickles import Array, load_pickle
from relata.scene import Box, Group, Link, Scene


def facts(scene: Scene) -> list[tuple[int, str, int]]:
    return [(r.subject, r.predicate, r.object) for r in scene.relations]


def checked(reading: Reading) -> list[Any]:
    found = list(reading)
    assert reading.read == reading.kept + len(reading.rejected)
    return found


def frames(folder: Path, names: list[str], size: tuple[int, int] = (40, 30)) -> None:
    folder.mkdir(parents=True)
    for name in names:
        Image.new("RGB", size).save(folder / name)


def test_frames_are_spread_over_equal_parts() -> None:
    assert spread(range(8), 4) == [1, 3, 5, 7]
    assert spread(range(100), 2) == [25, 75]
    assert spread(range(3), 4) == [0, 1, 2]
    assert spread([], 4) == []


def test_frames_are_numbered_from_0_whatever_their_names(tmp_path: Path) -> None:
    frames(tmp_path / "a", [f"{n:06d}.jpg" for n in (10, 1, 2)])
    frames(tmp_path / "b", [f"img2_{n:05d}.png" for n in (5, 0)])
    (tmp_path / "b" / "list.txt").write_text("no frame")
    clips = Clips(tmp_path)
    assert clips.frames("a") == {0: "a/000001.jpg", 1: "a/000002.jpg", 9: "a/000010.jpg"}
    assert clips.frames("missing", "b") == {0: "b/img2_00000.png", 5: "b/img2_00005.png"}
    with pytest.raises(RelataError, match=r"no frames in .*missing; extract them"):
        clips.frames("missing")
    for name in ("../a", "/etc", "a/../../b"):
        with pytest.raises(RelataError, match="leads out of the folder of frames"):
            clips.frames(name)


def test_ssv2(files: Path, tmp_path: Path) -> None:
    frames(tmp_path / "101", [f"{n:06d}.jpg" for n in range(1, 9)])
    reading = read("ssv2", files / "ssv2", tmp_path)
    (group,) = checked(reading)
    assert isinstance(group, Group)
    assert [scene.image for scene in group.scenes] == [f"101/{n:06d}.jpg" for n in (2, 4, 6, 8)]
    assert group.order == (0, 1, 2, 3)
    assert group.captions == ("putting a cup on a table",)
    assert group.provenance == {
        "format": "ssv2",
        "file": "ssv2/something-something-v2-train.json",
        "relation": "same order",
        "clip": "101",
        "label": "Putting something on something",
        "placeholders": "a cup; a table",
    }
    assert (group.scenes[1].id, group.scenes[1].provenance["frame"]) == ("101/3", "3")
    assert [(r.where.split(": ")[1], re.split("; | - ", r.reason)[0]) for r in reading.rejected] == [
        ("clip 102", f"no frames in {tmp_path / '102'}"),
        ("record 2", "Object missing required field `label`"),
    ]


def test_ssv2_without_frames(files: Path) -> None:
    reading = read("ssv2", files / "ssv2", n_frames="40", size="427x240", frames="2")
    first, second = checked(reading)
    assert [scene.image for scene in first.scenes] == ["101/000011.jpg", "101/000031.jpg"]
    assert (second.scenes[0].width, second.scenes[0].height) == (427, 240)
    reading = read("ssv2", files / "ssv2")
    assert checked(reading) == []
    assert "give n_frames and size" in reading.rejected[0].reason
    for name, value in (("frames", 1), ("n_frames", -1)):
        with pytest.raises(RelataError, match=rf"option {name} of ssv2 is {value}: Expected `int` >="):
            read("ssv2", files / "ssv2", **{name: value})


def test_webvid(files: Path, tmp_path: Path) -> None:
    frames(tmp_path / "000001_000050/201", ["000001.jpg", "000002.jpg", "000003.jpg"])
    frames(tmp_path / "202", ["000001.jpg"])
    reading = read("webvid", files / "webvid", tmp_path)
    (group,) = checked(reading)
    assert (group.id, group.captions, group.order) == ("201", ("A dog runs, and jumps",), (0, 1, 2))
    assert group.scenes[0].image == "000001_000050/201/000001.jpg"
    assert group.provenance["duration"] == "PT00H00M12S"
    assert [(r.where, r.reason.split(";")[0]) for r in reading.rejected] == [
        ("webvid/results_2M_val.csv: line 3", "group 202: has 1 scene(s)"),
        ("webvid/results_2M_val.csv: line 4", "has 4 fields, but the first line has 5"),
        ("webvid/results_2M_val.csv: line 5", "videoid is '204', name ''"),
    ]
    other = tmp_path / "other.csv"
    other.write_text("video,name\n1,a\n")
    with pytest.raises(RelataError, match=r"no column videoid; did you mean video\?"):
        list(read("webvid", other))


def test_activitynet(files: Path) -> None:
    reading = read("activitynet", files / "activitynet", n_frames=50, size="320x240")
    first, second = checked(reading)
    assert (first.id, first.order) == ("v_aaa", (0, 1, 2))
    assert [(scene.image, scene.captions) for scene in first.scenes] == [  # in the order of time
        ("v_aaa/000003.jpg", ("A man enters.",)),
        ("v_aaa/000026.jpg", ("He pours water.",)),
        ("v_aaa/000048.jpg", ("He leaves.",)),
    ]
    assert [scene.captions for scene in second.scenes] == [("Also one.",), ("Two.",)]
    place = "activitynet/val_1.json: clip v_ccc "
    assert [problem.where.removeprefix(place) for problem in reading.problems] == ["sentence 3", "event 1 in time"]
    assert "lasts from second 80 to 90, but the clip 50 s" in reading.problems[0].reason
    why = {rejected.where.rsplit(" ", 1)[1]: rejected.reason for rejected in reading.rejected}
    assert why["v_bbb"].startswith("has 1 event(s)")
    assert why["v_ddd"] == "has 1 timestamps, but 2 sentences; mend them in the file"
    assert why["v_eee"].startswith("duration is 'long': Expected `float`")


def test_vidvrd(files: Path) -> None:
    reading = read("vidvrd", files / "vidvrd/ILSVRC2015_train_00000001.json", frames=5)
    (group,) = checked(reading)
    assert [scene.provenance["frame"] for scene in group.scenes] == ["0", "1", "2", "3", "5"]  # 4 has no box
    assert group.scenes[4].image == "ILSVRC2015_train_00000001/000006.jpg"
    assert (group.scenes[0].width, group.scenes[0].height) == (100, 80)
    second = group.scenes[1]
    assert [(r.id, r.label, r.box) for r in second.regions] == [
        (0, "dog", Box(11, 10, 31, 30)),
        (1, "domestic cat", Box(50, 40, 80, 70)),
    ]
    assert [facts(scene) for scene in group.scenes] == [
        [],  # the cat is not there yet
        [(0, "walk toward", 1)],
        [(0, "walk toward", 1), (1, "stand right", 0)],
        [(1, "stand right", 0)],
        [],  # the cat's box leaves the image
    ]
    assert {r.identity for scene in group.scenes for r in scene.regions if r.label == "dog"} == {
        "ILSVRC2015_train_00000001/0"
    }
    assert Link((0, 0), (1, 0)) in group.links
    assert len(group.links) == 6
    assert [problem.where.split(": ")[1] for problem in reading.problems] == [
        "frame 0 relation 0",
        "frame 5 region 7",
        "frame 5 region 1 (domestic cat)",
        "frame 5 relation 0",
    ]


def test_vidvrd_takes_the_frames_that_there_are(files: Path, tmp_path: Path) -> None:
    frames(tmp_path / "ILSVRC2015_train_00000001", ["000002.jpg", "000003.jpg", "000001.jpg"])
    (group,) = checked(read("vidvrd", files / "vidvrd/ILSVRC2015_train_00000001.json", tmp_path))
    assert [scene.image[-10:] for scene in group.scenes] == ["000001.jpg", "000002.jpg", "000003.jpg"]


def test_vidor_names_the_folder_of_its_video(files: Path, tmp_path: Path) -> None:
    record = json.loads((files / "vidvrd/ILSVRC2015_train_00000001.json").read_text())
    path = tmp_path / "2793806282.json"
    path.write_text(json.dumps(record | {"video_id": "2793806282", "video_path": "1110/2793806282.mp4"}))
    frames(tmp_path / "frames/1110/2793806282", ["000000.jpg", "000001.jpg"])
    (group,) = checked(read("vidvrd", path, tmp_path / "frames"))
    assert [scene.image for scene in group.scenes] == ["1110/2793806282/000000.jpg", "1110/2793806282/000001.jpg"]


def test_a_damaged_clip_costs_only_itself(files: Path, tmp_path: Path) -> None:
    shutil.copytree(files / "vidvrd", tmp_path / "vidvrd")
    (tmp_path / "vidvrd/a.json").write_text('{"video_id": ')
    (tmp_path / "vidvrd/b.json").write_text('{"video_id": "b"}')
    reading = read("vidvrd", tmp_path / "vidvrd")
    assert [group.id for group in checked(reading)] == ["ILSVRC2015_train_00000001", "clip_a"]
    assert [rejected.where for rejected in reading.rejected] == [
        "vidvrd/a.json",
        "vidvrd/b.json",
        "vidvrd/vrelation_small.json: clip clip_b",
    ]


def test_lists_of_relations_without_boxes(files: Path) -> None:
    reading = read("vidvrd", files / "vidvrd/vrelation_small.json", frames=2)
    (group,) = checked(reading)
    assert [scene.image for scene in group.scenes] == ["clip_a/000011.jpg", "clip_a/000031.jpg"]
    assert group.captions == ("dog stand behind frisbee", "person follow dog")
    assert [problem.where.split(": ")[1] for problem in reading.problems] == ["record 4", "record 5"]
    assert "'dog chase cat' is not written as subject-predicate-object" in reading.problems[1].reason


def test_published_relations_without_boxes(shared_data: Path) -> None:
    path = shared_data / "vidvrd/vrelation_zero.json"
    lines = json.loads(path.read_text())
    reading = read("vidvrd", path)
    found = checked(reading)
    assert (reading.kept, reading.rejected, reading.problems) == (len({line[0] for line in lines}), [], [])
    assert sum(len(group.captions) for group in found) == len({(line[0], line[4]) for line in lines})


def test_published_frames(shared_data: Path, tmp_path: Path) -> None:
    """A clip of the pack as if it were one of Something-Something."""
    labels = tmp_path / "train.json"
    labels.write_text(json.dumps([{"id": "bedroom", "label": "jumping on a bed"}]))
    (group,) = checked(read("ssv2", labels, shared_data / "video", present=True))
    assert [scene.provenance["frame"] for scene in group.scenes] == ["10", "35", "60", "85"]
    assert {(scene.width, scene.height) for scene in group.scenes} == {(960, 540)}


def pickled(files: Path, folder: Path, protocol: int) -> Path:
    """The JSON fixture as the release writes it: pickles, with tuples and numpy arrays of float32."""
    objects = json.loads((files / "action_genome/object_bbox_and_relationship.json").read_text())
    persons = json.loads((files / "action_genome/person_bbox.json").read_text())
    for person in persons.values():
        person["bbox"] = np.array(person["bbox"], np.float32).reshape(-1, 4)
        person["bbox_size"] = tuple(person["bbox_size"])
        person["bbox_score"] = np.float32(0.5)
    folder.mkdir()
    for name, value in (("object_bbox_and_relationship", objects), ("person_bbox", persons)):
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(value, protocol))
    return folder


@pytest.mark.parametrize("protocol", [None, 2, 5])
def test_action_genome(files: Path, tmp_path: Path, protocol: int | None) -> None:
    folder = files / "action_genome" if protocol is None else pickled(files, tmp_path / "action_genome", protocol)
    reading = read("action_genome", folder)
    first, second, third = checked(reading)
    assert (first.image, first.width, first.height) == ("001YG.mp4/000089.png", 480, 270)
    assert [(r.id, r.label) for r in first.regions] == [(0, "person"), (1, "table"), (3, "chair")]
    assert first.regions[0].box.tuple() == pytest.approx((24.3, 71.5, 259.2, 268.2))
    assert first.regions[1].box.tuple() == pytest.approx((222.1, 143.8, 480.0, 245.2))  # was x, y, width, height
    assert facts(first) == [
        (0, "not contacting", 1),
        (1, "in front of", 0),
        (0, "not looking at", 3),
        (0, "sitting on", 3),
        (0, "leaning on", 3),
        (3, "beneath", 0),
        (3, "behind", 0),
    ]
    assert [relation.kind for relation in first.relations[:2]] == ["interactional", "spatial"]
    assert first.provenance["clip"] == "001YG.mp4"
    assert first.provenance["frame"] == "000089"
    assert [r.label for r in second.regions] == ["cup or glass or bottle"]
    assert second.relations == ()
    assert third.regions[0].box == Box(0, 0, 50, 60)
    assert [problem.where.split("000093.png ")[1] for problem in reading.problems] == [
        "region 0 (person)",
        "relation 0",
        "relation 1",
        "relation 2",
    ]
    assert [rejected.where.rsplit("/", 1)[1] for rejected in reading.rejected] == ["000013.png", "000014.png"]
    assert "person_bbox does not hold this frame" in reading.rejected[1].reason


def test_action_genome_options(files: Path) -> None:
    folder = files / "action_genome"
    assert [scene.id for scene in read("action_genome", folder, split="test")] == ["50N4E.mp4/000012.png"]
    first = next(iter(read("action_genome", folder, vague=True)))
    assert facts(first)[0] == (0, "unsure", 1)
    with pytest.raises(RelataError, match=r"needs two files, object_bbox_and_relationship\.pkl and person_bbox\.pkl"):
        list(read("action_genome", folder / "person_bbox.json"))


class Canary:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def test_pickles_run_nothing(files: Path, tmp_path: Path) -> None:
    folder = pickled(files, tmp_path / "action_genome", 4)
    (folder / "person_bbox.pkl").write_bytes(pickle.dumps({"a/1.png": Canary(tmp_path / "canary")}))
    with pytest.raises(RelataError, match=r"person_bbox\.pkl: names .*mkdir, which is no data and is not run"):
        list(read("action_genome", folder))
    assert not (tmp_path / "canary").exists()


def test_pickled_arrays_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    arrays = [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([], bool),
    ]
    for protocol in (2, 3, 4, 5):
        path.write_bytes(pickle.dumps([arrays, np.float64(2.5), {1, 2}, b"\xff"], protocol))
        back, number, both, raw = load_pickle(path)
        assert [array.tolist() for array in back] == [array.tolist() for array in arrays]
        assert (number, both, raw) == (2.5, {1, 2}, b"\xff")


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(np.array([Path("a")], object)),
        pickle.dumps(np.array(["a"])),
        pickle.dumps({"a": 1})[:-4],
        b"",
        b"not a pickle",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"cos\nsystem\n(S'true'\ntR.",
        b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb.X",
    ],
)
def test_damaged_and_strange_pickles(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    if content.endswith(b".X"):
        assert not isinstance(load_pickle(path), np.dtype)
        return
    with pytest.raises(RelataError, match=rf"^{re.escape(str(path))}: "):
        load_pickle(path)


def test_every_cut_and_flip_of_a_pickle_is_an_error_or_data(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    whole = pickle.dumps({"a/1.png": {"bbox": np.ones((2, 4), np.float32), "bbox_size": (4, 3)}}, 2)
    for at in range(len(whole)):
        for content in (whole[:at], whole[:at] + bytes([whole[at] ^ 0x15]) + whole[at + 1 :]):
            path.write_bytes(content)
            with suppress(RelataError):
                assert isinstance(load_pickle(path), (dict, tuple, list, str, int, float, bytes, Array, type(None)))


def test_a_length_that_no_clip_has(tmp_path: Path) -> None:
    lines = [["a", 10**30, 640, 480, "dog-near-cat"], ["b", 40, 640, 480, "dog-near-cat"]]
    (tmp_path / "list.json").write_text(json.dumps(lines))
    reading = read("vidvrd", tmp_path)
    assert [group.id for group in reading] == ["b"]
    assert "record 0" in reading.problems[0].where
