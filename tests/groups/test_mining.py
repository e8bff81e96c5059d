"""Mining by shared nouns: counts are exact, levels are full, images are not worn out, and the draw repeats."""

from __future__ import annotations

import random
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from relata.errors import RelataError
from relata.groups import many_nouns
from relata.groups import nouns as way
from relata.groups._mining import LEVELS, Mined, level, mine
from relata.nouns import NounSets, noun_sets
from relata.scene import Box, Group, Region, Scene

pytest.importorskip("lemminflect", reason="the built-in tagger needs the extra `text`")


def made(count: int, seed: int = 0) -> NounSets:
    """Random sets of nouns, the higher numbers in many of them, as the rarest has number 0."""
    rng = np.random.default_rng(seed)
    names = 120
    weight = 1 / np.arange(names, 0, -1)
    rows = [
        np.unique(rng.choice(names, size=rng.integers(0, 25), p=weight / weight.sum())).astype(np.int32)
        for _ in range(count)
    ]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return NounSets(starts, np.concatenate(rows), [f"n{k}" for k in range(names)])


def checked(nouns: NounSets, found: Mined, most: int, levels: tuple[str, ...] = LEVELS) -> Counter[str]:
    """The groups of each level, after every promise has been checked."""
    for members, shared, k in zip(found.members.tolist(), found.shared.tolist(), found.levels.tolist()):
        first, wanted = set(nouns.of(members[0])), level(levels[k])
        assert [len(first & set(nouns.of(other))) for other in members[1:]] == shared
        assert all(wanted.least <= count <= wanted.most for count in shared)
    used = Counter(found.members.reshape(-1).tolist())
    assert max(used.values(), default=0) <= most
    assert len({frozenset(members) for members in found.members.tolist()}) == len(found.members)
    return Counter(levels[k] for k in found.levels.tolist())


