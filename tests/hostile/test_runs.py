"""A run over hostile data goes on: each hostile image costs its own requests and nothing else."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from relata.chat import Example
from relata.recipes import build
from relata.scene import Box, Region, Relation, Scene
from relata.store import records
from relata.teachers import Reply, Request
from relata.teachers.rules import Rules

from .bombs import bombs, sound
from .injections import injections

BOMBS = bombs()


def scene(number: int, image: str, text: str = "dog") -> Scene:
    regions = (Region(0, text, Box(0, 0, 10, 10)), Region(1, "rug", Box(5, 5, 30, 30)))
    return Scene(f"s{number}", image, 40, 30, regions, (Relation(0, "on", 1),), (text,))


def test_a_run_goes_on_past_hostile_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def looks(self: Rules, request: Request) -> Reply:
        assert all(request.pictures())
        return Reply(request.offline())

    monkeypatch.setattr(Rules, "answer", looks)  # a teacher that looks at the pictures
    photos = tmp_path / "photos"
    photos.mkdir()
    (tmp_path / "secret.png").write_bytes(sound("PNG"))
    (photos / "good.png").write_bytes(sound("PNG"))
    os.mkfifo(photos / "pipe.png")
    wanted = Counter({"outside-root": 2, "address": 2, "not-a-file": 1, "missing": 1, "bad-name": 1})
    images = [
        "../secret.png",
        "/etc/passwd",
        "http://169.254.169.254/a.png",
        "file:///etc/passwd",
        "pipe.png",
        "no.png",
        "\0",
    ]
    for number, (data, reason) in enumerate(BOMBS.values()):
        (photos / f"{number}.png").write_bytes(data)
        images.append(f"{number}.png")
        wanted[reason] += 1
    mixed = [name for image in images for name in (image, "good.png")]
    scenes = [scene(number, image) for number, image in enumerate(mixed)]
    report = build("rec", scenes, out=tmp_path / "run", images=photos, kinds=["detailed"])
    assert report.kept == len(images)
    assert report.reasons == wanted
    assert report.read == report.kept + report.rejected + report.failed == len(mixed)


def test_a_run_over_injected_text_keeps_every_scene(tmp_path: Path) -> None:
    texts = [text for text in injections() if "\ud800" not in text]  # no file can hold half a character
    report = build(
        "rec", [scene(n, "a.png", text) for n, text in enumerate(texts)], out=tmp_path, kinds=["detailed", "region"]
    )
    assert report.kept == 2 * len(texts)
    assert report.reasons == {}
    for example in records(tmp_path, Example):
        assert [message.role for message in example.messages] == ["user", "assistant"]
