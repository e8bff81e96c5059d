"""Captions and phrases with boxes: `refcoco`, `grit`, `localized_narratives`, `flickr_entities`."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest

from relata.errors import RelataError
from relata.filters.scores import CLIP
from relata.readers import Reading, read
from relata.scene import Box


def said(reading: Reading) -> list[tuple[str, str]]:
    """Place and reason of what was left out inside scenes, shortened."""
    return [(p.where.split(": ", 1)[1], p.reason.split(";")[0].split(":")[0]) for p in reading.problems]


def test_refcoco_keeps_every_expression(files: Path) -> None:
    reading = read("refcoco", files / "refcoco")
    first, second = reading
    assert (first.id, first.image, first.width, first.height) == ("9", "COCO_train2014_000000000009.jpg", 100, 80)
    # x, y, width, height = 10, 20, 30, 40
    assert [(r.id, r.label, r.box, r.description) for r in first.regions] == [
        (901, "person", Box(10, 20, 40, 60), "man in black; left guy"),
        (902, "dog", Box(50, 5, 70, 25), "the dog"),
    ]
    assert first.provenance["split"] == "train"
    assert [r.id for r in second.regions] == [2501]  # 2502 is an object that nobody refers to
    assert (reading.read, reading.kept) == (3, 2)
    assert reading.rejected[0].where == "refcoco/refs.json: image 30"
    assert said(reading) == [
        ("images, record 2", "Object missing required field `width`"),
        ("record 5", "image_id is 'nine'"),
        ("image 25 region 7777", "is no object of image 25 in refcoco/instances.json"),
    ]


def test_refcoco_split_and_masks(files: Path) -> None:
    reading = read("refcoco", files / "refcoco", split="testA")
    assert [scene.id for scene in reading] == ["25"]
    first, _ = read("refcoco", files / "refcoco", masks=True)
    assert [region.mask is not None for region in first.regions] == [True, False]


@pytest.fixture
def pickles(files: Path, tmp_path: Path) -> Path:
    """The same expressions as pickles, as the data set has them; those of Google split in their own way."""
    shutil.copy(files / "refcoco" / "instances.json", tmp_path)
    refs = json.loads((files / "refcoco" / "refs.json").read_text())
    (tmp_path / "refs(unc).p").write_bytes(pickle.dumps(refs, 2))
    (tmp_path / "refs(google).p").write_bytes(pickle.dumps([{**ref, "split": "val"} for ref in refs], 2))
    return tmp_path


def test_refcoco_pickle_is_the_same(files: Path, pickles: Path) -> None:
    ours = [scene.replace(provenance={}) for scene in read("refcoco", files / "refcoco")]
    reading = read("refcoco", pickles, split_by="unc")
    assert [scene.replace(provenance={}) for scene in reading] == ours
    assert ("record 5", "Expected `int`, got `str` - at `$.image_id`") in said(reading)
    assert len(list(read("refcoco", pickles, split_by="google", split="val"))) == 2
    with pytest.raises(RelataError, match=r"in different ways; choose one: split_by="):
        list(read("refcoco", pickles))
    with pytest.raises(RelataError, match="split_by is 'umd', but the files' names say: google, unc"):
        list(read("refcoco", pickles, split_by="umd"))


class _Canary:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (os.environ["CANARY"],)


def test_refcoco_pickle_cannot_run_anything(pickles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", str(tmp_path / "canary"))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        (pickles / "refs(unc).p").write_bytes(pickle.dumps([_Canary()], protocol))
        with pytest.raises(RelataError, match=r"refs\(unc\)\.p: names (posix|nt)\.mkdir.*do not trust"):
            list(read("refcoco", pickles, split_by="unc"))
    (pickles / "refs(unc).p").write_bytes(pickle.dumps([{1, 2}, {"ref_id": 3}], 2))
    reading = read("refcoco", pickles, split_by="unc")
    assert list(reading) == []
    assert [place for place, _ in said(reading)][-2:] == ["record 0", "record 1"]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02", b"\x80\x02}q\x00.", b"not a pickle", b"\x80\x02(K\x01."])
def test_refcoco_damaged_pickle(pickles: Path, content: bytes) -> None:
    (pickles / "refs(unc).p").write_bytes(content)
    with pytest.raises(RelataError, match=r"refs\(unc\)\.p: (not a whole pickle|holds no list)"):
        list(read("refcoco", pickles, split_by="unc"))


def test_refcoco_text_of_python_2(pickles: Path) -> None:
    """Protocol 0 of Python 2: texts are bytes of an unknown encoding."""
    refs = b"(lp0\n(dp1\nS'ref_id'\nI1\nsS'ann_id'\nI901\nsS'image_id'\nI9\nsS'split'\nS'train'\nsS'sentences'\n"
    refs += b"(lp2\n(dp3\nS'sent'\nS'caf\\xe9'\nsas"
    (pickles / "refs(unc).p").write_bytes(refs + b"a.")
    (scene,) = read("refcoco", pickles, split_by="unc")
    assert scene.regions[0].description == "café"


def test_refcoco_needs_its_instances(files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "refcoco" / "refs.json", tmp_path)
    with pytest.raises(RelataError, match=r"refs\.json: the boxes lie in instances\.json, which is not beside it"):
        list(read("refcoco", tmp_path))


def test_grit(files: Path) -> None:
    reading = read("grit", files / "grit")
    first, second = reading
    assert (first.id, first.image, first.captions) == ("000000009", "000000009.jpg", ("a dog on a striped rug",))
    # 0.1, 0.2, 0.5, 0.6 of 200 x 100
    assert [(r.id, r.label, r.box, r.description, r.score) for r in first.regions] == [
        (0, "a dog", Box(20, 20, 100, 60), "a dog on a striped rug", 0.91),
        (1, "a striped rug", Box(0, 50, 200, 100), None, 0.8),
        (4, "on a striped rug", Box(0, 40, 200, 100), None, 0.5),
    ]
    assert [first.provenance[name] for name in CLIP if name in first.provenance] == ["0.35", "0.29"]
    assert second.regions == ()
    assert [place for place, _ in said(reading)] == ["image 000000009 region 2", "image 000000010 region 0 (two cats)"]
    assert [r.where for r in reading.rejected] == ["grit/grit.jsonl: record 2"]


def test_grit_beside_the_photos(files: Path, tmp_path: Path) -> None:
    """img2dataset writes one indented file per photo."""
    record = json.loads((files / "grit" / "grit.jsonl").read_text().splitlines()[0])
    (tmp_path / "00000").mkdir()
    (tmp_path / "00000" / "000000009.json").write_text(json.dumps(record, indent=4))
    (tmp_path / "00000_stats.json").write_text("{}")
    (tmp_path / "00000.parquet").write_bytes(b"the same once more")
    reading = read("grit", tmp_path)
    assert [len(scene.regions) for scene in reading] == [3]
    assert reading.read == 1


def test_grit_as_it_is_published(files: Path, tmp_path: Path) -> None:
    """Parquet with the columns of the release; the chunks are lists of doubles there."""
    arrow = pytest.importorskip("pyarrow", reason="needs the extra `export`")
    parquet = pytest.importorskip("pyarrow.parquet")
    records = [json.loads(line) for line in (files / "grit" / "grit.jsonl").read_text().splitlines()[:2]]
    names = ("key", "url", "caption", "width", "height", "noun_chunks", "ref_exps", "clip_similarity_vitb32")
    rows = [{name: record.get(name) for name in names} for record in records]
    parquet.write_table(arrow.Table.from_pylist(rows), tmp_path / "coyo_0_snappy.parquet")
    reading = read("grit", tmp_path)
    same = [scene.replace(provenance={}) for scene in read("grit", files / "grit")]
    assert [scene.replace(provenance={}) for scene in reading] == same
    assert reading.problems[0].where == f"{tmp_path.name}/coyo_0_snappy.parquet: image 000000009 region 2"
    whole = (tmp_path / "coyo_0_snappy.parquet").read_bytes()
    (tmp_path / "coyo_0_snappy.parquet").write_bytes(whole[:-20])
    with pytest.raises(RelataError, match=r"coyo_0_snappy\.parquet: no whole Parquet file"):
        list(read("grit", tmp_path))


def test_narratives_of_one_photo_are_one_scene(files: Path, photos: Path) -> None:
    reading = read("localized_narratives", files / "narratives", photos)
    first, second = reading
    assert (first.id, first.image, (first.width, first.height)) == ("9", "000000000009.jpg", (100, 80))
    assert first.captions == ("In this image there is a dog.", "A brown dog lies on a rug.")
    assert first.regions == ()
    assert second.captions == ("A wall.",)
    assert said(reading) == [("image 25 in record 3", "caption is 7")]
    assert [(r.where.split(": ")[1], r.reason.split(";")[0]) for r in reading.rejected] == [
        ("record 4", "Object missing required field `image_id`")
    ]


def test_narrators_of_one_photo_in_several_files(tmp_path: Path) -> None:
    """COCO's narratives are published in four parts."""
    for part, (id, words) in enumerate((("9", "A dog."), ("25", "A cat."), ("9", "A brown dog."))):
        record = {"dataset_id": "mscoco_train2017", "image_id": id, "caption": words}
        (tmp_path / f"coco_train_localized_narratives-0000{part}-of-00003.jsonl").write_text(json.dumps(record))
    reading = read("localized_narratives", tmp_path, size="10x10")
    assert [(scene.id, scene.captions) for scene in reading] == [("9", ("A dog.", "A brown dog.")), ("25", ("A cat.",))]
    first, _ = reading
    assert [name.split("/")[1][-20:] for name in first.provenance["file"].split("; ")] == [
        "00000-of-00003.jsonl",
        "00002-of-00003.jsonl",
    ]


