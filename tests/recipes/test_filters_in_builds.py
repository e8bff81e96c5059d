"""Filters within a run: what they take out, how they are named with options, and that nothing is lost uncounted."""

from __future__ import annotations

from pathlib import Path

import pytest

from relata.chat import Example
from relata.errors import RelataError
from relata.filters import Rejection
from relata.grounded import Predicate
from relata.recipes import build
from relata.scene import Box, Region, Relation, Scene
from relata.store import records

#: The cup stands left of the jug, whatever is said; the lamp overlaps the jug, and hangs a little more to the left.
SCENE = Scene(
    "s", "s.jpg", 400, 300,
    (
        Region(1, "cup", Box(10, 200, 60, 260)),
        Region(2, "jug", Box(300, 180, 380, 280)),
        Region(3, "lamp", Box(296, 20, 380, 220)),
    ),
    (Relation(1, "right of", 2), Relation(1, "left of", 2), Relation(3, "left of", 2)),
)  # fmt: skip


def rejected(folder: Path) -> list[Rejection]:
    return list(records(folder / "rejected.jsonl", Rejection))


def test_a_scene_loses_what_is_wrong_and_says_why(tmp_path: Path) -> None:
    report = build("completion", [SCENE], out=tmp_path, filters=["geometry"])
    (scene,) = records(tmp_path / "scenes", Scene)
    said = {(r.subject, r.predicate, r.object) for r in scene.relations}
    assert (1, "left of", 2) in said
    assert (3, "left of", 2) in said
    assert (1, "right of", 2) not in said
    (wrong,) = rejected(tmp_path)
    assert wrong.reason == "geometry/opposite"
    assert wrong.detail.startswith("cup(1) right of jug(2)")
    assert report.read == report.kept + report.rejected + report.failed


def test_options_of_a_filter_stand_behind_its_name(tmp_path: Path) -> None:
    build("completion", [SCENE], out=tmp_path, filters=["geometry:strict=true", "logic"])
    (scene,) = records(tmp_path / "scenes", Scene)
    assert (3, "left of", 2) not in {(r.subject, r.predicate, r.object) for r in scene.relations}
    assert {"geometry/opposite", "geometry/unclear"} <= {one.reason for one in rejected(tmp_path)}


def test_an_example_that_says_something_wrong_is_turned_away_whole(tmp_path: Path) -> None:
    report = build("rec", [SCENE], out=tmp_path, filters=["geometry"], kinds=["detailed"])
    assert list(records(tmp_path / "examples", Example)) == []
    assert [one.reason for one in rejected(tmp_path)] == ["geometry/opposite"]
    assert (report.read, report.kept, report.rejected) == (1, 0, 1)


def test_an_example_that_says_nothing_wrong_stays(tmp_path: Path) -> None:
    right = SCENE.replace(relations=SCENE.relations[1:])
    build("rec", [right], out=tmp_path, filters=["geometry"], kinds=["detailed"])
    (example,) = records(tmp_path / "examples", Example)
    assert any(isinstance(span, Predicate) for message in example.messages for span in message.spans)
    assert rejected(tmp_path) == []


def test_a_filter_may_ask_a_judge(tmp_path: Path) -> None:
    right = SCENE.replace(relations=SCENE.relations[1:2])
    report = build("rec", [right], out=tmp_path, filters=["vqa"], judge="rules", kinds=["detailed"])
    assert (report.read, report.kept) == (1, 1)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("geometri", "did you mean geometry"),
        ("geometry:strickt=true", "did you mean strict"),
        ("geometry:strict=perhaps", "option strict of geometry is 'perhaps'"),
    ],
)
def test_mistakes_are_told_before_anything_is_done(tmp_path: Path, spec: str, told: str) -> None:
    with pytest.raises(RelataError, match=told):
        build("rec", [SCENE], out=tmp_path / "out", filters=[spec])
    assert not (tmp_path / "out").exists()
