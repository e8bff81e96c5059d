"""`similarity`, `contrast`, `temporal`, `episodes`: what the rules write is true and cited, what a teacher writes is
checked, and every box stays in its image.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import relata
from relata import across, store, synth
from relata.chat import Example
from relata.english import order as orders
from relata.english.aspects import aspect, aspects
from relata.filters import Rejection
from relata.grounded import ImageSlot, Mention, Predicate, plain
from relata.groups import attributes, category, identity, shots
from relata.recipes import contrast, episodes, similarity, temporal
from relata.recipes._here import Here
from relata.scene import Box, Group, Link, Region, Relation, Scene


def here(seed: int = 0) -> Here:
    return Here(random.Random(seed), Path(), Path())


def scene(id: str, *labels: str, relations: Sequence[tuple[int, str, int]] = (), **more: Any) -> Scene:
    """A scene with its regions side by side; the same labels lie in the same places in every scene."""
    regions = tuple(Region(10 + k, label, Box(k * 50, 10, k * 50 + 40, 80)) for k, label in enumerate(labels))
    related = tuple(Relation(10 + s, p, 10 + o) for s, p, o in relations)
    return Scene(id, f"{id}.jpg", 50 * len(labels) + 150, 300, regions, related, **more)


def looks(id: str, *attributes: str, who: str | None = None) -> Scene:
    region = Region(0, "person", Box(2, 2, 62, 126), attributes=attributes, identity=who)
    return Scene(id, f"{id}.jpg", 64, 128, (region,))


PETS = Group(
    "pets",
    (
        scene("a", "dog", "rug", relations=[(0, "lying on", 1)], captions=("A dog [x] naps.",)),
        scene("b", "cat", "dog", "rug", "dog", relations=[(1, "lying on", 2)]),
    ),
    provenance={"relation": "same category", "label": "dog"},
)


def only(module: ModuleType, group: Group, **options: Any) -> Any:
    found = list(module.items(group, here(), **options))
    assert len(found) == 1
    return found[0]


def told(module: ModuleType, item: Any, *replies: str) -> Any:
    """What comes of an item when these are the replies, and the rules' own after them."""
    outcome: Any = item
    for reply in [*replies, None, None, None, None, None, None]:
        if isinstance(outcome, (Example, Rejection)):
            return outcome
        module.prompt(outcome)
        said = module.offline(outcome, random.Random(1)) if reply is None else reply
        outcome = module.read(said, outcome)
    return outcome


def answer(example: Example) -> str:
    return plain(example.messages[-1].spans)


# citations


def test_numbers_run_through_all_images() -> None:
    assert across.places(PETS.scenes) == [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (1, 3)]
    spans, problems = across.read("a [dog](1) and two [dogs](4, 6)", PETS.scenes)
    assert not problems
    dogs = [span for span in spans if isinstance(span, Mention)]
    assert [(m.image, m.text, m.boxes) for m in dogs] == [
        (0, "dog", (PETS.scenes[0].regions[0].box,)),
        (1, "dogs", (PETS.scenes[1].regions[1].box, PETS.scenes[1].regions[3].box)),
    ]


def test_a_mention_over_two_images_is_parted_and_a_relation_is_refused() -> None:
    spans, problems = across.read("[dogs](1, 4)", PETS.scenes)
    assert not problems
    assert [(s.text, s.image) for s in spans if isinstance(s, Mention)] == [("dogs", 0), ("", 1)]
    spans, problems = across.read("[dog](1) <beside>(1->4) [dog](4)", PETS.scenes)
    assert [problem.kind for problem in problems] == ["two-images"]
    spans, _ = across.read("[dog](4) <on>(4->5) [rug](5)", PETS.scenes)
    assert [s.image for s in spans if isinstance(s, Predicate)] == [1]
    assert [problem.kind for problem in across.read("[dog](7)", PETS.scenes)[1]] == ["unknown-region"]


def test_shift_counts_on_in_every_citation() -> None:
    text = "a [dog](1) <on>(1->2) two [rugs](2,3), in (1999)"
    assert across.shift(text, 10) == "a [dog](11) <on>(11->12) two [rugs](12,13), in (1999)"


