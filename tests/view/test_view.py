"""`relata.view.view`: from a path to a page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from relata import Answer, Example, Group, RelataError, Scene
from relata.scene import Record, encode
from relata.store import Writer
from relata.view import view

from .test_report import data


def lines(path: Path, *records: Record) -> Path:
    path.write_bytes(b"\n".join(map(encode, records)) + b"\n")
    return path


@pytest.mark.parametrize("kind", ["scene", "group", "example"])
def test_each_kind_of_record_is_recognised(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, photos: Path
) -> None:
    page = view(lines(tmp_path / "r.jsonl", request.getfixturevalue(kind)), tmp_path / "out", images=photos)
    assert page == tmp_path / "out" / "index.html"
    (section,) = data(page)["sections"]
    assert section["items"][0]["kind"] == kind
    assert all((page.parent / panel["source"]).is_file() for panel in section["items"][0]["panels"])
    assert f"1 {kind}" in section["notes"]


def test_pictures_beside_the_data_need_no_naming(photos: Path, scene: Scene, tmp_path: Path) -> None:
    page = view(lines(photos / "scenes.jsonl", scene), tmp_path / "page.html")
    assert page.name == "page.html"
    assert data(page)["sections"][0]["items"][0]["panels"][0]["source"].startswith("assets/")
    folder = view(photos, tmp_path / "folder")
    assert data(folder)["sections"][0]["items"] == data(page)["sections"][0]["items"]


def test_many_records_go_on_pages_and_a_limit_is_told(photos: Path, scene: Scene, tmp_path: Path) -> None:
    file = lines(photos / "s.jsonl", *(scene.replace(id=str(i)) for i in range(120)))
    first = view(file, tmp_path / "out", limit=110)
    pages = data(first)["pages"]
    assert pages == ["index.html", "index-2.html", "index-3.html"]
    assert [len(data(first.parent / name)["sections"][0]["items"]) for name in pages] == [50, 50, 10]
    assert "the first 110 scenes" in data(first)["sections"][0]["notes"]


def test_a_folder_of_shards_is_read_by_its_manifest(photos: Path, scene: Scene, tmp_path: Path) -> None:
    with Writer(tmp_path / "shards", Scene, shard=2) as writer:
        for i in range(5):
            writer.add(scene.replace(id=str(i)))
    page = view(tmp_path / "shards", tmp_path / "out", images=photos)
    assert [item["id"] for item in data(page)["sections"][0]["items"]] == ["0", "1", "2", "3", "4"]


def test_damaged_records_are_left_out_and_named(photos: Path, scene: Scene, tmp_path: Path) -> None:
    file = lines(tmp_path / "s.jsonl", scene)
    file.write_bytes(file.read_bytes() + b'{"id": "x"}\nnonsense\n')
    notes = data(view(file, tmp_path / "out", images=photos))["sections"][0]["notes"]
    assert any(note.startswith("Warning: 2 damaged records left out: s.jsonl:2:") for note in notes)


def test_answers_and_other_lines_become_a_table(tmp_path: Path) -> None:
    file = lines(tmp_path / "answers.jsonl", Answer("q1", "left of", (-0.5, -1.5)), Answer("q2", "<b>above</b>"))
    (table,) = data(view(file, tmp_path / "out"))["sections"]
    assert table["columns"] == ["question", "text", "scores"]
    assert table["rows"] == [["q1", "left of", "[-0.5, -1.5]"], ["q2", "<b>above</b>", "–"]]


def test_an_evaluation_is_its_scores_and_its_answers(tmp_path: Path) -> None:
    lines(tmp_path / "answers.jsonl", Answer("q1", "yes"))
    (tmp_path / "scores.json").write_text('{"protocol": "official", "value": 0.5}')
    page = view(tmp_path, tmp_path / "out")
    assert [section["title"] for section in data(page)["sections"]] == ["Summary", "answers.jsonl"]


def test_answers_that_are_scenes_are_drawn_beside_the_scores(scene: Scene, photos: Path, tmp_path: Path) -> None:
    lines(tmp_path / "answers.jsonl", scene)
    (tmp_path / "scores.json").write_text('{"value": 0.5}')
    table, gallery = data(view(tmp_path, tmp_path / "out", images=photos))["sections"]
    assert (table["type"], gallery["type"]) == ("table", "gallery")
    assert gallery["items"][0]["panels"][0]["source"].startswith("assets/")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.jsonl", None, "does not exist"),
        ("missing.json", None, "cannot be read"),
        ("empty.jsonl", b"\n", "holds no records"),
        ("bad.json", b"[1, 2]", "bad.json: Expected `object`"),
        ("bad.jsonl", b'{"id":"x","image":"a","width":0,"height":1}\n', "bad.jsonl:1: .* no record could be read"),
        ("folder", "folder", "holds neither a manifest.json nor"),
    ],
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, name: str, content: bytes | str | None, message: str) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        path.mkdir()
    with pytest.raises(RelataError, match=message):
        view(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="limit is 0"):
        view(tmp_path, tmp_path / "out", limit=0)


def test_equal_data_give_equal_pages(
    photos: Path, scene: Scene, group: Group, example: Example, tmp_path: Path
) -> None:
    for i, record in enumerate((scene, group, example)):
        file = lines(tmp_path / f"{i}.jsonl", record)
        first, second = (view(file, tmp_path / f"{i}-{n}", images=photos) for n in range(2))
        assert first.read_bytes() == second.read_bytes()


def test_importing_the_views_loads_no_pictures() -> None:
    script = "import sys, relata.view; sys.exit('PIL' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