@pytest.mark.parametrize("count", [100, 3000])
@pytest.mark.parametrize("size", [2, 3])
def test_groups_keep_every_promise(count: int, size: int) -> None:
    nouns = made(count)
    found = mine(nouns, count // 4, most=3, size=size, seed=1)
    assert checked(nouns, found, most=3) == dict.fromkeys(LEVELS, count // 20)
    assert found.members.shape == (count // 4, size)


def test_the_same_seed_gives_the_same_groups() -> None:
    nouns = made(2000)
    one, again, other = (mine(nouns, 500, seed=seed) for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again))
    assert not (one.members == other.members).all()


def test_a_small_set_is_searched_whole() -> None:
    """Every pair of a level comes, if as many are asked for as there are."""
    nouns = made(60)
    sets = [set(nouns.of(k)) for k in range(60)]
    true = {(a, b) for a in range(60) for b in range(a) if 6 <= len(sets[a] & sets[b]) <= 7}
    found = mine(nouns, 2000, levels=("6-7",), most=1000)
    assert {tuple(sorted(pair, reverse=True)) for pair in found.members.tolist()} == true
    assert len(found.members) == len(true) > 50


def test_rare_pairs_are_found_in_many_captions() -> None:
    """Twins among 20,000 captions of nouns that all others have too, one noun in each of them rare."""
    rng = np.random.default_rng(0)
    rows = [np.sort(rng.choice(np.arange(100, 400), 9, replace=False)) for _ in range(20_000)]
    for k in range(100):
        rows[k + 100] = rows[k] = np.concatenate([[k], rows[k][:8]])
    starts = np.arange(20_001, dtype=np.int64) * 9
    nouns = NounSets(starts, np.concatenate(rows).astype(np.int32), [f"n{k}" for k in range(400)])
    found = mine(nouns, 100, levels=("8+",), most=1)
    assert {tuple(sorted(pair)) for pair in found.members.tolist()} == {(k, k + 100) for k in range(100)}
    assert (found.shared == 9).all()


def test_what_a_level_lacks_the_next_makes_up() -> None:
    nouns = noun_sets(["a dog", "a dog and a cat"] * 20)
    found = mine(nouns, 30, levels=("1", "2+", "5+"), most=10)
    assert checked(nouns, found, 10, ("1", "2+", "5+")) == {"1": 10, "2+": 20}


def test_captions_of_one_image_do_not_meet() -> None:
    nouns = noun_sets(["a dog and a cat"] * 40)
    images = [k // 4 for k in range(40)]
    found = mine(nouns, 1000, levels=("2",), most=5, images=images)
    used = Counter(images[k] for k in found.members.reshape(-1))
    assert all(images[a] != images[b] for a, b in found.members)
    assert max(used.values()) == 5
    pairs = {frozenset((images[a], images[b])) for a, b in found.members}
    assert len(pairs) == len(found.members)  # no two images twice


def test_shares() -> None:
    nouns = made(1000)
    found = mine(nouns, 100, levels=("0-1", "4-5"), shares=(1, 3))
    assert checked(nouns, found, 4, ("0-1", "4-5")) == {"0-1": 25, "4-5": 75}
    with pytest.raises(RelataError, match="do not fit 2 levels"):
        mine(nouns, 100, levels=("0-1", "4-5"), shares=(1,))


@pytest.mark.parametrize("name", ["x", "", "3-", "-3", "5-4", "2-3+", "1-2-3"])
def test_levels_that_are_none(name: str) -> None:
    with pytest.raises(RelataError, match=r"write \d"):
        level(name)


def test_nothing_to_mine() -> None:
    assert mine(noun_sets([]), 5).members.shape == (0, 2)
    assert mine(noun_sets(["a dog"]), 5).members.shape == (0, 2)
    assert list(way.groups([], random.Random(0))) == []


def scenes(count: int = 60) -> list[Scene]:
    rng = random.Random(3)
    things = ["dog", "cat", "horse", "tree", "house", "car", "man", "woman", "ball", "table", "lamp"]
    said = [" and ".join(f"a {thing}" for thing in rng.sample(things, rng.randint(1, 9))) for _ in range(count)]
    return [Scene(f"s{k}", f"{k}.jpg", 10, 10, captions=(text,)) for k, text in enumerate(said)]


def test_groups_of_scenes_say_what_they_share() -> None:
    found = list(way.groups(scenes(), random.Random(0), pairs=20))
    assert len(found) == 20
    for group in found:
        first, second = (set(scene.captions[0].replace("a ", "").split(" and ")) for scene in group.scenes)
        shared = group.provenance["label"].split(", ") if group.provenance["label"] else []
        assert set(shared) == first & second
        assert group.provenance["shared"] == str(len(shared))
        assert group.provenance["nouns"] == "rules"
        assert level(group.provenance["level"]).least <= len(shared) <= level(group.provenance["level"]).most
    assert len({group.id for group in found}) == 20


def test_processes_change_nothing() -> None:
    one = list(way.groups(scenes(), random.Random(0), pairs=20))
    assert list(way.groups(iter(scenes()), random.Random(0), pairs=20, processes=2)) == one
    assert list(way.groups(scenes(), random.Random(1), pairs=20)) != one


def test_a_level_that_runs_short_is_told() -> None:
    alike = [Scene(f"s{k}", f"{k}.jpg", 10, 10, captions=("a dog",)) for k in range(10)]
    with pytest.warns(UserWarning, match=r"10 groups were asked for, 10 found: 10 at 0-1, 0 at 2-3"):
        found = list(way.groups(alike, random.Random(0), pairs=10))
    assert {group.provenance["level"] for group in found} == {"0-1"}


def test_labels_stand_in_for_captions() -> None:
    regions = (Region(1, "dog", Box(0, 0, 5, 5)), Region(2, "traffic light", Box(0, 0, 9, 9)))
    pair = [Scene(f"s{k}", f"{k}.jpg", 10, 10, regions) for k in range(2)]
    (group,) = way.groups(pair, random.Random(0), levels=("2",), pairs=1)
    assert isinstance(group, Group)
    assert group.provenance["label"] == "dog, traffic light"


def test_many_nouns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = list(many_nouns.groups(scenes(200), random.Random(0)))
    assert len(found) == round(200 * 7.5 / 108)
    assert all(int(group.provenance["shared"]) >= 8 for group in found)


@pytest.mark.slow
def test_time_and_memory_at_full_size() -> None:
    """873,000 captions to 278,000 pairs, nouns included: 3 minutes and 6 GB on two cores."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import mining  # type: ignore[import-not-found]  # a script, found by the path above

    row = mining.measured(873_000, 278 / 873, 2)
    assert sum(row["levels"]) == 278_000
    assert row["tag_cpu"] + row["mine_cpu"] < 2 * 180
    assert row["memory"] < 6
