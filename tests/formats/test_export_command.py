"""The commands `export` and `import`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from relata import store
from relata.chat import Example
from relata.cli.export import export
from relata.cli.import_ import import_
from relata.scene import encode

from .talks import draw, example, pair


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command("export")(export)
    made.command("import")(import_)
    return made


def test_out_and_in_again(tmp_path: Path, app: typer.Typer) -> None:
    root = draw(tmp_path / "images")
    records = [example("1"), pair("2"), example("3").replace(images=(example().images[0].replace(path="gone.png"),))]
    data = tmp_path / "examples.jsonl"
    data.write_bytes(b"".join(encode(record) + b"\n" for record in records))
    out = tmp_path / "train.json"
    given = ["export", str(data), "--dialect", "llava", "--option", "digits=3", "--images", str(root), "-o", str(out)]
    told = CliRunner().invoke(app, [*given, "--card", str(tmp_path / "card"), "--licence", "made up=CC0"])
    assert told.exit_code == 0, told.output
    assert "3 read, 2 written, 1 rejected" in told.stdout
    assert "train.rejected.jsonl" in told.stderr
    assert "[0.016, 0.172, 0.625, 0.25]" in out.read_text()
    assert "| CC0 |" in (tmp_path / "card" / "README.md").read_text()

    folder = tmp_path / "back"
    told = CliRunner().invoke(app, ["import", "llava", str(out), "--dialect", "llava", "-o", str(folder)])
    assert told.exit_code == 0, told.output
    assert "2 read = 2 kept + 0 rejected" in told.stdout
    assert [record.id for record in store.records(folder, Example)] == ["1", "2"]


def test_placeholders_by_option(tmp_path: Path, app: typer.Typer) -> None:
    data, out = tmp_path / "examples.jsonl", tmp_path / "train.jsonl"
    data.write_bytes(encode(example()) + b"\n")
    given = ["export", str(data), "--format", "sharegpt", "--option", "objects=true", "-o", str(out)]
    assert CliRunner().invoke(app, given).exit_code == 0
    assert json.loads(out.read_text())["objects"]["ref"] == ["dog"]
    told = CliRunner().invoke(app, ["import", "sharegpt", str(out), "-o", str(tmp_path / "back")])
    assert "1 read = 1 kept + 0 rejected" in told.stdout
    assert next(store.records(tmp_path / "back", Example)).messages[1:] == example().messages[1:]