def test_sheets_number_on_and_hold_no_citation_of_the_data() -> None:
    prompt = similarity.prompt(only(similarity, PETS))
    assert '[1] "dog"' in prompt.user
    assert '[4] "dog"' in prompt.user
    assert '[4] "dog" -> "lying on" -> [5] "rug"' in prompt.user
    assert "A dog x naps." in prompt.user  # brackets of a caption are taken out
    assert prompt.user.endswith('Both show: "dog"')


# similarity


def test_similarity_names_what_is_in_both_and_nothing_else() -> None:
    example = told(similarity, only(similarity, PETS))
    assert isinstance(example, Example)
    assert example.recipe == "similarity"
    text = answer(example)
    assert "cat" not in text
    named = across.entities(example.messages[-1].spans)
    wanted = {(0, 0), (0, 1), (1, 1), (1, 2), (1, 3)}
    assert named == {(image, PETS.scenes[image].regions[k].box) for image, k in wanted}
    assert [s.text for s in example.messages[-1].spans if isinstance(s, Predicate)] == ["lying on", "lying on"]
    assert [s.image for s in example.messages[0].spans if isinstance(s, ImageSlot)] == [0, 1]


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (["  "], "empty-reply"),
        (["A [dog](1) lies on a [rug](2)."], "one-sided"),
        (["A [dog](1) and a [dog](9)."], "unknown-region"),
        (["A [dog](1) at [1, 2, 30, 40] and a [dog](4)."], "coordinates"),
        (["A [dog](1) <beside>(1->4) a [dog](4)."], "two-images"),
        (["Dogs: [one](1), [another](4).", "Both show dogs."], "no-turns"),
        (["Dogs: [one](1), [another](4).", "Q: What?\nA: A [dog](1) and a dog."], "lost-entity"),
        (["Dogs: [one](1), [another](4).", "Q: What?\nA: A [dog](1) and a [dog](6)."], "lost-entity"),
        (
            ["A [dog](1) <on>(1->2) a [rug](2), a [dog](4).", "Q: What?\nA: A [dog](1) on a [rug](2), a [dog](4)."],
            "lost-entity",
        ),
        (["Dogs: [one](1), [another](4).", "Q: Why?\nA: [](1) and [](4), <on>(3->5)."], "unnamed-region"),
    ],
)
def test_replies_that_break_a_rule_are_rejected(replies: list[str], reason: str) -> None:
    outcome = told(similarity, only(similarity, PETS), *replies)
    assert isinstance(outcome, Rejection)
    assert outcome.reason == reason


def test_a_teachers_two_replies_make_an_example() -> None:
    replies = [
        "Dogs: [one](1), [another](4).",
        "Q: Is there a dog in both?\nA: Yes, a [dog](1) here, a [hound](4) there.",
    ]
    example = told(similarity, only(similarity, PETS), *replies)
    assert isinstance(example, Example)
    assert plain(example.messages[0].spans) == "\nIs there a dog in both?"
    assert example.id == "pets/similarity"


@pytest.mark.parametrize("recipe", [similarity, contrast], ids=["similarity", "contrast"])
def test_groups_of_three_are_no_pairs(recipe: ModuleType) -> None:
    three = PETS.replace(scenes=(*PETS.scenes, scene("c", "dog")))
    found = only(recipe, three)
    assert (found.reason, found.id) == ("not-a-pair", "pets")


@pytest.mark.parametrize("recipe", [similarity, contrast, temporal], ids=["similarity", "contrast", "temporal"])
def test_images_go_with_the_first_call_only(recipe: ModuleType) -> None:
    item = next(iter(recipe.items(PETS, here())))
    assert (item.step, item.images) == ("describe", None)  # None: those of the group
    item = recipe.read("Dogs: [one](1), [another](4).", item)
    assert (item.step, item.images) == ("dialogue", ())


# contrast


def people(*pairs: tuple[str, ...], same: bool) -> Group:
    one, other = (looks(f"p{k}", *attributes, who="x" if same or k else "y") for k, attributes in enumerate(pairs))
    links = (Link((0, 0), (1, 0)),) if same else ()
    return Group(
        "pair",
        (one, other),
        links,
        None,
        {"relation": f"{'same' if same else 'different'} identity", "label": "person"},
    )


