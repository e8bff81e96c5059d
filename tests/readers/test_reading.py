"""`read`: names, options, paths, counts."""

from __future__ import annotations

import json
import shutil
import tracemalloc
from pathlib import Path

import pytest

import relata
from relata.errors import RelataError
from relata.names import listing
from relata.readers import Partial, Reading, Rejected, read
from relata.scene import Box, Scene


def test_a_format_is_read_by_name_and_counted(files: Path) -> None:
    reading = relata.read("psg", files / "psg.json")
    scenes = list(reading)
    assert [scene.id for scene in scenes] == ["2330001", "2330002"]
    assert (reading.read, reading.kept, len(reading.rejected)) == (4, 2, 2)
    assert all(not rejected.part for rejected in reading.rejected)
    assert all(problem.part for problem in reading.problems)
    assert str(reading) == "psg: 4 read = 2 kept + 2 rejected (8 problems inside kept records)"


def test_reading_again_starts_afresh(files: Path) -> None:
    reading = read("psg", files / "psg.json")
    assert list(reading) == list(reading)
    assert (reading.read, len(reading.rejected)) == (4, 2)


def test_stopping_early_leaves_the_counts_so_far(files: Path) -> None:
    reading = read("psg", files / "psg.json")
    assert next(iter(reading)).id == "2330001"
    assert (reading.read, reading.kept) == (1, 1)


def test_strict_rejects_what_would_be_kept_in_part(files: Path) -> None:
    reading = read("psg", files / "psg.json", strict=True)
    assert list(reading) == []
    assert (reading.read, reading.kept, len(reading.rejected), reading.problems) == (4, 0, 4, [])
    assert "(and 3 more)" in reading.rejected[0].reason  # four parts of the first record do not fit


def test_present_rejects_what_has_no_photo(files: Path, photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "000000000025.jpg", tmp_path)
    reading = read("psg", files / "psg.json", tmp_path, present=True)
    assert [scene.image for scene in reading] == ["000000000025.jpg"]
    assert f"photo {tmp_path / 'train2017/000000000009.jpg'} does not exist" in reading.rejected[0].reason
    with pytest.raises(RelataError, match="needs the folder of photos"):
        read("psg", files / "psg.json", present=True)


