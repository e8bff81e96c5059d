"""`completion`: what a teacher adds to a scene is checked relation by relation; what the rules add is true."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import relata
from relata import readers, store, synth
from relata.english.kinds import kind
from relata.english.meanings import meaning
from relata.errors import RelataError
from relata.filters import Rejection, geometry
from relata.prompts import template
from relata.recipes import completion
from relata.recipes._here import Here
from relata.scene import Box, Region, Relation, Scene

SCENE = Scene(
    "s",
    "s.jpg",
    200,
    100,
    tuple(
        Region(id, label, Box(x, 10, x + 20, 90))
        for id, label, x in ((10, "man", 0), (7, "cup", 40), (3, "table", 80), (5, "dog", 120), (8, "lamp", 160))
    ),
    (Relation(10, "holding", 7), Relation(5, "looking at", 10, "interactional", 0.7, "vg")),
)


def item(scene: Scene = SCENE, subjects: int = 2) -> completion.Item:
    found = completion.items(scene, Here(random.Random(0), Path(), Path()), subjects=subjects)
    assert isinstance(found[0], completion.Item)
    return found[0]


def reply(**relations: dict[str, list[list[object]]]) -> str:
    """A reply that speaks of the regions 1 and 2, and of others: `r3={"spatial": [[1, "on"]]}`."""
    told: dict[str, object] = {str(k): {"description": "", "relations": {}} for k in (1, 2)}
    told.update({name[1:]: {"description": f"number {name[1:]}.", "relations": r} for name, r in relations.items()})
    return json.dumps(told)


def added(text: str) -> tuple[Scene, list[tuple[str, str]]]:
    outcome = completion.read(text, item())
    assert isinstance(outcome, list), outcome
    scene, *lost = outcome
    assert isinstance(scene, Scene)
    return scene, [(one.reason, one.detail) for one in lost if isinstance(one, Rejection)]


def test_relations_are_added_with_their_kind() -> None:
    scene, lost = added(reply(r4={"emotional": [[1, "fond of"]], "spatial": [[3, "right of"]]}))
    assert lost == []
    assert scene.relations == (
        *SCENE.relations,
        Relation(5, "right of", 3, "spatial", source="completion"),
        Relation(5, "fond of", 10, "emotional", source="completion"),
    )
    assert [region.description for region in scene.regions] == [None, None, None, "number 4", None]


def test_an_annotated_relation_learns_its_kind_and_nothing_else() -> None:
    scene, lost = added(reply(r1={"interactional": [[2, "Holding"]]}, r4={"social": [[1, "looking at"]]}))
    assert lost == []
    assert scene.relations == (SCENE.relations[0].replace(kind="interactional"), SCENE.relations[1])


def test_single_faults_are_left_out_and_told() -> None:
    good = [[2, "left of"], [3, "left of"], [4, "left of"], [5, "left of"], [5, "near"], [4, "near"]]
    bad = [[9, "on"], [1, "on"], [2, " . "], [2, "is on the left hand side of the big old cup"], [2, "left  of"]]
    scene, lost = added(reply(r1={"spatial": [*good, *bad]}))
    assert len(scene.relations) == 2 + len(good)
    assert lost == [
        ("unknown-region", "[1] on [9] (spatial)"),
        ("self-relation", "[1] on [1] (spatial)"),
        ("empty-predicate", "[1]  [2] (spatial)"),
        ("long-predicate", "[1] is on the left hand side of the big old cup [2] (spatial)"),
        ("repeated", "[1] left of [2] (spatial)"),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot see it.", "no-json"),
        ('{"1": {"description": ', "no-json"),
        ("}{", "no-json"),
        ("{" * 5000 + "}", "no-json"),
        ('{"1": []}', "wrong-form"),
        ('{"dog": {"description": "", "relations": {}}}', "wrong-form"),
        (reply(r3={"magical": [[1, "on"]]}), "wrong-form"),
        (reply(r3={"spatial": [["man", "on"]]}), "wrong-form"),
        (reply(r3={"spatial": [[1, "on", 2]]}), "wrong-form"),
        ('{"1": {"description": "", "relations": {}}}', "too-few-subjects"),
        ('{"1": {"description": "", "relations": {}}, "6": {"description": "", "relations": {}}}', "too-few-subjects"),
        (reply(), "no-relations"),
        (reply(r3={"spatial": [[9, "on"], [8, "on"], [1, "near"]]}), "mostly-wrong"),
    ],
)
def test_a_reply_without_use_is_rejected_whole(text: str, reason: str) -> None:
    outcome = completion.read(text, item())
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


def test_json_is_found_in_its_fence() -> None:
    scene, _ = added("Here it is:\n```json\n" + reply(r3={"spatial": [[4, "left of"]]}) + "\n```")
    assert len(scene.relations) == 3


def test_markup_in_what_a_teacher_says_is_harmless() -> None:
    scene, _ = added(reply(r3={"spatial": [[4, "<on>(1->2)"]]}))
    assert not set("<>[]") & set(scene.relations[-1].predicate)


def test_a_scene_needs_two_regions() -> None:
    alone = SCENE.replace(regions=SCENE.regions[:1], relations=())
    here = Here(random.Random(0), Path(), Path())
    assert completion.items(alone, here) == [Rejection("too-few-regions", "1", id="s")]
    two = SCENE.replace(regions=SCENE.regions[:2], relations=())
    assert item(two, 5).subjects == 2


def test_the_prompt_tells_what_is_known_and_no_coordinates() -> None:
    described = SCENE.regions[0].replace(description="a man, see [3]")
    prompt = completion.prompt(item(SCENE.replace(regions=(described, *SCENE.regions[1:]))))
    assert 'Descriptions:\n[1] "a man, see 3"' in prompt.user
    assert '[1] "man" -> "holding" -> [2] "cup"' in prompt.user
    assert prompt.user.endswith("Speak of at least 2 subjects.")
    assert "80" not in prompt.user
    assert prompt.schema is completion.Reply
    assert len(prompt.turns) == 2


def test_a_teacher_sees_the_numbers_of_regions(tmp_path: Path) -> None:
    Image.new("RGB", (600, 300), "white").save(tmp_path / "s.jpg")
    (data,) = item().pictures(tmp_path)
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    assert pixels.shape == (300, 600, 3)
    for region in SCENE.regions:  # the picture is three times the scene; each side of a box is drawn
        x, y = round(region.box.x1 * 3), round(region.box.y1 * 3 + region.box.height * 1.5)
        assert (pixels[y, max(x - 2, 0) : x + 3] < 200).any(), region
    with pytest.raises(RelataError, match="was not found"):
        item(SCENE.replace(image="none.jpg")).pictures(tmp_path)


def test_worked_examples_obey_their_own_rules() -> None:
    for request, text in template("completion", "subjects").turns:
        objects = request.split("Objects:\n")[1].split("\n\n")[0].splitlines()
        regions = tuple(Region(k, line, Box(k, 0, k + 1, 9)) for k, line in enumerate(objects, 1))
        asked = completion.Item("e", Scene("e", "e.jpg", 50, 50, regions), int(request.split()[-2]))
        outcome = completion.read(text, asked)
        assert isinstance(outcome, list)
        assert len(outcome) == 1, outcome


@pytest.mark.parametrize(
    ("predicate", "known"),
    [
        ("on", "spatial"),
        ("to the left of", "spatial"),
        ("is holding", "interactional"),
        ("talking on", "functional"),
        ("talking to", "social"),
        ("wearing a", "functional"),
        ("enjoying", "emotional"),
        ("flurbing", None),
        ("", None),
    ],
)
def test_kinds_of_predicates(predicate: str, known: str | None) -> None:
    assert kind(predicate) == known


def test_the_rules_say_nothing_that_geometry_denies() -> None:
    total = 0
    for scene in synth.scenes(40, seed=3):
        bare = scene.replace(relations=())
        outcome = completion.read(completion.offline(item(bare, 5), random.Random(0)), item(bare, 5))
        if isinstance(outcome, Rejection):
            assert outcome.reason == "no-relations"
            continue
        (made,) = outcome
        assert isinstance(made, Scene)
        true = {(r.subject, r.object): r.predicate for r in scene.relations}
        for relation in made.relations:
            total += 1
            said = meaning(relation.predicate)
            known = true.get((relation.subject, relation.object), said)
            assert known in (said, "attached to", "on", "in front of", "behind"), (scene.id, relation)
        assert geometry.find(made) == []
    assert total > 100


def test_photos_with_graphs_are_completed(shared_data: Path, tmp_path: Path) -> None:
    annotations = shared_data / "coco_photos" / "annotations"
    specs = [
        f"coco={annotations / 'tiny_coco'}",
        f"vcoco={annotations / 'vcoco'}",
        f"ferret={shared_data / 'ferret_bench'}",
    ]
    scenes = list(readers.read_many(specs, shared_data / "coco_photos" / "images"))
    report = relata.build("completion", scenes, out=tmp_path)
    assert report.failed == 0
    assert set(report.reasons) <= {"too-few-regions", "no-relations"}
    before = {scene.id: scene for scene in scenes}
    made = list(store.records(tmp_path / "scenes", Scene))
    assert len(made) > 120
    for scene in made:
        old = before[scene.id]
        ends = [(r.subject, r.predicate, r.object) for r in scene.relations]
        assert ends[: len(old.relations)] == [(r.subject, r.predicate, r.object) for r in old.relations]
        assert scene.provenance["teacher"] == "rules"
    kinds = {relation.kind for scene in made for relation in scene.relations}
    assert {"spatial", "interactional", "functional"} <= kinds
