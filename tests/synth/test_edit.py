"""Edited pairs: what the pair says happened is what the two worlds show."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from relata.errors import RelataError
from relata.synth.edit import MOVE, TRANSFORMS, Pair, edit, legal
from relata.synth.rules import HELD_OUT_TRIPLES, held_out_look, triples
from relata.synth.world import World, built, sample


@pytest.fixture(scope="module")
def pairs() -> list[Pair]:
    rng = Random(11)
    return [edit(rng, sample(rng)) for _ in range(1500)]


def centre(world: World, index: int) -> tuple[float, float]:
    x1, y1, x2, y2 = world.boxes[index]
    return (x1 + x2) / 2, (y1 + y2) / 2


def happened(before: World, i: int, after: World, j: int) -> str:
    """The transform as the two worlds show it, worked out apart from `edit`."""
    changed = [now - then for then, now in zip(centre(before, i), centre(after, j))]
    far = max(map(abs, changed))
    if before.boxes[i] == after.boxes[j]:
        texture, colour, shape = (a != b for a, b in zip(before.look(i), after.look(j)))
        assert texture + colour + shape <= 1
        return "retextured" if texture else "recoloured" if colour else "reshaped" if shape else "same"
    assert before.look(i) == after.look(j)
    if before.large[i] != after.large[j]:
        assert far <= 0.5
        return "grown" if after.large[j] else "shrunk"
    assert MOVE[0] <= far <= MOVE[1]
    assert min(map(abs, changed)) == 0
    return "moved " + (("left", "right"), ("up", "down"))[changed[0] == 0][sum(changed) > 0]


def test_links_and_transforms_are_true(pairs: list[Pair]) -> None:
    for pair in pairs:
        assert dict(pair.links).keys() == pair.transforms.keys()
        for i, j in pair.links:
            assert pair.transforms[i] == happened(pair.before, i, pair.after, j)


def test_every_object_is_kept_removed_or_added(pairs: list[Pair]) -> None:
    for pair in pairs:
        kept, now = {i for i, _ in pair.links}, {j for _, j in pair.links}
        assert sorted([*kept, *pair.removed]) == list(range(len(pair.before)))
        assert sorted([*now, *pair.added]) == list(range(len(pair.after)))
        assert 2 <= len(pair.after) <= 5


def test_matching_is_well_defined(pairs: list[Pair]) -> None:
    """No label is shared across a pair but by an object that kept its own."""
    for pair in pairs:
        links = dict(pair.links)
        for i in range(len(pair.before)):
            for j in range(len(pair.after)):
                if pair.before.look(i) == pair.after.look(j):
                    assert links[i] == j
        assert len({pair.after.look(j) for j in range(len(pair.after))}) == len(pair.after)


def test_the_new_picture_obeys_the_rules(pairs: list[Pair]) -> None:
    for pair in pairs:
        after = pair.after
        assert legal(after)
        assert after.relations
        looks = [after.look(j) for j in range(len(after))]
        assert built(after.boxes, looks, after.order, after.links, after.background) == after
        assert not triples(after.shapes, after.relations) & HELD_OUT_TRIPLES
        assert not any(map(held_out_look, after.colours, after.shapes))


def test_all_classes_occur_and_the_order_is_shuffled(pairs: list[Pair]) -> None:
    counts = Counter(kind for pair in pairs for kind in pair.transforms.values())
    assert set(counts) == set(TRANSFORMS)
    changes = sum(counts.values()) - counts["same"]
    assert all(counts[kind] > 0.06 * changes for kind in TRANSFORMS)  # even would be 11 %; some do not always fit
    assert all(1 <= sum(kind != "same" for kind in pair.transforms.values()) <= 2 for pair in pairs)
    assert 0.1 < sum(bool(pair.removed) for pair in pairs) / len(pairs) < 0.4
    assert 0.1 < sum(bool(pair.added) for pair in pairs) / len(pairs) < 0.4
    assert 0.2 < sum(i == j for pair in pairs for i, j in pair.links) / sum(len(p.links) for p in pairs) < 0.4


def test_what_came_is_not_where_something_was(pairs: list[Pair]) -> None:
    for pair in pairs:
        for j in pair.added:
            x1, y1, x2, y2 = pair.after.boxes[j]
            assert all(x1 >= b[2] or b[0] >= x2 or y1 >= b[3] or b[1] >= y2 for b in pair.before.boxes)


def test_equal_seeds_give_equal_pairs() -> None:
    before = sample(Random(5))
    assert edit(Random(6), before) == edit(Random(6), before)


def test_a_world_with_twins_is_refused() -> None:
    boxes = [(10.0, 10.0, 20.0, 20.0), (60.0, 10.0, 70.0, 20.0)]
    twins = built(boxes, [(0, 0, 1), (0, 0, 1)], [0, 1], [], (240, 240, 240))
    with pytest.raises(RelataError, match="same label"):
        edit(Random(0), twins)


def test_legal_refuses_what_cannot_be_read() -> None:
    def two(x: float, colour: int, links: list[tuple[int, int]] | None = None, *more: tuple[float, ...]) -> World:
        boxes = [(40.0, 40.0, 60.0, 60.0), (x, 45.0, x + 10, 55.0), *((a, b, c, d) for a, b, c, d in more)]
        looks = [(0, 0, 1), (0, colour, 1), (1, 3, 1)][: len(boxes)]
        return built(boxes, looks, list(range(len(boxes))), links or [], (240, 240, 240))

    assert legal(two(45, 1))  # in
    assert not legal(two(45, 0))  # in, but of the same colour and texture
    assert legal(two(55, 1))  # in front of
    assert not legal(two(58, 1))  # covers too little
    assert not legal(two(62, 1))  # too close
    assert legal(two(80, 1, [(0, 1)]))
    assert not legal(two(80, 1, [(0, 1)], (67.0, 45.0, 73.0, 55.0)))  # something on the line