def test_texts_from_the_command_line_are_options(files: Path) -> None:
    scenes = list(read("psg", str(files / "psg.json"), clean_labels="true", split="test"))
    assert [scene.id for scene in scenes] == ["2330002"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clean_label": True}, r"unknown option of psg 'clean_label'; did you mean clean_labels\?"),
        ({"split": "val"}, r"option split of psg is 'val'"),
        ({"strict": "perhaps"}, r"option strict of psg is 'perhaps'"),
    ],
)
def test_wrong_options_are_refused(files: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(RelataError, match=message):
        read("psg", files / "psg.json", **options)


def test_wrong_names_and_paths_are_refused_at_once(files: Path, tmp_path: Path) -> None:
    with pytest.raises(RelataError, match=r"unknown reader 'pgs'; did you mean psg"):
        read("pgs", files / "psg.json")
    with pytest.raises(RelataError, match=rf"annotations {files / 'pgs.json'} do not exist; .* did you mean psg.json"):
        read("psg", files / "pgs.json")
    with pytest.raises(RelataError, match=r"folder of photos .*nowhere does not exist"):
        read("psg", files / "psg.json", files / "nowhere")
    with pytest.raises(RelataError, match=r"holds no file named \*psg\*\.json"):
        read("psg", tmp_path)


@pytest.mark.parametrize("content", ["", '{"data": [', "[1, 2]", '{"data": [], "thing_classes": 3}', "\x00"])
def test_a_file_that_is_no_psg_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "psg.json"
    path.write_text(content)
    with pytest.raises(RelataError, match=r"psg\.json: "):
        list(read("psg", path))


def test_one_object_over_many_lines_is_not_taken_for_json_lines(files: Path) -> None:
    with pytest.raises(RelataError, match="one JSON object, not a list of records"):
        list(read("vsd", files / "psg.json"))


def test_several_files_folders_and_commas(files: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "a_psg.json", tmp_path / "b_psg.json"
    for path in (one, two):
        shutil.copy(files / "psg.json", path)
    for given in (tmp_path, [one, two], f"{one},{two}", f"{one}, {tmp_path}"):
        reading = read("psg", given)
        assert (len(list(reading)), reading.read) == (4, 8)


def test_a_byte_order_mark_is_skipped(files: Path, tmp_path: Path) -> None:
    path = tmp_path / "psg.json"
    path.write_bytes(b"\xef\xbb\xbf" + (files / "psg.json").read_bytes())
    assert len(list(read("psg", path))) == 2


def test_a_rejection_names_file_record_and_value(tmp_path: Path) -> None:
    path = tmp_path / "vsd.json"
    path.write_text(json.dumps([{"img_id": "1", "triple_list": [{"s": 5}]}, 7, {"img_id": "2", "triple_list": "on"}]))
    reading = read("vsd", path)
    assert list(reading) == []
    first, second, third = reading.rejected
    assert first.where == f"{tmp_path.name}/vsd.json: record 0"
    assert first.reason == "triple_list[0].s is 5: Expected `str`, got `int`; mend it in the file"
    assert second.reason == "Expected `object`, got `int`; mend the record in the file"
    assert third.reason.startswith("triple_list is 'on': Expected `array`")


def test_a_reader_that_loses_a_record_is_found_out() -> None:
    def records():  # type: ignore[no-untyped-def]
        yield Scene("1", "1.jpg", 10, 10)
        yield Partial(Scene("2", "2.jpg", 10, 10), (Rejected("2", "no", part=True),))
        return 3

    with pytest.raises(AssertionError, match="3 records in the files, but 2 came out"):
        list(Reading("mine", records))


def test_every_reader_describes_itself() -> None:
    from relata.names import component

    names = listing("readers")
    assert {"coco", "psg", "visual_genome", "vsd", "activitynet", "people"} <= set(names)
    for name in names:
        module = component("readers", name)
        assert str(module.__doc__).startswith(f"`{name}`: ")
        assert module.FILES


def test_the_template_is_a_working_reader(tmp_path: Path) -> None:
    from relata.readers import _template

    path = tmp_path / "made_up.json"
    record = {
        "photo": "a.jpg",
        "width": 640,
        "height": 480,
        "things": [{"name": "dog", "xywh": [10, 20, 30, 40]}, {"name": "rug", "xywh": [0, 50, 900, 40]}],
        "facts": [[0, "on", 1], [0, "near", 0]],
        "text": "A dog on a rug.",
    }
    path.write_text(json.dumps([record, {"photo": "b.jpg"}]))
    reading = Reading("template", lambda: _template.read(path, None, captions=True))
    (scene,) = reading
    assert [(r.label, r.box) for r in scene.regions] == [("dog", Box(10, 20, 40, 60))]
    assert scene.captions == ("A dog on a rug.",)
    assert scene.provenance == {"format": "template", "file": f"{tmp_path.name}/made_up.json"}
    place = f"{tmp_path.name}/made_up.json: photo a.jpg "
    assert [problem.where.removeprefix(place) for problem in reading.problems] == [
        "relation 1",  # near itself
        "region 1 (rug)",  # leaves the image
        "relation 0",  # on the rug, which was left out
    ]
    assert "Object missing required field `width`" in reading.rejected[0].reason


def test_json_lines_take_the_memory_of_a_record(tmp_path: Path) -> None:
    record = {"image": "a.jpg", "width": 9, "height": 9, "captions": ["a dog on a rug " * 40]}
    with (tmp_path / "a.jsonl").open("w") as file:
        file.writelines(json.dumps(record) + "\n" for _ in range(20_000))
    tracemalloc.start()
    reading = read("own", tmp_path)
    assert sum(1 for _ in reading) == reading.read == 20_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.jsonl").stat().st_size > 12_000_000
    assert peak < 1_000_000


def test_a_byte_order_mark_is_no_part_of_the_first_record(tmp_path: Path) -> None:
    line = '{"dataset_id": "Flickr30k_test", "image_id": "7", "caption": "A wall."}\n'
    (tmp_path / "a.jsonl").write_text(line + line.replace("7", "8"), "utf-8-sig")
    assert [scene.id for scene in read("localized_narratives", tmp_path, size="10x10")] == ["7", "8"]
    (tmp_path / "a.jsonl").write_text('{"image": "a.jpg", "width": 9, "height": 9}\n' * 2, "utf-8-sig")
    assert len(list(read("own", tmp_path))) == 2