DIFFERENT = people(("male", "short hair", "no hat"), ("male", "long hair", "hat"), same=False)
SAME = people(("male", "short hair", "hat"), ("male", "short hair", "no hat"), same=True)


def test_contrast_says_no_and_names_the_difference() -> None:
    example = told(contrast, only(contrast, DIFFERENT))
    assert isinstance(example, Example)
    assert example.recipe == "contrast/identity"
    text = answer(example)
    assert text.startswith("No, they are not the same person.")
    assert "has short hair and no hat, while the person in the second has long hair and a hat" in text
    assert "male" not in text  # in that they agree


def test_contrast_says_yes_and_does_not_hide_what_differs() -> None:
    text = answer(told(contrast, only(contrast, SAME)))
    assert text.startswith("Yes, it is the same person.")
    assert "is male, and has short hair" in text
    assert "may well change" in text


def test_a_wrong_verdict_is_rejected() -> None:
    description = "The [man](1) has short hair, the [man](2) long hair."
    for said, reason in (
        ("Yes, he is", "wrong-verdict"),
        ("They are not", "wrong-verdict"),
        ("**No**, he is not", None),
    ):
        outcome = told(contrast, only(contrast, DIFFERENT), description, f"Q: Same?\nA: {said}: {description}")
        assert (outcome.reason if isinstance(outcome, Rejection) else None) == reason


def test_contrast_of_categories_and_attributes() -> None:
    birds = tuple(Scene(f"b{k}", "b.jpg", 9, 9, labels=(label,)) for k, label in enumerate(("Wren", "Robin")))
    group = Group("birds", birds, (), None, {"relation": "different category", "label": ""})
    text = answer(told(contrast, only(contrast, group)))
    assert text == "No, they do not show the same kind of thing. The first image shows a wren, the second a robin."
    seen = tuple(bird.replace(regions=(Region(0, "bird", Box(1, 1, 8, 8)),)) for bird in birds)
    example = told(contrast, only(contrast, group.replace(scenes=seen)))
    assert "kind of bird" in plain(example.messages[0].spans)  # both are birds, and so the same kind of thing
    assert answer(example).startswith("No, they do not show the same kind of bird.")
    hats = Group("hats", DIFFERENT.scenes, (), None, {"relation": "different hat", "label": "person"})
    text = answer(told(contrast, only(contrast, hats)))
    assert "has no hat, while the person in the second has a hat" in text
    assert "hair" not in text


def test_contrast_follows_links_and_lists_what_is_new() -> None:
    for group in synth.groups(40):
        example = told(contrast, only(contrast, group))
        assert isinstance(example, Example)
        assert example.recipe == "contrast/difference"
        changed = {link for link in group.links if link.transform}
        linked = {link.first[1] for link in group.links}
        named = across.entities(example.messages[-1].spans)
        gone = {(0, region.box) for region in group.scenes[0].regions if region.id not in linked}
        before = {(0, group.scenes[0].region(link.first[1]).box) for link in changed}
        after = {(1, group.scenes[1].region(link.second[1]).box) for link in changed}
        assert gone | before | after <= named
        assert before | gone == {place for place in named if place[0] == 0}


