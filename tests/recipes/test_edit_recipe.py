"""`edit`: a teacher's changes become a typed edit and the edited scene; contradictions are refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import relata
from relata import edits, readers, store, synth
from relata.edits import Add, Describe, Edit, Looks, Remove, Rename
from relata.filters import Rejection
from relata.prompts import template
from relata.recipes import edit
from relata.recipes._here import Here
from relata.scene import Box, Region, Relation, Scene

HERE = Here(random.Random(0), Path(), Path())
SCENE = Scene(
    "s",
    "s.jpg",
    200,
    100,
    tuple(
        Region(id, label, Box(x, 10, x + 30, 90)) for id, label, x in ((10, "man", 0), (7, "cup", 70), (3, "dog", 150))
    ),
    (Relation(10, "holding", 7, score=0.4), Relation(3, "left of", 10, "spatial"), Relation(7, "wearing", 3)),
)


def item(scene: Scene = SCENE) -> edit.Item:
    (found,) = edit.items(scene, HERE)
    assert isinstance(found, edit.Item)
    return found


def read(*told: dict[str, object], scene: Scene = SCENE) -> Rejection | list[Scene | Edit | Rejection]:
    return edit.read(json.dumps({"edits": [{"reason": "because", **one} for one in told]}), item(scene))


def test_changes_become_an_edit() -> None:
    outcome = read(
        {"op": "remove", "relation": 3},
        {"op": "rename", "relation": 2, "predicate": "right of"},
        {"op": "add", "subject": 3, "predicate": "looking at", "object": 1, "kind": "interactional"},
        {"op": "describe", "region": 2, "attributes": ["white"], "description": "a white cup"},
    )
    assert isinstance(outcome, list)
    scene, made = outcome
    assert isinstance(made, Edit)
    assert made.changes == (
        Remove(2, SCENE.relations[2], "because"),
        Rename(1, SCENE.relations[1], Relation(3, "right of", 10, source="edit"), "because"),
        Add(2, Relation(3, "looking at", 10, "interactional", source="edit"), "because"),
        Describe(7, Looks("cup"), Looks("cup", ("white",), "a white cup"), "because"),
    )
    assert scene == edits.apply(SCENE, made)


def test_an_empty_list_is_an_answer() -> None:
    assert read() == [SCENE, Edit("s/edit", "s")]


def test_single_faults_are_left_out_and_told() -> None:
    outcome = read(
        {"op": "remove", "relation": 1},
        {"op": "describe", "region": 1, "label": "boy"},
        {"op": "add", "subject": 1, "predicate": "near", "object": 2},
        {"op": "add", "subject": 2, "predicate": "near", "object": 3},
        {"op": "remove", "relation": 9},
        {"op": "add", "subject": 1, "predicate": "near", "object": 4},
        {"op": "add", "subject": 1, "predicate": "near", "object": 1},
        {"op": "describe", "region": 3},
    )
    assert isinstance(outcome, list)
    _, made, *lost = outcome
    assert isinstance(made, Edit)
    assert len(made.changes) == 4
    assert [one.reason for one in lost if isinstance(one, Rejection)] == [
        "unknown-relation",
        "unknown-region",
        "self-relation",
        "no-change",
    ]


@pytest.mark.parametrize(
    "told",
    [
        ({"op": "remove", "relation": 1}, {"op": "rename", "relation": 1, "predicate": "near"}),
        ({"op": "remove", "relation": 1}, {"op": "remove", "relation": 1}),
        ({"op": "describe", "region": 1, "label": "boy"}, {"op": "describe", "region": 1, "label": "lad"}),
    ],
)
def test_a_reply_that_contradicts_itself_is_rejected(told: tuple[dict[str, object], ...]) -> None:
    outcome = read(*told)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == "conflict"
    assert "changed twice" in outcome.detail


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("No changes.", "no-json"),
        ('{"edits": [{"op": "swap", "relation": 1, "reason": ""}]}', "wrong-form"),
        ('{"edits": [{"op": "remove", "reason": ""}]}', "wrong-form"),
        ('{"edits": [{"op": "remove", "relation": 9, "reason": ""}]}', "mostly-wrong"),
        ("[]", "no-json"),
    ],
)
def test_a_reply_without_use_is_rejected_whole(text: str, reason: str) -> None:
    outcome = edit.read(text, item())
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


def test_the_prompt_numbers_regions_and_relations() -> None:
    prompt = edit.prompt(item())
    assert '[3] "dog", on the right' in prompt.user
    assert 'r2: [3] "dog" -> "left of" -> [1] "man" (spatial)' in prompt.user
    assert prompt.user.count("wearing") == 1
    assert edit.prompt(item(SCENE.replace(relations=()))).user.endswith("Relations:\nnone yet")
    assert edit.items(SCENE.replace(regions=(), relations=()), HERE) == [Rejection("no-regions", id="s")]


def test_worked_examples_obey_their_own_rules() -> None:
    for request, text in template("edit", "graph").turns:
        objects = request.split("Objects:\n")[1].split("\n\n")[0].splitlines()
        count = request.split("Relations:\n")[1].count(" -> ") // 2
        regions = tuple(Region(k, line, Box(k, 0, k + 1, 9)) for k, line in enumerate(objects))
        relations = tuple(Relation(0, f"p{k}", 1) for k in range(count))
        outcome = edit.read(text, item(Scene("e", "e.jpg", 50, 50, regions, relations)))
        assert isinstance(outcome, list)
        assert len(outcome) == 2, outcome


# -------------------------------------------------------------------------------------------------- the rules


def by_rules(scene: Scene) -> tuple[Scene, Edit]:
    outcome = edit.read(edit.offline(item(scene), random.Random(0)), item(scene))
    assert isinstance(outcome, list)
    edited, made = outcome  # the rules break no rule
    assert isinstance(edited, Scene)
    assert isinstance(made, Edit)
    assert edits.apply(edited, edits.invert(scene, made)) == scene
    return edited, made


def test_the_rules_turn_round_what_is_the_wrong_way() -> None:
    twice = (*SCENE.relations, Relation(10, "holding", 7), Relation(7, "near", 7))
    edited, made = by_rules(SCENE.replace(relations=twice))
    assert [(r.subject, r.predicate, r.object) for r in edited.relations][:3] == [
        (10, "holding", 7),
        (3, "right of", 10),
        (7, "wearing", 3),
    ]
    told = [(type(change).__name__, change.reason.partition(":")[0]) for change in made.changes]
    assert told[0][0] == "Rename"
    assert sorted(told[1:]) == [("Remove", "repeated"), ("Remove", "self")]


def test_what_people_say_of_photos_is_hardly_touched(shared_data: Path) -> None:
    """What is on a road of which one part has a box is not struck out."""
    scenes = list(readers.read("vsd", shared_data / "benchmarks" / "vsd" / "VSDv1" / "val.json"))
    found = edits.rates((by_rules(scene)[1] for scene in scenes if isinstance(scene, Scene)), scenes)
    total = sum(rate.before for rate in found.values())
    assert total > 3000
    assert sum(rate.removed + rate.renamed for rate in found.values()) / total < 0.04
    road = (Region(1, "van", Box(0, 50, 60, 90)), Region(2, "street", Box(120, 50, 200, 100)))
    for object, gone in (("street", False), ("horse", True)):
        pair = SCENE.replace(regions=(road[0], road[1].replace(label=object)), relations=(Relation(1, "on", 2),))
        assert any(isinstance(change, Remove) for change in by_rules(pair)[1].changes) == gone


def test_exact_scenes_lose_nothing_and_spoilt_ones_are_mended() -> None:
    swap = {"left of": "right of", "right of": "left of", "above": "under", "under": "above"}
    spoilt = mended = 0
    for scene in synth.scenes(60, seed=5):
        edited, made = by_rules(scene)
        assert not [change for change in made.changes if isinstance(change, (Remove, Rename))]
        assert edited.relations[: len(scene.relations)] == scene.relations
        rng = random.Random(scene.id)
        wrong = [
            r.replace(predicate=swap[r.predicate]) if r.predicate in swap and rng.random() < 0.3 else r
            for r in scene.relations
        ]
        edited, made = by_rules(scene.replace(relations=tuple(wrong)))
        bad = {k for k, (a, b) in enumerate(zip(wrong, scene.relations)) if a != b}
        touched = {change.at for change in made.changes if isinstance(change, (Remove, Rename))}
        assert touched <= bad, scene.id
        spoilt += len(bad)
        mended += len(touched)
    assert spoilt > 50
    assert mended / spoilt > 0.95


def test_photos_with_graphs_are_edited(shared_data: Path, tmp_path: Path) -> None:
    annotations = shared_data / "coco_photos" / "annotations"
    specs = [f"vcoco={annotations / 'vcoco'}", f"ferret={shared_data / 'ferret_bench'}"]
    scenes = list(readers.read_many(specs, shared_data / "coco_photos" / "images"))
    report = relata.build("edit", scenes, out=tmp_path)
    made = list(store.records(tmp_path / "edits", Edit))
    after = {scene.id: scene for scene in store.records(tmp_path / "scenes", Scene)}
    assert report.failed == 0
    assert len(made) == len(after) > 40
    found = edits.rates(made, scenes)
    total = sum(rate.after for rate in found.values())
    assert total == sum(len(scene.relations) for scene in after.values())
    assert found["holding"].kept == found["holding"].before > 30
