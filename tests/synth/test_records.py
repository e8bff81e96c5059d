"""Worlds as scenes, groups, captions and files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from relata.errors import RelataError
from relata.geometry import rle_decode
from relata.scene import Box, Group, Region, Relation, Scene, decode
from relata.synth import groups, scenes, to_scene, write
from relata.synth.captions import captions, plural, series
from relata.synth.render import masks, render
from relata.synth.rules import PREDICATES
from relata.synth.shapes import SHAPES
from relata.synth.world import World, built, world


@pytest.fixture
def two() -> World:
    """A small plain red square in a large striped blue one."""
    boxes = [(45.0, 45.0, 55.0, 55.0), (40.0, 40.0, 60.0, 60.0)]
    return built(boxes, [(0, 0, 1), (1, 2, 1)], [1, 0], [], (240, 240, 240))


def test_a_scene_by_hand(two: World) -> None:
    scene = to_scene(two, "a", "a.png")
    inner, outer = scene.regions
    assert (scene.width, scene.height, scene.image) == (96, 96, "a.png")
    assert inner.replace(mask=None) == Region(
        id=0, label="plain red square", box=Box(45, 45, 55, 55), attributes=("red", "plain", "square", "small")
    )
    assert outer.attributes == ("blue", "striped", "square", "large")
    assert outer.mask is not None
    assert rle_decode(outer.mask).sum() == 400 - 100
    assert scene.relations == (Relation(0, "in", 1, kind="spatial", source="synth"),)


def test_masks_survive_the_record() -> None:
    for index in range(20):
        drawn = world(0, index)
        for region, mask in zip(to_scene(drawn, "a", "a.png").regions, masks(drawn)):
            assert region.mask is not None
            assert (rle_decode(region.mask) == mask).all()


def test_scenes_are_the_worlds_of_the_seed(tmp_path: Path) -> None:
    made = list(scenes(8, seed=3, split="test", out=tmp_path))
    assert made == list(scenes(9, seed=3, split="test"))[:8]
    for index, scene in enumerate(made):
        drawn = world(3, index, "test")
        assert scene.provenance == {"dataset": "synth", "seed": "3", "index": str(index), "split": "test"}
        assert [region.label for region in scene.regions] == [drawn.label(i) for i in range(len(drawn))]
        told = {(r.subject, r.object): PREDICATES.index(r.predicate) for r in scene.relations}
        assert told == drawn.relations
        assert (np.asarray(Image.open(tmp_path / scene.image)) == render(drawn)).all()


def test_files_are_equal_for_equal_arguments(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path / folder, 5, seed=1)
        write(tmp_path / folder, 3, seed=1, pairs=True)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert len(files) == 2 + 5 + 2 * 3
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    lines = (tmp_path / "a" / "scenes.jsonl").read_bytes().splitlines()
    assert [decode(line, Scene) for line in lines] == list(scenes(5, seed=1))
    lines = (tmp_path / "a" / "groups.jsonl").read_bytes().splitlines()
    assert [decode(line, Group) for line in lines] == list(groups(3, seed=1))


def test_a_failed_run_leaves_no_records(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match="unknown split"):
        write(tmp_path, 5, split="trian")
    assert not (tmp_path / "scenes.jsonl").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RelataError, match=r"cannot write .*/file: "):
        write(tmp_path / "file", 1)


def test_groups_link_what_is_the_same() -> None:
    changed = 0
    for group in groups(50, seed=2):
        before, after = group.scenes
        linked = {(link.first[1], link.second[1]): link.transform for link in group.links}
        same = {(a.id, b.id) for a in before.regions for b in after.regions if a.identity == b.identity and a.identity}
        assert set(linked) == same
        for (i, j), transform in linked.items():
            kept = before.region(i).replace(id=0, mask=None) == after.region(j).replace(id=0, mask=None)
            assert kept == (transform is None)
            changed += transform is not None
    assert changed >= 50


@pytest.mark.parametrize("seed", range(30))
def test_captions_of_two_squares(two: World, seed: int) -> None:
    first, second = captions(two, Random(seed))
    assert re.search(r"\b(two squares|a (plain )?red square|a striped blue square)\b", first)
    assert re.fullmatch(
        r"(A (plain )?red square is in a striped blue square|The (plain )?red square is in the striped blue square)\.",
        second,
    )


COLOURS_AND_TEXTURES = re.compile(r"\b(plain|striped|red|green|blue|yellow|purple|orange|cyan|brown) ")
CLAUSE = re.compile(rf"(?:A|a|The|the) ([a-z ]+) is (?:to the )?({'|'.join(PREDICATES)}) (?:a|the) ([a-z ]+)")


def test_captions_are_english() -> None:
    forms = set()
    for scene in scenes(400):
        assert len(scene.captions) == 2
        for text in scene.captions:
            assert text[0].isupper()
            assert text.endswith(".")
            assert not re.search(r"  |\b[Aa] [aeiou]|\b[Aa]n [^aeiou]|\bone ", text)
            forms.add(COLOURS_AND_TEXTURES.sub("", text))
    assert len(forms) > 200
    assert any(form.startswith("There are two") for form in forms)
    assert any(form.startswith("There is an arrow") for form in forms)


def test_captions_are_true() -> None:
    """Every clause, read back, is a relation of the scene; a name without `plain` means one object only."""
    for scene in scenes(400):
        labels = {region.label: region.id for region in scene.regions}
        text = re.sub(r"\b([Aa])n\b", r"\1", scene.captions[1])
        clauses = [CLAUSE.fullmatch(clause) for clause in re.split(r", and |, while |; ", text.removesuffix("."))]
        for clause in clauses:
            assert clause is not None, text
            subject, predicate, thing = clause.groups()
            i, j = (labels.get(name, labels.get(f"plain {name}")) for name in (subject, thing))
            assert Relation(i, predicate, j, kind="spatial", source="synth") in scene.relations


def test_words() -> None:
    assert [plural(shape) for shape in SHAPES] == ["circles", "squares", "triangles", "diamonds", "crosses", "arrows"]
    assert [series(list("abc")[:n]) for n in (1, 2, 3)] == ["a", "a and b", "a, b and c"]


def test_it_needs_no_torch() -> None:
    code = "import relata.synth, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