def test_contrast_of_circuit_boards_names_every_defect(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "defects" / "deep_pcb"
    boards = list(relata.read("deep_pcb", str(folder), images=str(folder)))
    report = relata.build("contrast", boards, out=tmp_path / "run")
    assert (report.kept, report.rejected, report.failed) == (36, 0, 0)
    regions = {board.id: {r.box for s in board.scenes for r in s.regions} for board in boards}  # type: ignore[union-attr]
    for example in store.records(tmp_path / "run", Example):
        assert {box for _, box in across.entities(example.messages[-1].spans)} == regions[example.provenance["group"]]


@pytest.mark.parametrize(
    ("text", "name", "value", "said"),
    [
        ("no hat", "hat", "no", "has no hat"),
        ("backpack", "backpack", "yes", "has a backpack"),
        ("male", "gender", "male", "is male"),
        ("teenager", "age", "teenager", "is a teenager"),
        ("short hair", "hair", "short", "has short hair"),
        ("wearing a gray upper-body clothing", "upper-body clothing", "grey", "has gray upper-body clothing"),
        ("black trousers", "trousers", "black", "has black trousers"),
        ("dagger bill shape", "bill shape", "dagger", "has a dagger bill shape"),
        ("bill length shorter than head", "bill length", "shorter than head", "has a bill length shorter than head"),
        ("bag: no", "bag", "no", "has no bag"),
        ("brown", "colour", "brown", "is brown"),
        ("parked", "parked", "yes", "is parked"),
    ],
)
def test_attributes_are_taken_apart(text: str, name: str, value: str, said: str) -> None:
    assert aspect(text) == (name, value, said)


# temporal


def frames(*captions: str, size: int = 4, **more: Any) -> Group:
    scenes = tuple(Scene(f"f{k}", f"c/{k}.jpg", 9, 9, captions=captions[k : k + 1]) for k in range(size))
    return Group("clip", scenes, order=tuple(range(size)), **more)


CLIP = frames("A coin is held above a bowl.", "A coin falls.", "A coin is in a bowl.", captions=("Dropping a coin",))


def test_aspects_that_say_several_things_are_not_compared() -> None:
    ball = Region(0, "ball", Box(0, 0, 9, 9), attributes=("red", "white", "large"))
    assert {name: one.value for name, one in aspects(ball).items()} == {"size": "big"}
    assert aspect("gray").value == aspect("grey").value
    assert aspect("gray").said == "is gray"


def test_order_gives_back_the_true_order() -> None:
    shown = set()
    for seed in range(40):
        (item,) = temporal.items(CLIP, here(seed), kinds=("order",))
        order = item.source.order
        assert order is not None
        assert [scene.id for scene in item.source.scenes] == [f"f{position}" for position in order]
        outcome = told(temporal, item)
        assert isinstance(outcome, Example)
        right = orders.read(answer(outcome))
        assert right is not None
        assert [item.source.scenes[number - 1].id for number in right] == ["f0", "f1", "f2", "f3"]
        places = [scene.id for scene in item.source.scenes]
        for a, b in orders.swaps(order):
            places[a], places[b] = places[b], places[a]
        assert places == ["f0", "f1", "f2", "f3"]
        shown.add(order)
    assert len(shown) > 10
    assert (
        orders.say((1, 0, 2, 3)) == "Swap the first frame with the second. The right order of the frames is 2, 1, 3, 4."
    )


def test_only_what_has_an_order_is_asked_for_it() -> None:
    described, found = temporal.items(PETS, here())
    assert described.step == "describe"
    assert (found.reason, found.id) == ("no-order", "pets")


def test_a_wrong_order_is_rejected() -> None:
    (item,) = temporal.items(CLIP, here(1), kinds=("order",))
    right = orders.sequence(item.source.order or ())
    for said, good in ((right, True), (right[::-1], False)):
        outcome = told(
            temporal, item, f"Look at the coin. The right order of the frames is {', '.join(map(str, said))}."
        )
        assert isinstance(outcome, Example) is good
    assert told(temporal, item, "Swap two frames.").reason == "wrong-order"


def test_shuffled_groups_are_told_in_the_order_of_time() -> None:
    shuffled = CLIP.replace(scenes=(CLIP.scenes[2], CLIP.scenes[0], CLIP.scenes[3], CLIP.scenes[1]), order=(2, 0, 3, 1))
    example = told(temporal, only(temporal, shuffled, kinds=("describe",)))
    assert [ref.path for ref in example.images] == ["c/0.jpg", "c/1.jpg", "c/2.jpg", "c/3.jpg"]
    text = answer(example)
    assert text.index("held above") < text.index("falls") < text.index("in a bowl")
    assert text.startswith("Dropping a coin.")


def test_missing_captions_are_asked_for_one_after_the_other() -> None:
    group = frames("One.", "", "", captions=("A clip",))
    item = only(temporal, group, kinds=("describe",), captions=True)
    asked = []
    for number in (2, 3, 4):
        assert item.step == "frame"
        asked.append((item.id, item.images))
        item = temporal.read(f"Caption {number}.", item)
    assert asked == [(f"clip/temporal/frame/{n}", (f"c/{n - 1}.jpg",)) for n in (2, 3, 4)]
    assert (item.step, item.id) == ("describe", "clip/temporal/describe")
    assert "Caption 3." in temporal.prompt(item).user
    assert told(temporal, only(temporal, frames(), kinds=("describe",))).reason == "empty-reply"


def test_what_moves_is_said_and_cited_in_the_first_and_last_frame() -> None:
    boxes = (Box(10, 10, 30, 30), Box(40, 10, 60, 30), Box(70, 10, 90, 30))
    scenes = tuple(
        Scene(f"m{k}", f"{k}.jpg", 100, 100, (Region(0, "ball", box, identity="ball"),)) for k, box in enumerate(boxes)
    )
    example = told(temporal, only(temporal, Group("m", scenes, order=(0, 1, 2)), kinds=("describe",)))
    assert "The ball moves to the right" in answer(example)
    assert across.entities(example.messages[-1].spans) == {(0, boxes[0]), (2, boxes[2])}


# episodes


def goods(count: int) -> list[Scene]:
    crack = (Region(0, "crack", Box(1, 1, 4, 4)),)
    return [
        Scene(f"g{n}", f"g{n}.jpg", 8, 8, crack if n % 3 else (), labels=("abnormal" if n % 3 else "normal",))
        for n in range(count)
    ]


def test_an_episode_shows_labelled_pictures_then_asks() -> None:
    for group in shots.groups(goods(40), random.Random(0), shots=4):
        (example,) = episodes.items(group, here())
        assert isinstance(example, Example)
        labels = json.loads(group.provenance["labels"])
        parts = plain(example.messages[0].spans).strip().split("\n")
        assert len(parts) == 5 == len(example.images)
        assert all(label in part for label, part in zip(labels, parts))
        assert answer(example) == labels[-1]
        assert example.recipe == "episodes/4-shot"


def test_reasons_begin_with_the_true_class() -> None:
    groups = list(shots.groups(goods(40), random.Random(0), shots=2))
    for group in groups:
        (item,) = episodes.items(group, here(), why=True)
        example = told(episodes, item)
        assert isinstance(example, Example)
        label = json.loads(group.provenance["labels"])[-1]
        assert answer(example).lower().startswith(label)
        named = across.entities(example.messages[-1].spans)
        assert named == {(2, region.box) for region in group.scenes[2].regions}
    (item,) = episodes.items(groups[0], here(), why=True)
    assert told(episodes, item, "Hard to say.").reason == "wrong-verdict"
    (outcome,) = episodes.items(CLIP, here())
    assert isinstance(outcome, Rejection)


# whole runs


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("similarity", {}),
        ("contrast", {"groups": "attributes"}),
        ("contrast", {"groups": "category", "same": 0.5}),
    ],
)
def test_runs_on_rendered_scenes_lose_nothing(recipe: str, options: dict[str, Any], tmp_path: Path) -> None:
    report = relata.build(recipe, synth.scenes(60), out=tmp_path, **options)
    assert report.kept >= 20
    assert report.read == report.kept  # the rules' own replies keep every rule
    for example in store.records(tmp_path, Example):
        assert {image for image, _ in across.entities(example.messages[-1].spans)} == {0, 1}


