"""Clean data gives no findings: what recipes make, what is exported of it, and real files, whose findings are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from check.conftest import lines
from relata import read, synth
from relata.chat import Example
from relata.dialects import dialect
from relata.formats import llava, sharegpt
from relata.formats._turns import for_trainers
from relata.linter import Findings, check
from relata.recipes import build
from relata.scene import encode
from relata.store import records

#: Recipes that make something of the rendered world, and of what.
RECIPES = {
    "rec": "scenes", "completion": "scenes", "edit": "scenes", "graph_tasks": "scenes", "geometry": "scenes",
    "comparison": "groups", "contrast": "groups", "similarity": "groups", "temporal": "groups",
}  # fmt: skip
DIALECTS = (
    "asmv2", "asmv2:original", "internvl", "llava", "llava:original", "paligemma", "plain", "plain:words", "qwen_vl",
    "qwen_vl:1000", "relationvlm", "robin", "robin:text",
)  # fmt: skip


def kinds(found: Findings) -> dict[str, int]:
    return {kind: len(some) for kind, some in found.kinds().items()}


def made(recipe: str, sources: int, folder: Path) -> Findings:
    pairs = RECIPES[recipe] == "groups"
    synth.write(folder, sources, seed=11, pairs=pairs)
    build(recipe, folder / f"{RECIPES[recipe]}.jsonl", out=folder / recipe, images=folder)
    return check(folder / recipe, folder / recipe if recipe == "geometry" else folder)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_recipes_make_is_clean(recipe: str, tmp_path: Path) -> None:
    found = made(recipe, 40, tmp_path)
    assert kinds(found) == {}, found.table(9)
    assert sum(file.rows for file in found.files) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_thousand_rows_of_each_recipe_are_clean(recipe: str, tmp_path: Path) -> None:
    found = made(recipe, 1200, tmp_path)
    assert kinds(found) == {}, found.table(9)
    assert sum(file.rows for file in found.files) >= 1000


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Example]]:
    """Rendered images, and 300 conversations about them."""
    folder = tmp_path_factory.mktemp("talks")
    synth.write(folder, 100, seed=12)
    build("rec", folder / "scenes.jsonl", out=folder / "rec", images=folder)
    return folder, list(records(folder / "rec" / "examples", Example))[:300]


@pytest.mark.parametrize("name", [*DIALECTS, "objects"])
def test_what_is_exported_is_clean(name: str, talks: tuple[Path, list[Example]], tmp_path: Path) -> None:
    folder, examples = talks
    out, lost = tmp_path / "rows.json", list[Any]()
    if name == "objects":
        sharegpt.write(examples, out, images=folder, refuse=lost.append, objects=True)
    else:
        llava.write(examples, out, dialect=for_trainers(dialect(name)), images=folder, refuse=lost.append)
    assert not lost
    strict = None if name in ("objects", "plain:words", "relationvlm") else name
    found = check(out, folder, dialect=strict)
    assert kinds(found) == {}, found.table(9)
    assert found.files[0].rows == 300


def test_photos_and_their_annotations_are_clean(shared_data: Path, tmp_path: Path) -> None:
    photos, notes = shared_data / "coco_photos" / "images", shared_data / "coco_photos" / "annotations"
    for format, file in (
        ("coco", "tiny_coco/instances_train2017.json"),
        ("coco", "panoptic/panoptic_val2017.json"),
        ("lvis", "lvis_val_100.json"),
        ("vcoco", "vcoco/instances_vcoco_test.json"),
        ("yolo", "yolo/val2017"),
    ):
        path = tmp_path / "scenes.jsonl"
        path.write_bytes(b"".join(encode(scene) + b"\n" for scene in read(format, notes / file, photos)))
        found = check(path, photos)
        assert kinds(found) == {}, found.table(9)
    rows = [
        {"image": photo.name, "conversations": [{"from": "human", "value": "<image>\nWhich?"},
                                                {"from": "gpt", "value": photo.stem}]}
        for photo in sorted(photos.glob("*.jpg"))
    ]  # fmt: skip
    assert len(rows) >= 200
    assert kinds(check(lines(rows, tmp_path / "rows.jsonl"), photos)) == {}


def test_the_published_seed_conversations_have_one_defect_that_is_known(shared_data: Path, tmp_path: Path) -> None:
    """One of All-Seeing v2's examples closes a tag by the end of another, and has an empty list of boxes."""
    rows = []
    for conversation in sorted((shared_data / "asmv2").glob("*/*_conv.txt")):
        said = conversation.read_text()
        questions = said.startswith("Question:")
        texts = [part.split(":", 1)[1].strip() for part in said.split("---")] if questions else ["Describe it.", said]
        turns = [{"from": ("human", "gpt")[k % 2], "value": text} for k, text in enumerate(texts)]
        turns[0]["value"] = "<image>\n" + turns[0]["value"]
        image = conversation.with_name(conversation.name.replace("_conv", "_img")).read_text().strip()
        rows.append({"image": image, "conversations": turns})
    found = check(lines(rows, tmp_path / "rows.jsonl"), files=False)
    assert kinds(found) == {"misclosed-tag": 1, "empty-boxes": 1}, found.table(9)
    assert {one.row for one in found} == {1}
    assert "remotes</pred>" in found.found[0].detail


def test_questions_are_no_training_data(shared_data: Path) -> None:
    found = check(shared_data / "benchmarks" / "cad_vi_eval" / "BISON.jsonl", files=False)
    assert kinds(found) == {"unknown-format": 1}


def test_findings_are_equal_when_asked_again(talks: tuple[Path, list[Example]], tmp_path: Path) -> None:
    folder, examples = talks
    path = lines([json.loads(encode(example)) | {"odd": 1} for example in examples[:50]], tmp_path / "r.jsonl")
    assert check(path, folder).json() == check(path, folder).json()
