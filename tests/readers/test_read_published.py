"""The readers on published files: counts agree with what the files hold."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from relata.readers import Reading, read, read_many
from relata.scene import Scene


def counted(reading: Reading) -> tuple[int, int, int, int]:
    """Records, regions, relations, captions; parts that were left out count too, so that nothing can hide."""
    scenes = list(reading)
    regions = sum(len(scene.regions) for scene in scenes)
    relations = sum(len(scene.relations) for scene in scenes)
    captions = sum(len(scene.captions) for scene in scenes)
    places = [problem.where for problem in reading.problems]
    assert reading.read == reading.kept + len(reading.rejected)
    return (
        reading.read,
        regions + sum(" region " in place for place in places),
        relations + sum(" relation " in place for place in places),
        captions,
    )


# records, regions, relations, captions
PUBLISHED = [
    ("coco", "coco_photos/annotations/tiny_coco/instances_train2017.json", (50, 470, 0, 0)),
    ("coco", "coco_photos/annotations/tiny_coco/instances_val2017.json", (50, 382, 0, 0)),
    ("coco", "coco_photos/annotations/tiny_coco/captions_train2017.json", (50, 0, 0, 250)),
    ("coco", "coco_photos/annotations/tiny_coco/captions_val2017.json", (50, 0, 0, 250)),
    ("coco", "coco_photos/annotations/tiny_coco/person_keypoints_train2017.json", (50, 99, 0, 0)),
    ("coco", "coco_photos/annotations/tiny_coco/person_keypoints_val2017.json", (50, 127, 0, 0)),
    ("coco", "coco_photos/annotations/tiny_coco", (100, 852, 0, 500)),
    ("coco", "coco_photos/annotations/coco_mini", (4, 32, 0, 0)),
    ("coco", "coco_photos/annotations/coco_tiny_zz", (23, 268, 0, 0)),
    ("coco", "coco_photos/annotations/tiny_coco_eng", (34, 380, 0, 0)),
    ("coco", "coco_photos/annotations/mmpose_test_coco.json", (4, 14, 0, 0)),
    ("coco", "coco_photos/annotations/captions_val2017.json", (171, 0, 0, 856)),
    ("coco", "coco_photos/annotations/panoptic/panoptic_train2017.json", (14, 123, 0, 0)),
    ("coco", "coco_photos/annotations/panoptic/panoptic_val2017.json", (82, 854, 0, 0)),
    ("coco", "benchmarks/fg_ovd/transparency.json", (230, 409, 0, 0)),
    ("lvis", "coco_photos/annotations/lvis_val_100.json", (4, 18, 0, 0)),
    ("psg", "excerpts/psg_one_record.json", (1, 7, 6, 0)),
    ("visual_genome", "excerpts/vg_objects_two_images.json", (2, 36, 0, 0)),
    ("visual_genome", "excerpts/vg_relationships_two.json", (1, 4, 2, 0)),
    ("gqa", "excerpts/gqa_scenegraph_excerpt.json", (1, 2, 2, 0)),
]


@pytest.mark.parametrize(("format", "path", "counts"), PUBLISHED)
def test_counts(shared_data: Path, format: str, path: str, counts: tuple[int, int, int, int]) -> None:
    assert counted(read(format, shared_data / path)) == counts


def test_vcoco(shared_data: Path) -> None:
    folder, photos = shared_data / "coco_photos/annotations/vcoco", shared_data / "coco_photos/images"
    for name, images, interactions in (("test", 43, 132), ("trainval", 7, 21)):
        reading = read("vcoco", folder / f"instances_vcoco_{name}.json", photos, present=True)
        records, _, relations, _ = counted(reading)
        assert (records, relations, reading.kept) == (images, interactions, images)


@pytest.mark.parametrize(("path", "triples"), [("VSDv1/val.json", 3138), ("VSDv2/newvsd_val.json", 2931)])
def test_vsd(shared_data: Path, path: str, triples: int) -> None:
    reading = read("vsd", shared_data / "benchmarks/vsd" / path)
    records, _, relations, _ = counted(reading)
    assert (records, relations, reading.kept) == (2927, triples, 2927)
    predicates = {relation.predicate for scene in reading for relation in scene.relations}
    assert len(predicates) == 9


def test_ferret(shared_data: Path) -> None:
    """Every line of every context is read: 599 + 580 + 519 objects, 394 + 312 + 328 relations."""
    for name, contexts, objects, relations in (
        ("refer_caption", 26, 599, 394),
        ("refer_reason", 26, 580, 312),
        ("ground_conv", 24, 519, 328),
    ):
        reading = read("ferret", shared_data / "ferret_bench" / name / "context.jsonl", size="640x480")
        records, regions, said, _ = counted(reading)
        assert (records, regions, said, reading.kept) == (contexts, objects, relations, contexts)
    here = read("ferret", shared_data / "ferret_bench", shared_data / "coco_photos/images")
    assert len(list(here)) == 4 + 6 + 6  # whose photos we hold
    assert here.read == 76


def test_llava_symbolic_images(shared_data: Path) -> None:
    path = shared_data / "llava/caps_boxes_coco2014_val_80.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    boxes = sum(len(record["instances"]) for record in records)
    assert counted(read("llava", path, size="640x480"))[:3] == (60, boxes, 0)


def test_yolo_agrees_with_coco(shared_data: Path) -> None:
    """The same boxes were published in shares of the photo, to six digits."""
    folder, photos = shared_data / "coco_photos/annotations", shared_data / "coco_photos/images"
    yolo = {scene.image: scene for scene in read("yolo", folder / "yolo", photos)}
    assert len(yolo) == 106
    sources = (folder / "tiny_coco", folder / "coco_tiny_zz", folder / "tiny_coco_eng")
    both = [scene for source in sources for scene in read("coco", source, photos, crowd=False) if scene.image in yolo]
    assert len(both) == 4
    for scene in both:
        other = yolo[scene.image]
        assert (scene.width, scene.height) == (other.width, other.height)
        assert Counter(r.label for r in scene.regions) == Counter(r.label for r in other.regions)
        for mine, theirs in zip(_sorted(scene), _sorted(other)):
            assert theirs == pytest.approx(mine, abs=0.02)


def _sorted(scene: Scene) -> list[tuple[float, ...]]:
    return sorted((r.box.tuple() for r in scene.regions), key=lambda box: [round(value) for value in box])


def test_sizes_in_annotations_are_those_of_the_photos(shared_data: Path) -> None:
    from PIL import Image

    photos = shared_data / "coco_photos/images"
    for scene in read("coco", shared_data / "coco_photos/annotations/tiny_coco", photos, present=True):
        with Image.open(photos / scene.image) as image:
            assert image.size == (scene.width, scene.height)


def test_panoptic_masks_fill_their_boxes(shared_data: Path) -> None:
    from relata.geometry import rle_box

    path = shared_data / "coco_photos/annotations/panoptic/panoptic_train2017.json"
    regions = [region for scene in read("coco", path, masks=True) for region in scene.regions]
    assert len(regions) == 123
    for region in regions:
        assert region.mask is not None
        drawn = rle_box(region.mask)
        assert drawn is not None
        assert drawn.tuple() == pytest.approx(region.box.tuple(), abs=1)


def test_the_conversation_and_the_graph_of_one_photo_agree(shared_data: Path, tmp_path: Path) -> None:
    """The same photo and graph were published as a PSG record and as a relation conversation."""
    (psg,) = read("psg", shared_data / "excerpts/psg_one_record.json", clean_labels=True)
    text = (shared_data / "asmv2/detailed_description/000_conv.txt").read_text()
    record = {
        "id": "000",
        "image": (shared_data / "asmv2/detailed_description/000_img.txt").read_text().strip(),
        "width": psg.width,
        "height": psg.height,
        "conversations": [{"from": "gpt", "value": text}],
    }
    (tmp_path / "one_wo_square_pad.json").write_text(json.dumps([record]))
    (said,) = read("llava", tmp_path / "one_wo_square_pad.json")
    assert said.image == psg.image
    where = {region.id: region.box for region in said.regions}
    place = {region.id: region.box for region in psg.regions}
    # a number is one of 1000 steps: half a pixel of 480, two thirds of 640
    near = [
        min(place, key=lambda id: sum(abs(a - b) for a, b in zip(place[id].tuple(), box.tuple())))
        for box in where.values()
    ]
    assert sorted(near) == sorted(place)
    for id, box in zip(near, where.values()):
        assert box.tuple() == pytest.approx(place[id].tuple(), abs=0.7)
    psg_id = dict(zip(where, near))
    assert {(psg_id[r.subject], r.predicate, psg_id[r.object]) for r in said.relations} == {
        (r.subject, r.predicate, r.object) for r in psg.relations
    }


def test_every_photo_gets_a_scene(shared_data: Path) -> None:
    folder = shared_data / "coco_photos"
    parts = ["tiny_coco", "coco_mini", "coco_tiny_zz", "tiny_coco_eng", "panoptic", "captions_val2017.json"]
    specs = [f"coco={folder / 'annotations' / part}" for part in parts]
    specs += [f"vcoco={folder / 'annotations/vcoco'}", f"lvis={folder / 'annotations/lvis_val_100.json'}"]
    specs += [f"ferret={shared_data / 'ferret_bench'}", f"yolo={folder / 'annotations/yolo'}"]
    merged = read_many(specs, folder / "images", present=True)
    scenes = {scene.image: scene for scene in merged}
    with (folder / "index.csv").open() as file:
        index = {row["image"]: row for row in csv.DictReader(file)}
    assert len(index) == 250
    assert set(scenes) == set(index)
    assert merged.kept == 250
    assert {rejected.reason.split()[0] for rejected in merged.rejected} == {"photo"}  # Ferret's other photos
    for name, row in index.items():
        scene = scenes[name]
        assert bool(scene.captions) == bool(int(row["captions"]))
        sources = Counter(relation.source for relation in scene.relations)
        assert sources["vcoco"] == int(row["vcoco_interactions"])
        assert bool(sources["ferret"]) == bool(int(row["vg_relations_ferret"]))
        assert scene.regions or scene.captions
