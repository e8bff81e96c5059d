"""Run files: what they may say, and what is refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import yaml

from relata.errors import RelataError
from relata.models.tiny import create
from relata.train.config import MODULES, Run, load
from relata.train.freeze import freeze, table
from relata.train.mixture import ONE, TWO, Mixture
from relata.train.run import train
from train.small_runs import run, stage

PLAIN: dict[str, Any] = {
    "name": "plain",
    "stages": [
        {"name": "see", "objective": "objects", "train": ["tower"], "steps": 3, "batch": 2},
        {
            "name": "relate",
            "objective": "turns",
            "train": ["decoder"],
            "steps": 3,
            "batch": 2,
            "turns": {"name": 1.0, "relation": 2.0},
        },
    ],
}


def written(folder: Path, changes: dict[str, Any] | None = None, stage: dict[str, Any] | None = None) -> Path:
    """The plain run file with some keys changed, and some of its second stage."""
    raw = {**PLAIN, **(changes or {})}
    raw["stages"] = [raw["stages"][0], {**raw["stages"][1], **(stage or {})}] if stage else raw["stages"]
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(raw, sort_keys=False))
    return path


def test_plain(tmp_path: Path) -> None:
    found = load(written(tmp_path))
    assert [s.name for s in found.stages] == ["see", "relate"]
    assert found.stages[1].turns == {"name": 1.0, "relation": 2.0}
    assert found.seed == 0


def test_changed_from_outside(tmp_path: Path) -> None:
    found = load(written(tmp_path), ["seed=7", "relate.steps=9", "relate.train=[query, key]"])
    assert (found.seed, found.stages[0].steps, found.stages[1].steps) == (7, 3, 9)
    assert found.stages[1].train == ["query", "key"]
    for change, message in (
        ("seed", "not of the form key=value"),
        ("relat.steps=9", "no stage 'relat'; did you mean relate"),
        ("sede=7", "unknown key 'sede'; did you mean seed"),
        ("relate.step=9", "unknown key 'step'; did you mean steps"),
    ):
        with pytest.raises(RelataError, match=message):
            load(written(tmp_path), [change])


REFUSED = [
    ({"sead": 1}, {}, r"unknown key 'sead'; did you mean seed"),
    ({}, {"stpes": 1}, r"stage 2: unknown key 'stpes'; did you mean steps"),
    ({"seed": "one"}, {}, r"Expected `int`, got `str` - at `\$.seed`"),
    ({}, {"steps": 1.5}, r"Expected `int`, got `float`"),
    ({}, {"train": "decoder"}, r"Expected `array`, got `str`"),
    ({}, {"objective": "turn"}, r"Invalid enum value 'turn'"),
    ({"precision": "fp16"}, {}, r"Invalid enum value 'fp16'"),
    ({}, {"train": ["decodr"]}, r"stage 2 \(relate\): unknown module 'decodr'; did you mean decoder"),
    ({}, {"train": []}, r"nothing is trained"),
    ({}, {"turns": {"realtion": 1}}, r"unknown kind of turn 'realtion'; did you mean relation"),
    ({}, {"lora": 4}, r"lora leaves the decoder as it is"),
    ({}, {"objective": "objects"}, r"objects trains the tower alone; found decoder"),
    ({"stages": ["see"]}, {}, r"stage 1: expected a mapping of keys, found 'see'"),
    ({"stages": 3}, {}, r"stages is a list, found 3"),
    ({}, {"steps": 0}, r"Expected `int` >= 1 - at `\$.stages\[1\].steps`"),
    ({"save_every": 0}, {}, r"Expected `int` >= 1"),
]


@pytest.mark.parametrize(("changes", "stage", "message"), REFUSED)
def test_refused(tmp_path: Path, changes: dict[str, Any], stage: dict[str, Any], message: str) -> None:
    with pytest.raises(RelataError, match=message) as refusal:
        load(written(tmp_path, changes, stage))
    assert "run.yaml" in str(refusal.value)


def test_files_that_are_no_run(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="no run file"):
        load(tmp_path / "absent.yaml")
    for text, message in (("[1, 2]", "a mapping of keys, not list"), ("a: [", "run.yaml"), ("", "not NoneType")):
        (tmp_path / "run.yaml").write_text(text)
        with pytest.raises(RelataError, match=message):
            load(tmp_path / "run.yaml")


def test_shipped_run_files_are_read() -> None:
    files = sorted((Path(__file__).parents[2] / "configs").glob("*/*.yaml"))
    own = [path for path in files if "stages" in yaml.safe_load(path.read_text())]
    assert own
    for path in own:
        assert load(path).stages


def test_modules_are_those_of_the_model() -> None:
    model, _ = create(1, 64)
    assert tuple(name for name, _ in model.named_children()) == MODULES
    freeze(model, ["tower", "query"])
    moving = {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad}
    assert moving == {"tower", "query"}
    lines = table(model).splitlines()
    assert [line.split()[0] for line in lines] == list(MODULES)
    assert [line.split()[-1] for line in lines] == ["trained", *["frozen"] * 4, "trained", "frozen"]
    with pytest.raises(RelataError, match="unknown module to train 'qurey'; did you mean query"):
        freeze(model, ["qurey"])


def test_mixtures_that_could_draw_nothing() -> None:
    for weights, pairs, message in (
        ({"nmae": 1.0}, 0.0, "unknown kind of turn 'nmae'; did you mean name"),
        ({"name": 1.0}, 0.5, "no kind of turn asks about two images; add one of match"),
        ({"match": 1.0}, 0.5, "no kind of turn asks about one image"),
        ({}, 0.0, "no kind of turn asks about one image"),
    ):
        with pytest.raises(RelataError, match=message):
            Mixture(weights, pairs)
    with pytest.raises(RelataError, match="set pairs to 0 for a data set"):
        Mixture({"match": 1.0}, 0.5, scenes=[])
    assert not set(ONE) & set(TWO)


def test_the_whole_run_is_saved_and_another_refused(tmp_path: Path) -> None:
    """`run.json` has the defaults too, so that it means the same when they change. Another seed is another run."""
    first = run(stage(steps=1))
    train(first, tmp_path)
    saved = (tmp_path / "run.json").read_bytes()
    assert msgspec.json.decode(saved, type=Run) == first
    assert msgspec.json.decode(saved)["stages"][0]["muon"] == 0.02
    with pytest.raises(RelataError, match=r"run\.json is of another run"):
        train(run(stage(steps=1), seed=1), tmp_path)
    weights = (tmp_path / "model.safetensors").stat()
    train(first, tmp_path)
    assert (tmp_path / "model.safetensors").stat() == weights, "a finished run is left as it is"
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(RelataError, match=r"run\.json"):
        train(first, tmp_path)


def test_continued_by_another_number_of_processes(tmp_path: Path) -> None:
    """Two processes see other rows than one: the rest of the run would be another run."""
    torch.save({"stage": 0, "step": 1, "processes": 2}, tmp_path / "state.pt")
    with pytest.raises(RelataError, match="begun with 2 processes, not 1"):
        train(run(stage()), tmp_path)


def test_no_such_model(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="neither 'new' nor the folder of a checkpoint"):
        train(run(stage(), model="nwe"), tmp_path)
