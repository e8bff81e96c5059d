"""Label Studio, both ways: what is read from an export goes back without loss, whatever was changed in between."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata.errors import RelataError
from relata.formats.label_studio import write
from relata.geometry import rle_area, rle_decode, rle_encode
from relata.readers import read
from relata.scene import Box, Region, Relation, Scene


def facts(scene: Scene) -> list[tuple[int, str, int]]:
    return [(r.subject, r.predicate, r.object) for r in scene.relations]


@pytest.fixture
def export(files: Path) -> Path:
    return files / "label_studio" / "export.json"


def test_shapes_and_what_is_said_of_them(export: Path, photos: Path) -> None:
    first, second, third = read("label_studio", export, photos, masks=True)
    assert (first.id, first.image, first.width, first.height) == ("1/1001", "000000000009.jpg", 100, 80)
    # x, y, width, height = 10, 25, 30, 50 percent of 100 x 80
    dog, rug, bone, ball = first.regions
    assert (dog.id, dog.label, dog.box) == (0, "dog", Box(10, 20, 40, 60))
    assert (dog.attributes, dog.description, dog.mask) == (("wet", "lying"), "a wet dog", None)
    assert (rug.label, rug.box) == ("rug", Box(0, 40, 100, 80))
    # 20 x 10 pixels, turned by 90 degrees about (50, 20)
    assert bone.box.tuple() == pytest.approx((40, 20, 50, 40))
    assert ball.box.tuple() == pytest.approx((60, 10, 80, 30))
    assert ball.score == 0.75
    areas = [rle_area(region.mask) for region in (rug, bone, ball) if region.mask is not None]
    assert areas[:2] == [100 * 40, 10 * 20]
    assert areas[2] == pytest.approx(np.pi * 10 * 10, rel=0.02)
    assert (first.labels, first.captions) == (("indoor",), ("A dog on a rug.",))
    assert (second.image, third.image) == ("000000000025.jpg", "000000000030.jpg")
    assert (third.width, third.regions) == (50, ())


def test_arrows(export: Path, photos: Path) -> None:
    first, *_ = read("label_studio", export, photos)
    assert facts(first) == [
        (0, "lying on", 1),
        (0, "wetting", 1),
        (2, "in front of", 0),  # drawn to the left
        (2, "near", 3),  # both ways
        (3, "near", 2),
        (1, "related to", 3),  # nobody said how
    ]


def test_what_does_not_fit_is_told(export: Path, photos: Path) -> None:
    reading = read("label_studio", export, photos)
    assert len(list(reading)) == 3
    assert [r.where.split(": ")[1] for r in reading.rejected] == ["task 1 annotation 1", "record 3"]
    assert [p.where.split(": ")[1] for p in reading.problems] == [
        "task 1 annotation 0 result key1",
        "task 1 annotation 0 relation 6",
        "task 2 result 1",
        "task 2 region 0 (cat)",
    ]


def test_brush_strokes(tmp_path: Path) -> None:
    """A 4 x 2 image packed by hand: 8 clear pixels, but for the third, which is painted."""
    bits = f"{32:032b}" + f"{7:05b}" + "".join(f"{size - 1:04b}" for size in (3, 4, 8, 16))
    bits += "1" + "00" + f"{7:03b}" + f"{0:08b}"  # a run of 8 zeros
    bits += "0" + "00" + f"{3:03b}" + f"{255:08b}" * 4  # four values one by one
    bits += "1" + "10" + f"{19:08b}" + f"{0:08b}"  # a run of 20 zeros
    bits += "0" * (-len(bits) % 8)
    packed = [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]
    value = {"format": "rle", "rle": packed, "brushlabels": ["spot"]}
    shape = {"id": "b", "type": "brushlabels", "original_width": 4, "original_height": 2, "value": value}
    short = {**shape, "id": "c", "value": {**value, "rle": packed[:-3]}}
    task = {"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": [shape, short]}]}
    (tmp_path / "a.json").write_text(json.dumps([task]))
    reading = read("label_studio", tmp_path, masks=True)
    (scene,) = reading
    (spot,) = scene.regions
    assert (spot.label, spot.box) == ("spot", Box(2, 0, 3, 1))
    assert spot.mask is not None
    assert np.argwhere(rle_decode(spot.mask)).tolist() == [[0, 2]]
    assert "the strokes end in the middle" in reading.problems[0].reason


def written(scenes: list[Scene], folder: Path) -> list[dict[str, Any]]:
    write(scenes, folder / "tasks.json")
    tasks: list[dict[str, Any]] = json.loads((folder / "tasks.json").read_text())
    return tasks


def arrows(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in result if item["type"] == "relation"]


def test_an_export_goes_back_as_it_was(export: Path, photos: Path, tmp_path: Path) -> None:
    tasks = json.loads(export.read_text())
    tasks[0]["annotations"].pop()  # skipped by its annotator
    assert written(list(read("label_studio", export, photos)), tmp_path) == tasks[:3]


def test_two_annotations_of_a_task_become_one_task_again(export: Path, tmp_path: Path) -> None:
    task = json.loads(export.read_text())[0]
    task["annotations"][1] = {**task["annotations"][0], "id": 1003}
    (tmp_path / "in.json").write_text(json.dumps([task]))
    scenes = list(read("label_studio", tmp_path / "in.json"))
    assert [scene.id for scene in scenes] == ["1/1001", "1/1003"]
    assert written(scenes, tmp_path) == [task]
    with pytest.raises(RelataError, match="are the same annotation of a task"):
        write([scenes[0], scenes[0]], tmp_path / "twice.json")


def test_changes_are_written_and_the_rest_is_left_alone(export: Path, photos: Path, tmp_path: Path) -> None:
    first, *_ = read("label_studio", export, photos)
    dog, rug, _, ball = first.regions
    changed = first.replace(
        regions=(dog.replace(label="puppy"), rug, ball, Region(9, "lamp", Box(1, 2, 3, 4))),  # the bone is gone
        relations=(Relation(0, "lying on", 1), Relation(9, "above", 1)),
        labels=("indoor", "day"),
        captions=(),
    )
    (task,) = written([changed], tmp_path)
    before = json.loads(export.read_text())[0]["annotations"][0]["result"]
    after = task["annotations"][0]["result"]
    kept = {item.get("id") for item in before if item in after}
    assert {"poly1", "ell1", "key1", "w"} <= kept  # as exported
    assert "turn1" not in json.dumps(after)
    assert "A dog on a rug." not in json.dumps(after)
    assert {"type": "relation", "direction": "right", "from_id": "r9", "to_id": "poly1", "labels": ["above"]} in after
    (again,) = read("label_studio", tmp_path / "tasks.json")
    assert [(r.label, r.attributes, r.description) for r in again.regions] == [
        ("puppy", ("wet", "lying"), "a wet dog"),
        ("rug", (), None),
        ("ball", (), None),
        ("lamp", (), None),
    ]
    names = {region.id: region.label for region in again.regions}
    assert [(names[s], p, names[o]) for s, p, o in facts(again)] == [
        ("puppy", "lying on", "rug"),
        ("lamp", "above", "rug"),
    ]
    assert (again.labels, again.captions) == (("indoor", "day"), ())


def test_the_interface_names_all_labels(tmp_path: Path) -> None:
    regions = (Region(1, 'a "b" <c>', Box(0, 0, 5, 5), attributes=("red",)), Region(2, "d", Box(1, 1, 5, 5)))
    scene = Scene("s", "my photos/s.jpg", 10, 10, regions, (Relation(1, "on & off", 2),), labels=("day",))
    assert write([scene], tmp_path / "t.json", root="/data/local-files/?d=") == 1
    (task,) = json.loads((tmp_path / "t.json").read_text())
    assert (task["data"]["image"], task["data"]["scene"]) == ("/data/local-files/?d=my%20photos/s.jpg", "s")
    interface = (tmp_path / "t.xml").read_text()
    assert "<Label value='a \"b\" &lt;c&gt;'/>" in interface
    assert '<Relation value="on &amp; off"/>' in interface
    (again,) = read("label_studio", tmp_path / "t.json")
    assert again.image == "my photos/s.jpg"


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text
)
scores = st.none() | st.floats(0, 1)
sides = st.tuples(st.integers(0, 90), st.integers(0, 70), st.integers(1, 10), st.integers(1, 10))


@st.composite
def made(draw: st.DrawFn) -> Scene:
    ids = draw(st.lists(st.integers(0, 10**6), max_size=5, unique=True))
    regions = []
    for id in ids:
        x, y, w, h = draw(sides)
        extra = draw(st.lists(words, max_size=2, unique=True))
        label = draw(words)
        said = draw(st.none() | words)
        attributes = tuple(word for word in extra if word != label)
        mask = draw(st.none() | st.just(rle_encode(np.ones((80, 100), dtype=bool))))
        box, identity, score = Box.xywh(x, y, w, h), draw(st.none() | words), draw(scores)
        regions.append(Region(id, label, box, mask, attributes, said, identity, score))
    pairs = [(a, b) for a in ids for b in ids if a != b]
    chosen = draw(st.lists(st.tuples(st.sampled_from(pairs), words), max_size=6, unique=True)) if pairs else []
    kinds = st.none() | st.sampled_from(["spatial", "social"])
    relations = tuple(
        Relation(a, predicate, b, draw(kinds), draw(scores), draw(st.none() | words)) for (a, b), predicate in chosen
    )
    labels = tuple(draw(st.lists(words, max_size=2, unique=True)))
    told = {"format": "coco", "file": "a.json"} if draw(st.booleans()) else {}
    return Scene(draw(words), "a/b.jpg", 100, 80, tuple(regions), relations, labels[:1], labels, told)


def bare(scene: Scene) -> Scene:
    """Without the task that it was in Label Studio."""
    return scene.replace(provenance={key: text for key, text in scene.provenance.items() if key != "label_studio"})


@settings(deadline=None, max_examples=100)
@given(scenes=st.lists(made(), max_size=3, unique_by=lambda scene: scene.id))
def test_scenes_go_there_and_come_back(scenes: list[Scene]) -> None:
    """Nothing is lost, and nothing is when they go there a second time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.json"
        assert write(scenes, path) == len(scenes)
        again = list(read("label_studio", path))
        assert [bare(scene) for scene in again] == scenes
        tasks = json.loads(path.read_text())
        assert written(again, Path(folder)) == tasks


