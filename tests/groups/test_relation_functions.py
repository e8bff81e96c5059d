"""Relation functions: the groups that they form are as they say, balanced, seeded, capped, and found in one pass."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from relata import synth
from relata.errors import RelataError
from relata.groups import attributes, category, frames, identity, shots
from relata.scene import Box, Group, Region, Scene

BOX = Box(5, 5, 60, 120)


def person(number: int, who: str, *looks: str, label: str = "person") -> Scene:
    return Scene(f"s{number}", f"s{number}.jpg", 64, 128, (Region(0, label, BOX, attributes=looks, identity=who),))


def people(count: int, each: int = 4) -> list[Scene]:
    """Pictures of as many people as `count / each`, in random order."""
    found = [person(n, f"p{n // each}", ("hat", "no hat")[n // each % 2], "male") for n in range(count)]
    random.Random(1).shuffle(found)
    return found


def things(*labels: str, id: str = "t") -> Scene:
    regions = tuple(Region(k, label, Box(k * 10, 0, k * 10 + 9, 9)) for k, label in enumerate(labels))
    return Scene(id, f"{id}.jpg", 200, 100, regions)


def relations(groups: list[Group]) -> Counter[str]:
    return Counter(group.provenance["relation"] for group in groups)


def test_identity_is_true_and_balanced() -> None:
    groups = list(identity.groups(people(200), random.Random(0)))
    for group in groups:
        first, second = (scene.regions[0].identity for scene in group.scenes)
        same = group.provenance["relation"] == "same identity"
        assert (first == second) is same
        assert [(link.first, link.second) for link in group.links] == ([((0, 0), (1, 0))] if same else [])
    told = relations(groups)
    assert len(groups) > 100
    assert abs(told["same identity"] - told["different identity"]) <= 1


def test_share_of_positives_is_kept() -> None:
    told = relations(list(identity.groups(people(400), random.Random(0), same=0.25)))
    assert told["same identity"] / told.total() == pytest.approx(0.25, abs=0.01)


def test_no_scene_is_in_more_pairs_than_asked_for() -> None:
    for most in (1, 3):
        used: Counter[tuple[str, str]] = Counter()
        for group in identity.groups(people(120), random.Random(2), most=most):
            used.update((group.provenance["relation"], scene.id) for scene in group.scenes)
        assert most <= max(used.values()) <= 2 * most


def test_the_seed_decides_and_ids_are_unique() -> None:
    def ids(seed: int) -> list[str]:
        return [group.id for group in identity.groups(people(80), random.Random(seed))]

    assert ids(3) == ids(3)
    assert ids(3) != ids(4)
    assert len(set(ids(3))) == len(ids(3))


def test_two_people_in_a_picture_are_not_asked_about() -> None:
    crowd = person(0, "a").replace(regions=(*person(0, "a").regions, Region(1, "person", BOX, identity="b")))
    assert identity.identities(crowd) == {}


def test_only_different_people_need_another_share() -> None:
    strangers = [person(n, f"p{n}") for n in range(6)]
    with pytest.raises(RelataError, match=r"6 scenes give no pair: 0 share a value.*same=0"):
        list(identity.groups(strangers, random.Random(0)))
    groups = list(identity.groups(strangers, random.Random(0), same=0))
    assert set(relations(groups)) == {"different identity"}


def test_category_is_true_and_rare_ones_are_not_crowded_out() -> None:
    scenes = [things("person", "dog" if n % 10 == 0 else "car", id=f"t{n}") for n in range(200)]
    groups = list(category.groups(scenes, random.Random(0)))
    for group in groups:
        label = group.provenance["label"]
        assert all(label in [region.label for region in scene.regions] for scene in group.scenes)
    told = Counter(group.provenance["label"] for group in groups)
    assert told["dog"] >= 18  # each picture of a dog could be in two pairs
    assert 0.4 < told["person"] / told["car"] < 2.5


def test_category_of_whole_images_with_negatives() -> None:
    birds = [Scene(f"b{n}", "b.jpg", 9, 9, labels=(f"bird {n % 5}",)) for n in range(100)]
    groups = list(category.groups(birds, random.Random(0), of="image", same=0.5))
    for group in groups:
        first, second = (scene.labels for scene in group.scenes)
        assert (first == second) is (group.provenance["relation"] == "same category")
    told = relations(groups)
    assert abs(told["same category"] - told["different category"]) <= 1


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (things("dog"), things("cat", id="u"), True),
        (things("man", "tree"), things("person", "car", id="u"), False),
        (things("dog"), things("cat", id="u").replace(captions=("A cat, a ball.", "Two dogs!")), False),
        (things("hot dog"), things("cat", id="u").replace(captions=("A hot  summer; a dog.",)), True),
    ],
)
def test_what_may_show_the_same_is_no_negative(one: Scene, other: Scene, differ: bool) -> None:
    def found() -> list[Group]:
        return list(category.groups([one, other], random.Random(0), same=0))

    if differ:
        assert relations(found()) == {"different category": 1}
    else:
        with pytest.raises(RelataError, match="no pair"):
            found()


def test_only_the_labels_that_count_make_a_pair_no_negative() -> None:
    birds = [
        things("bird", id=f"b{n}").replace(labels=(label,), captions=("A small bird.",))
        for n, label in enumerate(("wren", "finch"))
    ]
    found = list(category.groups(birds, random.Random(0), of="image", same=0))
    assert relations(found) == {"different category": 1}


def test_attributes_are_balanced_for_each_aspect() -> None:
    scenes = list(synth.scenes(150))
    groups = list(attributes.groups(scenes, random.Random(0)))
    told = Counter((group.provenance["label"], *group.provenance["relation"].split(" ", 1)) for group in groups)
    assert {aspect for _, _, aspect in told} == {"size"}  # all else is said by the label
    for label, _, aspect in list(told):
        assert abs(told[label, "same", aspect] - told[label, "different", aspect]) <= 1
    for group in groups:
        regions = [
            region for scene in group.scenes for region in scene.regions if region.label == group.provenance["label"]
        ]
        sizes = {next(a for a in region.attributes if a in ("small", "large")) for region in regions}
        assert (len(sizes) == 1) is group.provenance["relation"].startswith("same")


def test_only_the_wanted_aspect_is_asked_about() -> None:
    scenes = people(60)
    groups = list(attributes.groups(scenes, random.Random(0), aspect=("hat",)))
    assert set(relations(groups)) == {"same hat", "different hat"}


def test_pairs_are_found_in_one_pass_and_in_linear_time() -> None:
    def endless() -> Iterator[Scene]:
        number = 0
        while True:
            yield person(number, f"p{number // 3}")
            number += 1

    stream = identity.groups(endless(), random.Random(0))
    assert len([next(stream) for _ in range(100)]) == 100  # it does not wait for the end

    def seconds(count: int) -> float:
        scenes = [person(n, f"p{n % (count // 4)}") for n in range(count)]
        start = time.process_time()
        assert len(list(identity.groups(scenes, random.Random(0)))) > count
        return time.process_time() - start

    seconds(500)
    assert seconds(8000) < 16 * seconds(2000)  # all pairs would be 16 times the work of linear's 4


def clip(name: str, count: int) -> list[Scene]:
    return [Scene(f"{name}{n}", f"{name}/{n:03d}.jpg", 8, 8) for n in range(count)]


def test_frames_are_of_one_clip_evenly_spaced_and_in_order() -> None:
    scenes = clip("a", 20)[::-1] + clip("b", 3) + clip("c", 4)
    groups = list(frames.groups(scenes, random.Random(0), most=2, folders=True))
    assert [group.provenance["clip"] for group in groups] == ["a", "a", "c"]  # b is too short
    for group in groups:
        numbers = [frames.frame_of(scene) for scene in group.scenes]
        steps = {b - a for a, b in pairwise(numbers)}
        assert len(steps) == 1
        assert min(steps) > 0
        assert group.order == (0, 1, 2, 3)
    assert groups[0].scenes != groups[1].scenes


def test_frames_of_real_clips(shared_data: Path) -> None:
    folder = shared_data / "video"
    paths = [path for name in ("bedroom", "judo") for path in sorted((folder / name).glob("*.jpg"))]
    scenes = [Scene(path.stem, f"{path.parent.name}/{path.name}", 8, 8) for path in paths]
    groups = list(frames.groups(scenes, random.Random(0), folders=True))
    assert [group.provenance["clip"] for group in groups] == ["bedroom", "judo"]
    assert [frames.frame_of(scene) for scene in groups[0].scenes][1] - frames.frame_of(groups[0].scenes[0]) == 25


def test_frames_have_to_be_sorted_by_clip_and_numbered() -> None:
    with pytest.raises(RelataError, match="clip 'a' do not come one after the other"):
        list(frames.groups(clip("a", 4) + clip("b", 4) + clip("a", 4), random.Random(0), folders=True))
    with pytest.raises(RelataError, match="no frame number"):
        list(frames.groups([Scene("x", "a/x.jpg", 8, 8)], random.Random(0), folders=True))


def test_photos_of_one_folder_are_no_clip_unless_it_is_said() -> None:
    with pytest.raises(RelataError, match="scene a0 does not say of which clip it is a frame"):
        list(frames.groups(clip("a", 8), random.Random(0)))
    named = [scene.replace(provenance={"clip": "a"}) for scene in clip("a", 8)]
    assert [group.provenance["clip"] for group in frames.groups(named, random.Random(0))] == ["a"]


def goods(count: int) -> list[Scene]:
    return [
        Scene(f"g{n}", f"g{n}.jpg", 8, 8, labels=("tile", "abnormal") if n % 3 else ("tile", "normal"))
        for n in range(count)
    ]


@pytest.mark.parametrize("count", [2, 4, 8])
def test_shots_are_balanced_and_never_the_query(count: int) -> None:
    groups = list(shots.groups(goods(90), random.Random(0), shots=count))
    assert groups
    orders = set()
    for group in groups:
        *shown, query = group.scenes
        labels = json.loads(group.provenance["labels"])
        assert len(shown) == count
        assert query not in shown
        assert Counter(labels[:-1]) == {"normal": count // 2, "abnormal": count // 2}
        assert labels == [shots.class_of(scene, ("normal", "abnormal")) for scene in group.scenes]
        orders.add(tuple(labels[:-1]))
    assert len(orders) > 1  # shuffled


def test_examples_are_of_the_querys_own_product() -> None:
    tiles = [scene.replace(provenance={"product": "tile"}) for scene in goods(40)]
    nuts = [scene.replace(id=f"n{scene.id}", provenance={"product": "nut"}) for scene in goods(40)]
    mixed = [scene for both in zip(tiles, nuts) for scene in both]
    found = list(shots.groups(mixed, random.Random(0)))
    assert {group.scenes[-1].provenance["product"] for group in found} == {"tile", "nut"}
    for group in found:
        assert len({scene.provenance["product"] for scene in group.scenes}) == 1


def test_what_has_no_class_is_left_out_or_given_one() -> None:
    cracks = [scene.replace(labels=("crack",)) if "abnormal" in scene.labels else scene for scene in goods(60)]
    found = list(shots.groups(cracks, random.Random(0), others="abnormal"))
    assert {json.loads(group.provenance["labels"])[-1] for group in found} == {"normal", "abnormal"}
    unsure = [*goods(60), *(scene.replace(id=f"u{scene.id}", labels=("unclear",)) for scene in goods(7))]
    with pytest.warns(UserWarning, match="7 scenes have none of the classes"):
        found = list(shots.groups(unsure, random.Random(0)))
    assert not any(scene.id.startswith("u") for group in found for scene in group.scenes)
    with pytest.raises(RelataError, match="none of the classes"):
        list(shots.groups(goods(9), random.Random(0), others="broken"))


def test_the_test_split_is_one_for_all_seeds_and_never_shown() -> None:
    def queries(split: str, seed: int) -> tuple[list[str], set[str]]:
        groups = list(shots.groups(goods(120), random.Random(seed), split=split))  # type: ignore[arg-type]
        return [g.scenes[-1].id for g in groups], {scene.id for g in groups for scene in g.scenes[:-1]}

    test, shown = queries("test", 0)
    again, shown_again = queries("test", 1)
    train, shown_in_training = queries("train", 0)
    assert sorted(test) == sorted(again)
    assert shown != shown_again
    assert not set(test) & (set(train) | shown | shown_again | shown_in_training)
    assert sorted(test + train) == sorted(scene.id for scene in goods(120))


def test_impossible_episodes_are_refused() -> None:
    with pytest.raises(RelataError, match="cannot be shared out"):
        list(shots.groups(goods(30), random.Random(0), shots=3))
    normal = [scene for scene in goods(30) if "normal" in scene.labels]
    with pytest.raises(RelataError, match="no episode"):
        list(shots.groups(normal, random.Random(0)))
