"""The program: what its commands print and write, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from relata import Example, Group, Scene
from relata.chatserver import Rule, Script, serving
from relata.cli import app
from relata.names import KINDS
from relata.scene import decode
from relata.store import records

FIXTURES = Path(__file__).parent / "fixtures"


def relata(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    """What a command prints that succeeds."""
    result = relata(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """What a command tells the user to mend: its last line."""
    result = relata(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr.splitlines()[-1].removeprefix("relata: ")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    done("synth", folder, "-n", 4)
    return folder


@pytest.fixture(scope="module")
def picture(world: Path) -> Path:
    return min((world / "images").iterdir())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model."""
    torch = pytest.importorskip("torch")
    from relata.models.tiny import create

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("tiny")
    for part in create(layers=1, width=64):
        part.save_pretrained(folder)
    return folder


ORDER = (
    "list read synth propose salient group build ledger filter coverage edits check export import "
    "train predict graph compare locate exam questions eval score view serve-script demo"
)


def test_help_shows_the_pipeline_in_order() -> None:
    shown = done("--help").partition("Commands:")[2]
    names = [line.split()[0] for line in shown.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert " ".join(names) == ORDER


@pytest.mark.parametrize("name", [command.name for command in app.registered_commands])
def test_every_command_has_an_example(name: str) -> None:
    assert f"Example: relata {name}" in done(name, "--help")


def test_list() -> None:
    assert "readers:" in done("list")
    assert any(
        line.split(maxsplit=1) == ["psg", "panoptic scene graphs, the `psg.json` of OpenPSG."]
        for line in done("list", "readers").splitlines()
    )
    assert refused("list", "reader") == "unknown kind of component 'reader'; did you mean readers or teachers?"


def test_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("relata.synth.write", broken)
    assert isinstance(relata("synth", "anywhere").exception, KeyError)


def test_read_counts_and_names_what_it_left_out(tmp_path: Path) -> None:
    out = tmp_path / "scenes.jsonl"
    result = relata("read", "psg", FIXTURES / "readers" / "psg.json", "--out", out)
    assert result.exit_code == 0, result.output
    assert "rejected" in result.stderr
    assert len(list(records(out, Scene))) == 2
    lost = [json.loads(line) for line in (tmp_path / "scenes.rejected.jsonl").read_text().splitlines()]
    assert all(row["where"] and row["reason"] for row in lost)


def test_read_that_keeps_nothing_says_why(tmp_path: Path) -> None:
    pairs = FIXTURES / "readers" / "image_editing"
    result = relata("read", "image_editing", pairs, "--out", tmp_path / "groups.jsonl")
    lines = result.stderr.splitlines()
    assert lines[0].startswith("image_editing: 2 read = 0 kept + 2 rejected")  # and no bar, which a log cannot show
    assert lines[1].startswith("nothing was kept; the first: ")


def test_read_merges_other_annotations(tmp_path: Path) -> None:
    coco = FIXTURES / "readers" / "coco"
    out = tmp_path / "scenes.jsonl"
    also = f"coco={coco / 'captions_small2017.json'}"
    done("read", "coco", coco / "instances_small2017.json", "--also", also, "--out", out)
    assert any(scene.regions and scene.captions for scene in records(out, Scene))


def test_options_are_checked(tmp_path: Path) -> None:
    psg, out = FIXTURES / "readers" / "psg.json", tmp_path / "scenes.jsonl"
    assert refused("read", "psg", psg, "--out", out, "--option", "strict") == "--option 'strict' is not KEY=VALUE"
    assert refused("read", "psg", psg, "--out", out, "--option", "strickt=1").startswith(
        "unknown option of psg 'strickt'"
    )
    assert not out.exists()


def test_synth_split_and_pairs(tmp_path: Path) -> None:
    done("synth", tmp_path, "-n", 1, "--pairs")
    assert (tmp_path / "groups.jsonl").exists()
    assert refused("synth", tmp_path, "--split", "tets").startswith("unknown split 'tets'; did you mean test")


def test_build_then_view(world: Path, tmp_path: Path) -> None:
    command = ("build", "rec", "--scenes", world / "scenes.jsonl", "--out", tmp_path / "examples")
    assert "4 scenes" in done(*command)
    made = len(list(records(tmp_path / "examples", Example)))
    assert made > 0
    assert f"{made} kept + 0 rejected" in done(*command)  # a finished run is not done again
    page = done("view", tmp_path / "examples", "--images", world, "--out", tmp_path / "page").strip()
    assert "rec/detailed" in Path(page).read_text()
    made_of = ("export", tmp_path / "examples", "--format", "llava", "--dialect", "asmv2", "--out", tmp_path / "o.json")
    wrong = relata(*made_of, "--images", tmp_path)
    assert wrong.stderr.startswith("nothing was written; the first: ")


def test_groups_then_a_recipe_over_them(tmp_path: Path) -> None:
    done("synth", tmp_path, "-n", 24)
    scenes = tmp_path / "scenes.jsonl"
    done("group", "category", "--scenes", scenes, "--out", tmp_path / "pairs", "--option", "most=1")
    found = len(list(records(tmp_path / "pairs", Group)))
    assert found > 4
    said = done("build", "similarity", "--scenes", tmp_path / "pairs", "--out", tmp_path / "given")
    assert f"{found} groups" in said
    at_once = done("build", "similarity", "--scenes", scenes, "--out", tmp_path / "formed", "--option", "most=1")
    assert at_once == said
    wrong = ("build", "rec", "--scenes", tmp_path / "pairs", "--out", tmp_path / "wrong")
    assert refused(*wrong) == "the recipe reads scenes, but was given a Group"


def test_plan_tells_the_price_and_asks_nobody(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    teacher = tmp_path / "teacher.yaml"
    teacher.write_text("{model: m, url: 'http://127.0.0.1:9/v1', price_in: 1, price_out: 4}")
    said = done("build", "rec", "--scenes", world / "scenes.jsonl", "--teacher", f"endpoint:{teacher}", "--plan")
    rows = {line.split("  ")[0]: line.split()[-3:] for line in said.splitlines()}
    likely, low, high = (float(value) for value in rows["US dollars"])
    assert 0 < low < likely < high
    assert "no price is given" not in said
    teacher.write_text("{model: m, url: 'http://127.0.0.1:9/v1'}")
    said = done("build", "rec", "--scenes", world / "scenes.jsonl", "--teacher", f"endpoint:{teacher}", "--plan")
    assert "no price is given for this teacher" in said
    assert refused("build", "rec", "--scenes", world / "scenes.jsonl").startswith("--out is missing")


def test_a_run_without_replies_says_where_the_causes_stand(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("openai", reason="needs the client: pip install 'relata[endpoint]'")
    teacher = tmp_path / "teacher.yaml"
    name = "a-model-with-a-name-that-is-as-long-as-those-of-providers-are"
    ledger = tmp_path / "run" / "ledger.sqlite"
    with serving(Script(rules=(Rule(do="status", status=400, share=0.5),))) as (url, _):
        teacher.write_text(f"{{model: {name}, url: '{url}', price_in: 1, price_out: 1}}")
        command = ("build", "rec", "--scenes", world / "scenes.jsonl", "--teacher", f"endpoint:{teacher}")
        result = relata(*command, "--out", tmp_path / "run")
    assert result.stderr.splitlines()[-1].endswith(f"why: relata ledger {ledger}")
    said = done("ledger", ledger)
    assert name in said  # in full, however narrow the terminal
    assert "…" not in said


def test_build_refuses_unknown_options(world: Path, tmp_path: Path) -> None:
    command = ("build", "rec", "--scenes", world / "scenes.jsonl", "--out", tmp_path, "--option", "regoins=2")
    assert refused(*command).startswith("unknown option of rec 'regoins'")


def test_build_tells_what_is_no_data_of_its_own(world: Path, tmp_path: Path) -> None:
    published = FIXTURES / "readers" / "psg.json"
    said = refused("build", "rec", "--scenes", published, "--out", tmp_path / "run")
    assert said.endswith("annotations as published become records by `relata read`")
    nowhere = (
        "build",
        "rec",
        "--scenes",
        world / "scenes.jsonl",
        "--images",
        tmp_path / "no",
        "--out",
        tmp_path / "run",
    )
    assert refused(*nowhere) == f"folder of images {tmp_path / 'no'} does not exist"


def test_graph_in_every_form(tiny: Path, picture: Path) -> None:
    scene = decode(done("graph", picture, "--json", "--model", tiny), Scene)
    assert (scene.image, scene.width, scene.height) == (str(picture), 96, 96)
    text = done("graph", picture, "--model", tiny)
    assert len(text.splitlines()) >= len(scene.relations)
    assert done("graph", picture, "--dot", "--model", tiny).startswith("digraph ")
    assert done("graph", picture, "--svg", "--model", tiny).startswith("<svg ")
    assert done("graph", picture, "--html", "--model", tiny).startswith("<!doctype html>")
    assert "exclude each other" in refused("graph", picture, "--dot", "--svg", "--model", tiny)


def test_a_picture_of_another_kind_is_remarked_on(tiny: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (200, 100)).save(tmp_path / "photo.png")
    assert "of a photograph it knows nothing" in relata("graph", tmp_path / "photo.png", "--model", tiny).stderr


def test_compare(tiny: Path, world: Path) -> None:
    first, second = sorted((world / "images").iterdir())[:2]
    found = json.loads(done("compare", first, second, "--json", "--model", tiny))
    assert [scene["image"] for scene in found["scenes"]] == [str(first), str(second)]
    lines = done("compare", first, second, "--model", tiny).splitlines()
    assert len(lines) == len(found["common"]) + len(found["differences"]) or lines == [""]


def test_locate(tiny: Path, picture: Path) -> None:
    boxes = json.loads(done("locate", picture, "plain red circle", "--json", "--model", tiny))
    lines = done("locate", picture, "plain red circle", "--model", tiny).splitlines()
    assert [[float(value) for value in line.split()] for line in lines] == [[round(v, 1) for v in box] for box in boxes]
    assert refused("locate", picture, "red circel", "--model", tiny).startswith(
        "unknown word to this model 'circel'; did"
    )
    assert refused("locate", picture.with_name("no.png"), "red circle", "--model", tiny).startswith("no image ")


def test_predict_leaves_out_what_is_no_picture(tiny: Path, world: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    out = tmp_path / "graphs.jsonl"
    result = relata("predict", world / "images", tmp_path / "broken.png", "--out", out, "--model", tiny)
    assert result.exit_code == 0, result.output
    assert "5 pictures = 4 scenes + 1 left out" in result.stderr
    assert len(list(records(out, Scene))) == 4
    assert "holds no pictures" in refused("predict", FIXTURES / "benchmarks", "--out", out, "--model", tiny)


def test_exam(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "exam.json"
    few = ("--relations", 9, "--others", 1, "--scenes", 1)
    assert "sees" in done("exam", "--model", tiny, *few, "--out", out)
    assert set(json.loads(out.read_text())["kinds"]["relation"]) == {"seeing", "blind", "wrong image"}


def test_eval_then_score(tiny: Path, world: Path, tmp_path: Path) -> None:
    from relata.benchmarks import crpe

    data, out = tmp_path / "crpe.jsonl", tmp_path / "crpe"
    crpe.write(crpe.construct(records(world / "scenes.jsonl", Scene))[:4], data)
    shown = done("eval", "crpe", "--data", data, "--images", world, "--out", out, "--model", tiny)
    assert "official" in shown
    assert done("score", "crpe", "--answers", out, "--data", data, "--out", tmp_path / "again.json") == shown
    assert json.loads((tmp_path / "again.json").read_text())["answers"] == 4
    assert refused("score", "crep", "--answers", out, "--data", data).startswith(
        "unknown benchmark 'crep'; did you mean crpe"
    )


def test_train_tells_a_wrong_key_before_it_starts(tmp_path: Path) -> None:
    run = tmp_path / "run.yaml"
    run.write_text("name: x\nstages: []\nsede: 1\n")
    assert refused("train", run, "--out", tmp_path / "out").endswith("unknown key 'sede'; did you mean seed?")


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_train(tiny: Path, tmp_path: Path, processes: int) -> None:
    run, out = tmp_path / "run.yaml", tmp_path / "out"
    stage = "{name: see, objective: turns, train: [decoder], steps: 2, batch: 1, turns: {name: 1}}"
    run.write_text(f"name: x\nmodel: {tiny}\nstages: [{stage}]\n")
    assert str(out) in done("train", run, "--out", out, "--processes", processes)
    assert (out / "model.safetensors").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_says_what_it_is_in_one_line(kind: str) -> None:
    for line in done("list", kind).splitlines():
        assert line.rstrip().endswith((".", ")")), line
        assert len(line.split()) > 3, line


def test_a_build_in_which_every_request_failed_has_an_exit_code(tmp_path: Path) -> None:
    done("synth", tmp_path / "world", "-n", "3")
    (tmp_path / "none.jsonl").touch()
    scenes, teacher = tmp_path / "world" / "scenes.jsonl", f"script:{tmp_path / 'none.jsonl'}"
    told = relata("build", "rec", "--scenes", scenes, "--teacher", teacher, "--out", tmp_path / "out")
    assert told.exit_code == 1
    assert "failed" in told.stdout


def test_a_folder_of_images_that_is_not_there_is_told_by_all(tmp_path: Path) -> None:
    done("synth", tmp_path / "world", "-n", "2")
    scenes, typo = tmp_path / "world" / "scenes.jsonl", tmp_path / "wrold"
    build = ("build", "rec", "--scenes", scenes)
    for command in (build, ("filter", scenes, "--by", "geometry"), ("view", scenes)):
        told = refused(*command, "--images", typo, "--out", tmp_path / "out")
        assert told == f"folder of images {typo} does not exist"
        assert not (tmp_path / "out").exists()
