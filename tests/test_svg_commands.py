"""The commands `propose`, `salient` and `edits`, on files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import typer
from typer.testing import CliRunner

import relata
from relata import store, synth
from relata.cli.edits import edits
from relata.cli.regions import propose, salient
from relata.edits import Edit
from relata.filters import Rejection
from relata.geometry import rle_encode
from relata.scene import Box, Region, Scene, encode


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
        masks(tmp_path, scene, scene.regions[1:])
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


def masks(path: Path, scene: Scene, regions: Sequence[Region], **more: object) -> None:
    """A segmenter's file for a scene's picture."""
    lines = []
    for region in regions:
        assert region.mask
        x1, y1, x2, y2 = region.box.tuple()
        mask = {"size": region.mask.size, "counts": region.mask.counts}
        lines.append({"segmentation": mask, "bbox": [x1, y1, x2 - x1, y2 - y1], "predicted_iou": 0.95, **more})
    path.mkdir(exist_ok=True)
    (path / f"{Path(scene.image).stem}.json").write_text(json.dumps(lines))


def photo(number: int) -> Scene:
    """Two things beside each other, the second with a part of its own."""
    found = []
    for id, box in enumerate((Box(0, 10, 50, 90), Box(80, 0, 160, 100), Box(100, 20, 140, 60))):
        x1, y1, x2, y2 = map(int, box.tuple())
        mask = np.zeros((100, 160), dtype=bool)
        mask[y1:y2, x1:x2] = True
        found.append(Region(id, "thing", box, rle_encode(mask)))
    return Scene(f"day/{number}", f"day/{number}.jpg", 160, 100, tuple(found))


def test_photos_without_annotations_get_regions(tmp_path: Path) -> None:
    """Whole things stay, a part that lies in one goes, and a detection of what is there already adds nothing."""
    for number in range(3):
        (tmp_path / "photos" / "day").mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / photo(number).image).touch()
    for scene in (photo(0), photo(1)):  # the third one was never segmented
        masks(tmp_path / "whole", scene, scene.regions[:2])
        masks(tmp_path / "part", scene, scene.regions[1:])
        masks(tmp_path / "detected", scene, scene.regions[1:2], label="shape")
    folders = ("--whole", tmp_path / "whole", "--part", tmp_path / "part", "--detected", tmp_path / "detected")
    told = run(propose, tmp_path / "photos", *folders, "--out", tmp_path / "out")
    kept = list(store.records(tmp_path / "out" / "scenes", Scene))
    assert [(scene.id, scene.image, scene.width, scene.height) for scene in kept] == [
        ("day/0", "day/0.jpg", 160, 100),
        ("day/1", "day/1.jpg", 160, 100),
    ]
    assert [[region.box for region in scene.regions] for scene in kept] == [[r.box for r in photo(0).regions[:2]]] * 2
    dropped = Counter(one.reason for one in store.records(tmp_path / "out" / "dropped", Rejection))
    assert dropped == {"repeated": 2, "inside": 2, "known": 2, "no-proposals": 1}
    assert told.startswith("kept: 2 scenes, 4 regions, 0 relations\n")
    assert "dropped: 1 no-proposals" in told


def test_edits_are_counted_and_applied(tmp_path: Path) -> None:
    scenes = list(synth.scenes(5))
    path = written(tmp_path, scenes)
    relata.build("edit", path, out=tmp_path / "run")
    told = run(edits, tmp_path / "run" / "edits", "--scenes", path, "--out", tmp_path / "reviewed")
    assert "| **all** | " in told
    made = {scene.id: scene for scene in store.records(tmp_path / "run" / "scenes", Scene)}
    for scene in store.records(tmp_path / "reviewed", Scene):
        assert scene == made[scene.id].replace(provenance=scene.provenance)
    found = list(store.records(tmp_path / "run" / "edits", Edit))
    assert len(found) == 5
    (tmp_path / "fewer.jsonl").write_bytes(b"".join(encode(edit) + b"\n" for edit in found[1:]))
    told = run(edits, tmp_path / "fewer.jsonl", "--scenes", path, "--out", tmp_path / "less")
    assert "5 scenes in " in told
    assert told.endswith("4 of them edited\n")
    assert next(store.records(tmp_path / "less", Scene)).relations == scenes[0].relations  # struck out, and not lost