def test_narratives_traces(files: Path, photos: Path) -> None:
    reading = read("localized_narratives", files / "narratives", photos, traces=True)
    first, _ = reading
    # x 0.1 to 0.4 and y 0.2 to -0.3, which is outside, of 100 x 80
    assert [(r.label, r.box) for r in first.regions] == [
        ("In this image", Box(10, 0, 40, 16)),
        ("a dog", Box(20, 20, 60, 80)),
    ]
    assert said(reading)[0][0] == "image 9 utterance 1 of record 0 (there is)"


@pytest.mark.parametrize(
    ("dataset", "id", "image"),
    [
        ("mscoco_train2017", "137576", "000000137576.jpg"),
        ("Flickr30k_test", "1000092795", "1000092795.jpg"),
        ("ADE20k_train", "ADE_train_00000001", "ADE_train_00000001.jpg"),
        ("open_images_train", "00a1b2c3", "00a1b2c3.jpg"),
    ],
)
def test_narratives_name_photos_as_their_data_set_does(tmp_path: Path, dataset: str, id: str, image: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"dataset_id": dataset, "image_id": id, "caption": "A wall."}))
    (scene,) = read("localized_narratives", path, size="10x10")
    assert (scene.image, scene.provenance["dataset"], scene.provenance["size"]) == (image, dataset, "assumed")


