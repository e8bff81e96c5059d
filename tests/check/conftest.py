"""Clean rows of every format, of rendered scenes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hostile.bombs import png
from relata import store, synth
from relata.chat import Example, Preference
from relata.dialects import dialect
from relata.edits import Edit, Remove
from relata.formats import llava, sharegpt
from relata.grounded import Text
from relata.recipes import build
from relata.scene import Scene, decode, encode

Json = dict[str, Any]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images, with some that are no good."""
    folder = tmp_path_factory.mktemp("world")
    synth.write(folder, 150, seed=3)
    synth.write(folder, 60, seed=3, pairs=True)
    images = folder / "images"
    whole = next(images.glob("*.png")).read_bytes()
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    (images / "cut.png").write_bytes(whole[:-30])
    (images / "bomb.png").write_bytes(png(size=(50_000, 50_000)))
    for name, size in (("wide", (80, 40)), ("tiny", (9, 40)), ("long", (4000, 16))):
        Image.new("RGB", size).save(images / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def clean(world: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Json]]:
    """Rows by format."""
    out = tmp_path_factory.mktemp("built")
    build("rec", world / "scenes.jsonl", out=out / "rec", images=world)
    build("similarity", world / "groups.jsonl", out=out / "similarity", images=world)
    talks = [e for e in store.records(out / "rec" / "examples", Example) if e.recipe == "rec/conversation"]
    pairs = list(store.records(out / "similarity" / "examples", Example))
    scenes = [json.loads(line) for line in (world / "scenes.jsonl").read_text().splitlines()]
    scenes = [scene for scene in scenes if scene.get("relations")]
    edits = [Edit(f"e{n}", scene["id"], (removal(scene),)) for n, scene in enumerate(scenes)]
    found = {
        "scene": scenes,
        "group": [json.loads(line) for line in (world / "groups.jsonl").read_text().splitlines()],
        "example": raw(talks),
        "preference": raw(map(preference, talks)),
        "edit": raw(edits),
        "llava": exported(out / "l.json", lambda path, refuse: llava.write(
            talks, path, dialect=dialect("asmv2"), images=world, refuse=refuse)),
        "swift": exported(out / "s.json", lambda path, refuse: sharegpt.write(
            talks, path, dialect=dialect("qwen_vl:1000"), images=world, refuse=refuse)),
        "objects": exported(out / "o.json", lambda path, refuse: sharegpt.write(
            talks, path, images=world, refuse=refuse, objects=True)),
        "pairs": exported(out / "p.json", lambda path, refuse: llava.write(
            pairs, path, dialect=dialect("asmv2"), images=world, refuse=refuse)),
    }  # fmt: skip
    return {name: rows[:40] for name, rows in found.items()}


def removal(scene: Json) -> Remove:
    return Remove(0, decode(json.dumps(scene), Scene).relations[0])


def raw(records: Iterable[Any]) -> list[Json]:
    return [json.loads(encode(record)) for record in records]


def preference(example: Example) -> Preference:
    better = example.messages[-1].spans
    return Preference(
        example.id, example.images, example.messages[:-1], better, (Text("Nothing at all."),), example.regions
    )


def exported(path: Path, write: Callable[[Path, Callable[[Any], None]], int]) -> list[Json]:
    lost: list[Any] = []
    write(path, lost.append)
    assert not lost, lost[0]
    rows: list[Json] = json.loads(path.read_text())
    return rows


def lines(rows: Iterable[Any], path: Path) -> Path:
    """A file of JSON Lines; bytes go in as they are."""
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return path