def test_runs_on_real_photos(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "coco_photos"
    file = folder / "annotations" / "tiny_coco" / "instances_val2017.json"
    photos = list(relata.read("coco", str(file), images=str(folder / "images")))
    report = relata.build("similarity", photos, out=tmp_path / "alike")
    assert report.read == report.kept >= 30
    video = shared_data / "video"
    clips = [
        Scene(f"{name}/{path.stem}", f"{name}/{path.name}", 9, 9)
        for name in ("bedroom", "judo")
        for path in sorted((video / name).glob("*.jpg"))
    ]
    report = relata.build("temporal", clips, out=tmp_path / "clips", most=3, folders=True)
    assert report.kinds == {"temporal/order": 6}
    assert report.reasons == {"empty-reply": 6}  # nothing is annotated, so rules have nothing to describe


def test_the_rules_speak_of_both_sides_for_every_relation() -> None:
    flat = [scene for group in synth.groups(60) for scene in group.scenes]
    random.Random(0).shuffle(flat)
    for way in (category, identity, attributes):
        for group in way.groups(flat, random.Random(0)):
            outcome = told(contrast, only(contrast, group))
            assert isinstance(outcome, Example), outcome
            true = group.provenance["relation"].startswith("same")
            assert answer(outcome).startswith("Yes" if true else "No")