def test_flickr_entities(files: Path) -> None:
    reading = read("flickr_entities", files / "flickr_entities")
    (scene,) = reading
    assert scene.captions == (
        "Two young men , one in a red hat , stand in the yard .",
        "Two friends enjoy time with a cat .",
    )
    # pixels 1 to 40 and 1 to 80, counted from 1, the last one inside
    assert [(r.id, r.label, r.box, r.description) for r in scene.regions] == [
        (0, "Two young men", Box(0, 0, 40, 80), "Two friends"),
        (1, "Two young men", Box(50, 10, 90, 70), "Two friends; a red hat"),
    ]
    assert scene.labels == ("the yard",)
    assert said(reading)[0][0].endswith("region 2 (a red hat)")
    assert reading.problems[0].reason == "ymin is 'five', which is no whole number; mend it in the file"
    assert reading.rejected[0].where == "Annotations/1001.xml; Sentences/1001.txt: image 1001"
    assert "not whole, valid XML" in reading.rejected[0].reason


def test_flickr_entities_split(files: Path) -> None:
    reading = read("flickr_entities", files / "flickr_entities", split="train")
    assert [scene.id for scene in reading] == ["1000"]
    assert reading.read == 1
    with pytest.raises(RelataError, match=r"test\.txt does not exist"):
        list(read("flickr_entities", files / "flickr_entities", split="test"))


def test_flickr_entities_sentences_alone(files: Path, tmp_path: Path) -> None:
    shutil.copy(files / "flickr_entities" / "Sentences" / "1000.txt", tmp_path)
    reading = read("flickr_entities", tmp_path / "1000.txt")
    assert list(reading) == []
    assert "name the folder of photos" in reading.rejected[0].reason


def test_xml_that_grows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.xml").write_text(
        '<!DOCTYPE a [<!ENTITY b "bbbb">]><annotation><filename>&b;</filename></annotation>'
    )
    reading = read("flickr_entities", tmp_path / "1.xml")
    assert list(reading) == []
    assert "declares a document type" in reading.rejected[0].reason
