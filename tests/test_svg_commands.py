"""The commands `salient` and `edits`, on files."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

import relata
from relata import store, synth
from relata.cli.edits import edits
from relata.cli.salient import salient
from relata.edits import Edit
from relata.filters import Rejection
from relata.scene import Scene, encode


def run(command: object, *arguments: object) -> str:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def written(folder: Path, scenes: list[Scene]) -> Path:
    path = folder / "scenes.jsonl"
    path.write_bytes(b"".join(encode(scene) + b"\n" for scene in scenes))
    return path


def test_salient_keeps_what_the_segmenter_sees(tmp_path: Path) -> None:
    scenes = list(synth.scenes(3))
    for scene in scenes[:2]:  # the segmenter misses the first region of each; the third image was never segmented
        lines = []
        for region in scene.regions[1:]:
            assert region.mask
            x1, y1, x2, y2 = region.box.tuple()
            mask = {"size": region.mask.size, "counts": region.mask.counts}
            lines.append({"segmentation": mask, "bbox": [x1, y1, x2 - x1, y2 - y1], "area": 1})
        (tmp_path / f"{Path(scene.image).stem}.json").write_text(json.dumps(lines))
    told = run(salient, written(tmp_path, scenes), "--proposals", tmp_path, "--out", tmp_path / "out")
    kept = list(store.records(tmp_path / "out" / "scenes", Scene))
    dropped = list(store.records(tmp_path / "out" / "dropped", Rejection))
    assert [scene.id for scene in kept] == [scene.id for scene in scenes[:2]]
    assert kept[0].regions == scenes[0].regions[1:]
    reasons = [one.reason for one in dropped]
    assert reasons.count("not-salient") == 2
    assert reasons.count("no-proposals") == 1
    before = sum(len(scene.relations) for scene in scenes[:2])
    assert reasons.count("of-dropped-region") == before - sum(len(scene.relations) for scene in kept)
    assert f"kept: 2 scenes, {sum(len(scene.regions) for scene in kept)} regions" in told
    assert "dropped: 2 not-salient" in told


def test_edits_are_counted_and_applied(tmp_path: Path) -> None:
    scenes = list(synth.scenes(5))
    path = written(tmp_path, scenes)
    relata.build("edit", path, out=tmp_path / "run")
    told = run(edits, tmp_path / "run" / "edits", "--scenes", path, "--out", tmp_path / "reviewed")
    assert "| **all** | " in told
    made = {scene.id: scene for scene in store.records(tmp_path / "run" / "scenes", Scene)}
    for scene in store.records(tmp_path / "reviewed", Scene):
        assert scene == made[scene.id].replace(provenance=scene.provenance)
    assert len(list(store.records(tmp_path / "run" / "edits", Edit))) == 5
