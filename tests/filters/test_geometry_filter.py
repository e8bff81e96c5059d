"""Spatial relations against boxes, masks and depth maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relata import synth
from relata.english.meanings import SYMMETRIC, meaning, same_way
from relata.errors import RelataError
from relata.filters import geometry
from relata.geometry import rle_encode
from relata.scene import Box, Region, Relation, Scene
from relata.synth.records import to_scene
from relata.synth.render import masks
from relata.synth.world import world


def pair(predicate: str, first: Box, second: Box, labels: tuple[str, str] = ("cup", "table")) -> Scene:
    regions = (Region(1, labels[0], first), Region(2, labels[1], second))
    return Scene("s", "s.png", 100, 100, regions, (Relation(1, predicate, 2),))


def reasons(scene: Scene, **options: object) -> list[str]:
    return [finding.reason for finding in geometry.find(scene, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("predicate", "said"),
    [
        ("to the left of", "left of"),
        ("on the left side of", "left of"),
        ("at the right", "right of"),
        ("LEFT OF", "left of"),
        ("directly below", "under"),
        ("is underneath the", "under"),
        ("on top of", "on"),
        ("next to", "near"),
        ("to the left of, from the viewer's perspective", "left of"),
        ("on the left side of the image", "left of"),
        ("to its left", "to its left"),
        ("left hand of", "left hand of"),
        ("over", "over"),
        ("admiring", "admiring"),
    ],
)
def test_words_of_one_meaning(predicate: str, said: str) -> None:
    assert meaning(predicate) == said


def test_converses_are_one_relation() -> None:
    assert same_way(1, "to the left of", 2) == same_way(2, "right of", 1)
    assert same_way(1, "beside", 2) == same_way(2, "next to", 1)
    assert same_way(1, "on", 2) != same_way(2, "on", 1)


LEFT, RIGHT, TOP, BOTTOM = Box(0, 40, 20, 60), Box(70, 40, 90, 60), Box(40, 0, 60, 20), Box(40, 70, 60, 90)
SMALL, LARGE = Box(60, 40, 70, 50), Box(20, 20, 80, 80)


@pytest.mark.parametrize(
    ("predicate", "first", "second", "expected"),
    [
        ("left of", LEFT, RIGHT, []),
        ("left of", RIGHT, LEFT, ["opposite"]),
        ("left of", Box(40, 0, 60, 20), Box(43, 70, 63, 90), ["unclear"]),
        ("left of", LARGE, Box(30, 20, 90, 80), ["unclear"]),  # an IoU of 0.71
        ("left of", SMALL, LARGE, ["unclear"]),
        ("to the right of", RIGHT, LEFT, []),
        ("right of", SMALL, LARGE, []),
        ("above", TOP, BOTTOM, []),
        ("below", TOP, BOTTOM, ["opposite"]),
        ("under", Box(30, 30, 70, 95), Box(20, 10, 80, 60), []),
        ("under", LARGE, Box(30, 60, 40, 70), ["unclear"]),  # snow under a snowboard
        ("in", Box(40, 40, 50, 50), LARGE, []),
        ("inside", LARGE, Box(40, 40, 50, 50), ["opposite"]),
        ("in", Box(20, 20, 80, 60), Box(30, 45, 70, 90), ["unclear"]),  # flowers in a vase
        ("in", LEFT, RIGHT, ["apart"]),
        ("containing", LARGE, Box(40, 40, 50, 50), []),
        ("containing", Box(40, 40, 50, 50), LARGE, ["opposite"]),
        ("on", Box(40, 20, 60, 50), Box(20, 50, 80, 90), []),
        ("on", Box(20, 50, 80, 90), Box(40, 20, 60, 50), ["no-contact"]),
        ("on", Box(40, 20, 60, 30), Box(20, 50, 80, 90), ["apart"]),
        ("near", LEFT, Box(15, 40, 35, 60), []),
        ("near", LEFT, Box(48, 40, 68, 60), ["unclear"]),
        ("near", LEFT, RIGHT, ["apart"]),
        ("far from", LEFT, RIGHT, []),
        ("far from", LEFT, Box(15, 40, 35, 60), ["not-apart"]),
        ("touching", LEFT, RIGHT, ["apart"]),
        ("holding", LEFT, RIGHT, []),
        ("in front of", LEFT, RIGHT, []),
    ],
)
def test_rules(predicate: str, first: Box, second: Box, expected: list[str]) -> None:
    scene = pair(predicate, first, second)
    assert reasons(scene, strict=True) == expected
    assert reasons(scene) == [reason for reason in expected if reason != "unclear"]


def test_what_is_in_its_clothes_and_what_hangs_from_a_ceiling() -> None:
    assert not reasons(pair("in", Box(10, 0, 90, 90), Box(40, 30, 60, 50), ("man", "vest")))
    assert reasons(pair("in", Box(10, 0, 90, 90), Box(40, 30, 60, 50), ("box", "vest"))) == ["opposite"]
    assert not reasons(pair("on", Box(40, 15, 50, 40), Box(0, 0, 100, 20), ("lamp", "ceiling")))


def test_margins_are_options() -> None:
    scene = pair("left of", Box(40, 0, 60, 20), Box(43, 70, 63, 90))
    assert reasons(scene, strict=True, margin=0.01) == []
    assert reasons(pair("near", LEFT, RIGHT), near=0.8) == []
    assert reasons(pair("left of", SMALL, LARGE), inside=1.1) == ["opposite"]
    assert reasons(pair("right of", SMALL, LARGE), strict=True, overlap=0.02) == ["unclear"]


def turned(scene: Scene) -> Scene:
    relations = (r for r in scene.relations if meaning(r.predicate) not in SYMMETRIC)
    return scene.replace(relations=tuple(r.replace(subject=r.object, object=r.subject) for r in relations))


@pytest.mark.parametrize(("strict", "least"), [(False, 0.98), (True, 0.99)])
def test_true_relations_stay_and_turned_ones_are_caught(tmp_path: Path, strict: bool, least: float) -> None:
    true = kept = false = caught = 0
    for index in range(300):
        drawn = world(5, index)
        scene = to_scene(drawn, f"w{index}", f"w{index}.png")
        depth = np.zeros((96, 96), dtype=np.uint8)
        seen = masks(drawn)
        for nearness, region in enumerate(drawn.order, 1):
            depth[seen[region]] = 20 * nearness
        Image.fromarray(depth).save(tmp_path / f"w{index}.png")
        true += len(scene.relations)
        kept += len(scene.relations) - len(geometry.find(scene, depth=str(tmp_path), strict=strict))
        wrong = turned(scene)
        false += len(wrong.relations)
        caught += len(geometry.find(wrong, depth=str(tmp_path), strict=strict))
    assert true > 2000
    assert kept / true >= 0.995
    assert caught / false >= least


def test_masks_alone_never_remove_what_is_true() -> None:
    scenes = list(synth.scenes(200, seed=6))
    assert not any(geometry.find(scene) for scene in scenes)
    swapped = [s.replace(relations=tuple(r for r in turned(s).relations if r.predicate == "behind")) for s in scenes]
    caught = sum(len(geometry.find(scene)) for scene in swapped)
    assert caught / sum(len(scene.relations) for scene in swapped) > 0.25


def halves() -> Scene:
    left = np.zeros((100, 100), dtype=bool)
    left[:, :50] = True
    regions = (
        Region(1, "man", Box(0, 0, 50, 100), rle_encode(left)),
        Region(2, "car", Box(50, 0, 100, 100)),
    )
    return Scene("s", "folder/s.jpg", 100, 100, regions, (Relation(1, "in front of", 2), Relation(1, "behind", 2)))


def test_depth_maps_of_another_size_and_direction(tmp_path: Path) -> None:
    values = np.tile(np.linspace(9, 1, 50, dtype=np.float32), (50, 1))  # the left is near where large is near
    np.save(tmp_path / "s.npy", values)
    assert [f.relation for f in geometry.find(halves(), depth=str(tmp_path))] == [1]
    assert [f.relation for f in geometry.find(halves(), depth=str(tmp_path), near_is="small")] == [0]
    np.save(tmp_path / "s.npy", np.tile([1.0, 1.01, 0, 0, 0, 0, 0, 9, 1.0, 1.01], (10, 1)).astype(np.float32))
    assert len(geometry.find(halves(), depth=str(tmp_path), depth_margin=1.0, strict=True)) == 2
    assert not geometry.find(halves(), depth=str(tmp_path), depth_margin=1.0)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (np.zeros((50, 50)), "flat"),
        (np.ones((50, 20)), "20 x 50"),
        (np.ones((50, 50, 3)), "one finite number"),
        (np.full((50, 50), np.nan), "one finite number"),
        (None, "no depth map"),
    ],
)
def test_unusable_depth_maps_are_refused(tmp_path: Path, values: np.ndarray | None, told: str) -> None:
    if values is not None:
        np.save(tmp_path / "s.npy", values)
    with pytest.raises(RelataError, match=told):
        geometry.find(halves(), depth=str(tmp_path))


def test_a_damaged_depth_map_and_a_wrong_direction_are_refused(tmp_path: Path) -> None:
    (tmp_path / "s.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(RelataError, match="cannot be read as a depth map"):
        geometry.find(halves(), depth=str(tmp_path))
    with pytest.raises(RelataError, match="near_is"):
        geometry.find(halves(), depth=str(tmp_path), near_is="big")