@settings(deadline=None, max_examples=60)
@given(scene=made(), data=st.data())
def test_what_annotators_leave_alone_keeps_what_they_cannot_see(scene: Scene, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (task,) = written([scene], Path(folder))
        result = task["annotations"][0]["result"] if task["annotations"] else []
        shapes = [item for item in result if item["type"] == "rectanglelabels"]
        moved = data.draw(st.sampled_from(shapes)) if shapes else None
        if moved is not None:
            moved["value"]["x"] = moved["value"]["x"] + 0.5 if moved["value"]["x"] < 50 else moved["value"]["x"] - 0.5
        value = {"x": 1, "y": 2.5, "width": 3, "height": 5, "rectanglelabels": ["new"]}
        drawn = {"id": "aB3", "type": "rectanglelabels", "original_width": 100, "original_height": 80, "value": value}
        task["annotations"] = [{"id": 7, "result": [*result, drawn]}]
        (Path(folder) / "back.json").write_text(json.dumps([task]))
        (again,) = read("label_studio", Path(folder) / "back.json")
        assert {(r.label, r.box) for r in again.regions if r.id not in {r.id for r in scene.regions}} == {
            ("new", Box(1, 2, 4, 6))
        }
        assert again.relations == scene.relations
        for region in scene.regions:
            other = again.region(region.id)
            if moved is not None and moved["id"] == f"r{region.id}":
                assert (other.label, other.identity, other.mask) == (region.label, region.identity, None)
                assert abs(other.box.x1 - region.box.x1) == pytest.approx(0.5)
            else:
                assert other == region


def test_what_was_added_to_an_export_goes_along(export: Path, photos: Path, tmp_path: Path) -> None:
    """An export has no room for kinds and identities either: a scene that got some takes them along."""
    _, second, _ = read("label_studio", export, photos)
    assert "relata" not in written([second], tmp_path)[0]["data"]
    region = Region(4, "cat", Box(1, 2, 30, 40), identity="Tom")
    changed = second.replace(regions=(*second.regions, region))
    (task,) = written([changed], tmp_path)
    assert task["data"]["relata"]["regions"][-1]["identity"] == "Tom"
    (again,) = read("label_studio", tmp_path / "tasks.json")
    assert region in again.regions


def test_a_damaged_scene_in_a_task_is_told(tmp_path: Path) -> None:
    (task,) = written([Scene("s", "a.jpg", 10, 10, (Region(1, "dog", Box(0, 0, 5, 5), identity="Rex"),))], tmp_path)
    task["data"]["relata"]["regions"] = 3
    (tmp_path / "back.json").write_text(json.dumps([task]))
    reading = read("label_studio", tmp_path / "back.json")
    (scene,) = reading
    assert [(r.id, r.label, r.identity) for r in scene.regions] == [(1, "dog", None)]
    assert [(p.where.rsplit(" ", 1)[1], p.reason.split(":")[0]) for p in reading.problems] == [
        ("data.relata", "regions is 3")
    ]


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_arrows_go_there_and_come_back(data: st.DataObject) -> None:
    """Ids, labels and directions of all arrows, however many lie between two shapes."""
    ids = data.draw(st.lists(st.text("abcXYZ019_-", min_size=1, max_size=10), min_size=1, max_size=4, unique=True))
    ends = st.sampled_from([*ids, "gone"])
    shape = {"type": "rectanglelabels", "original_width": 100, "original_height": 80}
    result: list[dict[str, Any]] = [
        {**shape, "id": id, "value": {"x": 10.1, "y": 20.3, "width": 30, "height": 40.7, "rectanglelabels": ["thing"]}}
        for id in ids
    ]
    arrow = st.fixed_dictionaries(
        {"type": st.just("relation"), "from_id": ends, "to_id": ends},
        optional={"direction": st.sampled_from(["right", "left", "bi"]), "labels": st.lists(words, max_size=2)},
    )
    result += data.draw(st.lists(arrow, max_size=8))
    task = {"id": 5, "data": {"image": "a.jpg"}, "annotations": [{"id": 6, "result": result}]}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in.json").write_text(json.dumps([task]))
        (scene,) = read("label_studio", Path(folder) / "in.json")
        assert written([scene], Path(folder)) == [task]
        bare = scene.replace(relations=())
        (without,) = written([bare], Path(folder))
        live = arrows(without["annotations"][0]["result"])
        assert all(item["from_id"] == item["to_id"] or "gone" in (item["from_id"], item["to_id"]) for item in live)


def test_a_merged_scene_is_written_anew(export: Path, photos: Path, tmp_path: Path) -> None:
    """Merging puts two exports into one provenance: neither is the scene's own any more, but nothing of it is lost."""
    first, second, _ = read("label_studio", export, photos)
    both = {"label_studio": "; ".join(scene.provenance["label_studio"] for scene in (first, second))}
    (task,) = written([first.replace(provenance=both)], tmp_path)
    assert (task["data"]["image"], task["data"]["scene"]) == ("000000000009.jpg", "1/1001")
    (again,) = read("label_studio", tmp_path / "tasks.json")
    assert facts(again) == facts(first)
    assert [(r.id, r.label, r.score) for r in again.regions] == [(r.id, r.label, r.score) for r in first.regions]


def test_nothing_is_written_halfway(export: Path, photos: Path, tmp_path: Path) -> None:
    first, *_ = read("label_studio", export, photos)
    written([first], tmp_path)
    before = (tmp_path / "tasks.json").read_bytes()
    with pytest.raises(RelataError):
        write([first, first], tmp_path / "tasks.json")
    assert (tmp_path / "tasks.json").read_bytes() == before


def test_published_scenes_go_there_and_come_back(shared_data: Path, tmp_path: Path) -> None:
    """Real scenes with masks, relations and captions: equal but for the task that they carry."""
    annotations = shared_data / "coco_photos" / "annotations"
    scenes = [
        *read("coco", annotations / "panoptic" / "panoptic_train2017.json", masks=True),
        *read("vcoco", annotations / "vcoco" / "instances_vcoco_trainval.json", shared_data / "coco_photos" / "images"),
        *read("psg", shared_data / "excerpts" / "psg_one_record.json"),
    ]
    assert write(scenes, tmp_path / "tasks.json") == len(scenes) == 14 + 7 + 1
    assert [bare(scene) for scene in read("label_studio", tmp_path / "tasks.json")] == scenes


def test_strokes_on_an_image_beyond_all_limits(tmp_path: Path) -> None:
    side = 2**15 - 1
    value = {"format": "rle", "rle": [*(4 * side * side).to_bytes(4, "big"), 0, 0, 0, 0], "brushlabels": ["spot"]}
    shape = {"id": "b", "type": "brushlabels", "original_width": side, "original_height": side, "value": value}
    (tmp_path / "a.json").write_text(json.dumps([{"data": {"image": "a.jpg"}, "annotations": [{"result": [shape]}]}]))
    reading = read("label_studio", tmp_path)
    assert [scene.regions for scene in reading] == [()]
    assert reading.problems[0].reason.startswith("brush: strokes on 32767 x 32767 pixels")
