"""Whose left and right it is."""

from __future__ import annotations

import math

import pytest

from relata import synth
from relata.errors import RelataError
from relata.filters import frames
from relata.scene import Box, Region, Relation, Scene


@pytest.mark.parametrize(
    ("predicate", "object", "frame"),
    [
        ("left of", "red car", "ambiguous"),
        ("to the right of", "old man", "ambiguous"),
        ("left of", "dog", "ambiguous"),
        ("left of", "tree", "viewer"),
        ("to its left", "car", "object"),
        ("on his own left", "man", "object"),
        ("on the driver's left", "car", "object"),
        ("on the players' right", "players", "object"),
        ("on the viewer's left of", "car", "viewer"),
        ("left of, from the camera's view", "car", "viewer"),
        ("on the left side of the image", "man", "viewer"),
    ],
)
def test_frame_by_wording(predicate: str, object: str, frame: str) -> None:
    assert frames.frame_of(predicate, object) == frame


LEFT, RIGHT = Box(0, 0, 20, 20), Box(70, 0, 90, 20)


def scene(predicate: str, label: str, first: Box = RIGHT, second: Box = LEFT, source: str = "made") -> Scene:
    regions = (Region(1, "cup", first), Region(2, label, second))
    return Scene("s", "s.png", 100, 100, regions, (Relation(1, predicate, 2, source=source),))


@pytest.mark.parametrize(
    ("predicate", "label", "frame", "expected"),
    [
        ("left of", "car", "viewer", ["other-frame"]),
        ("left of", "car", "object", []),
        ("right of", "car", "object", ["other-frame"]),
        ("right of", "car", "viewer", []),
        ("left of", "tree", "viewer", ["viewer-contradicted"]),
        ("left of, as seen in the photo", "car", "object", ["viewer-contradicted"]),
        ("to its left", "car", "viewer", []),
        ("turning left at", "car", "viewer", []),
        ("above", "car", "viewer", []),
    ],
)
def test_findings(predicate: str, label: str, frame: str, expected: list[str]) -> None:
    assert [f.reason for f in frames.find(scene(predicate, label), frame=frame)] == expected


def test_close_centres_hold_for_nobody() -> None:
    near = scene("left of", "car", Box(10, 0, 30, 20), Box(8, 50, 28, 70))
    assert [tag.holds for tag in frames.tags(near)] == ["unclear"]
    assert not frames.find(near)


def test_an_unknown_frame_is_refused() -> None:
    with pytest.raises(RelataError, match="viewer or object"):
        frames.find(scene("left of", "car"), frame="driver")


def test_a_data_set_that_mixes_frames_is_told() -> None:
    viewer, opposite = scene("right of", "car"), scene("left of", "car")
    mixed = frames.census([viewer] * 6 + [opposite] * 4)["made"]
    assert mixed.share == 0.6
    assert not mixed.consistent
    assert "NOT consistent" in str(mixed)
    assert frames.census([viewer] * 99 + [opposite])["made"].consistent
    assert frames.census([opposite] * 10)["made"].consistent  # all in the object's own frame


def test_rendered_scenes_are_the_viewers() -> None:
    scenes = list(synth.scenes(50))
    assert not any(map(frames.find, scenes))
    counts = frames.census(scenes)["synth"]
    assert set(counts.frames) == {"viewer"}
    assert math.isnan(counts.share)
    assert counts.consistent
