"""What only a whole file or folder shows: damage, repeated rows, constant answers, leaked images, other conventions."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer import Typer
from typer.testing import CliRunner

import relata
from check.conftest import Json, lines
from relata import store
from relata.cli.check import check as command
from relata.errors import RelataError
from relata.linter import check
from relata.linter.findings import Findings
from relata.scene import Scene, decode


def kinds(found: Findings) -> dict[str, list[tuple[str, int]]]:
    return {kind: [(one.file, one.row) for one in some] for kind, some in found.kinds().items()}


@pytest.fixture
def folder(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> Path:
    """A finished folder of 40 scenes in four files."""
    with store.Writer(tmp_path / "scenes", Scene, shard=10) as writer:
        for row in clean["scene"]:
            writer.add(decode(json.dumps(row), Scene))
    return tmp_path / "scenes"


def test_a_whole_folder_is_clean(folder: Path, world: Path) -> None:
    found = check(folder, world)
    assert kinds(found) == {}
    assert (found.files[0].format, found.files[0].rows) == ("scene", 40)


def test_a_flipped_bit_and_a_torn_file_cost_their_records(folder: Path, world: Path) -> None:
    first, last = folder / "00000.jsonl", folder / "00003.jsonl"
    data = bytearray(first.read_bytes())
    start = data.index(b"\n") + 1
    data[start + 40] ^= 4
    first.write_bytes(data)
    last.write_bytes(last.read_bytes()[:-30])
    found = kinds(check(folder, world))
    assert found == {"damaged-record": [("00000.jsonl", 2), ("00003.jsonl", 10)]}
    last.write_bytes(b"\n".join(last.read_bytes().splitlines()[:8]) + b"\n")
    assert kinds(check(folder, world))["missing-record"] == [("00003.jsonl", 9), ("00003.jsonl", 10)]


@pytest.mark.parametrize("seed", range(20))
def test_any_flipped_bit_is_found(folder: Path, world: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = folder / rng.choice(["00000.jsonl", "00001.jsonl", "manifest.json"])
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    found = check(folder, world, files=False)
    assert found.errors >= 1
    assert {"damaged-record", "damaged-file"} & set(kinds(found))


def test_added_rows_and_a_damaged_manifest_are_found(folder: Path, world: Path) -> None:
    path = folder / "00000.jsonl"
    path.write_bytes(path.read_bytes() + b"{}\n")
    assert kinds(check(folder, world)) == {"damaged-file": [("00000.jsonl", 0)]}
    (folder / "manifest.json").write_text("{")
    found = kinds(check(folder, world))
    assert found["damaged-file"] == [("manifest.json", 0)]
    assert found["missing-field"] == [("00000.jsonl", 11)] * 4  # the rows are looked at all the same


def test_a_torn_list_is_one_finding(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(clean["llava"]))
    assert kinds(check(path, world)) == {}
    path.write_text(json.dumps(clean["llava"])[:-9])
    assert kinds(check(path, world))["damaged-file"] == [("rows.json", 0)]


def test_files_without_rows_or_format(tmp_path: Path) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    (tmp_path / "other.jsonl").write_text('{"a": 1}\n{"b": 2}\n')
    (tmp_path / "one.json").write_text('{"a": 1}')
    found = check(tmp_path)
    assert kinds(found) == {"unknown-format": [("other.jsonl", 0)], "no-rows": [("none.jsonl", 0)]}
    assert found.skipped == ("one.json: a JSON object, not a list of rows",)


def test_nothing_to_check_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="holds no data"):
        check(tmp_path)
    (tmp_path / "one.json").write_text("{}")
    with pytest.raises(RelataError, match=r"one\.json: a JSON object"):
        check(tmp_path)
    with pytest.raises(RelataError, match="does not exist"):
        check(tmp_path / "nowhere")
    with pytest.raises(RelataError, match="writes no boxes"):
        check(lines([{}], tmp_path / "r.jsonl"), dialect="relationvlm")


def test_ids_and_conversations_that_come_again(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    rows = copy.deepcopy(clean["scene"])
    rows[30]["id"] = rows[4]["id"]
    assert kinds(check(lines(rows, tmp_path / "r.jsonl"), world)) == {"duplicate-id": [("r.jsonl", 31)]}
    rows = copy.deepcopy(clean["llava"])
    rows[30] = rows[4]
    found = kinds(check(lines(rows, tmp_path / "r.jsonl"), world))
    assert found == {"repeated-id": [("r.jsonl", 31)], "repeated-conversation": [("r.jsonl", 31)]}


def answered(count: int, answer: Callable[[int], str], question: str = "What is it?") -> list[Json]:
    """Rows about different images, not looked at."""
    turns = [[{"role": "user", "content": f"<image>{n}: {question}"}, {"role": "assistant", "content": answer(n)}]
             for n in range(count)]  # fmt: skip
    return [{"messages": turn, "images": [f"{n}.jpg"]} for n, turn in enumerate(turns)]


def test_answers_that_tell_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"

    def found(answer: Callable[[int], str]) -> set[str]:
        return set(check(lines(answered(200, answer), path), files=False).kinds())

    assert found(lambda n: f"a thing with number {n}") == set()
    assert found(lambda n: "yes" if n % 2 else "no") == set()
    assert found(lambda n: "yes" if n % 10 else "no") == {"constant-answer"}
    assert found(lambda n: "ABCD"[n % 4]) == set()
    assert found(lambda n: "A" if n % 10 < 6 else "BCD"[n % 3]) == {"letter-bias"}
    long = "It is a picture of a thing that stands on another thing and behind it there are some more things of a kind."
    copied = check(lines(answered(200, lambda n: long if n < 9 else f"thing {n}"), path), files=False)
    assert kinds(copied) == {"copied-answer": [("r.jsonl", n + 1) for n in range(9)]}


def test_a_model_that_always_says_the_same(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    rows = copy.deepcopy(clean["scene"])
    for row in rows:
        for relation in row["relations"]:
            relation["predicate"] = "on top of"
    found = check(lines(rows, tmp_path / "r.jsonl"), world)
    assert kinds(found) == {"one-predicate": [("r.jsonl", 0)]}
    assert "0.00 bits" in found.found[0].detail


def test_leaked_images_are_found_by_name_and_by_look(
    clean: dict[str, list[Json]], world: Path, shared_data: Path, tmp_path: Path
) -> None:
    photos = sorted((shared_data / "coco_photos" / "images").glob("*.jpg"))[:8]
    images = tmp_path / "images"
    images.mkdir()
    for photo in photos:
        shutil.copy(photo, images / photo.name)
    with Image.open(photos[2]) as photo:
        photo.resize((320, 240)).save(images / "renamed.jpg", quality=60)
    rows = answered(9, lambda n: f"thing {n}")
    for row, path in zip(rows, [*sorted(images.glob("0*.jpg")), images / "renamed.jpg"], strict=True):
        row["images"] = [path.name]
    data = lines(rows, tmp_path / "r.jsonl")
    benchmark = tmp_path / "benchmark"
    benchmark.mkdir()
    shutil.copy(photos[2], benchmark / f"COCO_val2014_{photos[2].name}")
    assert kinds(check(data, images, against=benchmark)) == {
        "leaked-image": [("r.jsonl", 3)],
        "leaked-look": [("r.jsonl", 9)],
    }
    (tmp_path / "names.txt").write_text(f"{int(photos[5].stem)}\n")
    assert kinds(check(data, images, against=tmp_path / "names.txt")) == {"leaked-image": [("r.jsonl", 6)]}
    lines([{"image": f"val2017/{photos[0].name}", "text": "?"}], tmp_path / "questions.jsonl")
    assert kinds(check(data, images, against=tmp_path / "questions.jsonl")) == {"leaked-image": [("r.jsonl", 1)]}
    assert kinds(check(data, images, near=True)) == {"near-duplicate": [("r.jsonl", 9)]}
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(RelataError, match="names no image"):
        check(data, images, against=tmp_path / "empty.txt")


def test_the_command(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    app = Typer()
    app.command()(command)
    path = lines(clean["llava"], tmp_path / "r.jsonl")
    clear = CliRunner().invoke(app, [str(path), "--images", str(world)])
    assert clear.exit_code == 0
    assert "r.jsonl: 40 rows of conversations; boxes: xyxy, thousandths" in clear.output
    assert "0 errors, 0 warnings" in clear.output
    rows = copy.deepcopy(clean["llava"])
    for row in rows[:5]:
        row["image"] = "gone.png"
    rows[7]["odd"] = 1
    lines(rows, path)
    bad = CliRunner().invoke(app, [str(path), "--images", str(world), "--limit", "2"])
    assert bad.exit_code == 1
    assert "error missing-image: 5" in bad.output
    assert "and 3 more" in bad.output
    assert "5 errors, 1 warnings" in bad.output
    warned = CliRunner().invoke(app, [str(path), "--images", str(world), "--no-files", "--json"])
    assert warned.exit_code == 0
    told = json.loads(warned.output)
    assert (told["errors"], told["warnings"]) == (0, 1)
    assert told["findings"] == [
        {"level": "warning", "kind": "odd-field", "file": "r.jsonl", "row": 8, "detail": "odd", "id": rows[7]["id"]}
    ]
    assert "odd-field" in told["remedies"]


def test_it_is_public(clean: dict[str, list[Json]], world: Path, tmp_path: Path) -> None:
    path = lines(clean["llava"], tmp_path / "r.jsonl")
    assert relata.check(path, world) == check(path, world)
