"""The world: exact geometry, predicates that follow from it, splits that hold, and labels that tell nothing."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray

from relata.errors import RelataError
from relata.synth.edit import legal
from relata.synth.layout import shuffled
from relata.synth.render import LINE_COLOUR, masks, render
from relata.synth.rules import (
    ABOVE,
    ATTACHED,
    BEHIND,
    FRONT,
    HELD_OUT_TRIPLES,
    IN,
    INVERSE,
    LEFT,
    ON,
    RIGHT,
    UNDER,
    held_out_look,
    relate,
    triples,
)
from relata.synth.shapes import LARGE, SHAPES, SMALL, area, interior, room, shared, stencil
from relata.synth.world import SIZE, SPLITS, World, allowed, built, sample, world

CIRCLE, SQUARE, TRIANGLE, DIAMOND, CROSS, ARROW = range(6)
EVERY = [(shape, side) for shape in range(6) for side in (*SMALL, *LARGE)]


def worlds(count: int, split: str = "train", seed: int = 0) -> Iterator[World]:
    return (world(seed, index, split) for index in range(count))


def square(x: float, y: float, side: float) -> tuple[float, float, float, float]:
    return (x, y, x + side, y + side)


@pytest.mark.parametrize(("shape", "side"), EVERY)
def test_a_stencil_touches_all_edges_and_is_symmetric(shape: int, side: int) -> None:
    pixels = stencil(shape, side)
    assert all(edge.any() for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    assert (pixels == pixels[:, ::-1]).all()
    assert pixels[:, side // 2].all()  # solid along its axis, so that what stands on it touches it in the middle
    assert not interior(shape, side)[~pixels].any()


def test_a_stencil_by_hand() -> None:
    rows = ["".join(".#"[int(pixel)] for pixel in row) for row in stencil(DIAMOND, 10)]
    assert rows[:5] == ["....##....", "...####...", "..######..", ".########.", "##########"]
    assert rows[5:] == rows[:5][::-1]
    assert area(DIAMOND, 10) == 2 * (2 + 4 + 6 + 8 + 10)
    # a square 10 px wide whose left five columns lie on the diamond's right half, top edges level
    assert shared(DIAMOND, 10, SQUARE, 10, 5, 0) == area(DIAMOND, 10) // 2


def test_every_shape_has_room_for_a_small_one() -> None:
    for shape in range(6):
        assert any(room(shape, side, SMALL[0]) for side in LARGE), SHAPES[shape]
    assert room(SQUARE, 20, 10) == tuple((x, y) for y in range(1, 10) for x in range(1, 10))  # outline 1 px


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (square(10, 40, 10), square(60, 45, 10), {(0, 1): LEFT, (1, 0): RIGHT}),
        (square(40, 10, 10), square(45, 60, 10), {(0, 1): ABOVE, (1, 0): UNDER}),
        (square(10, 10, 10), square(50, 50, 10), {}),  # neither axis dominates
        (square(10, 10, 10), square(37, 30, 10), {(0, 1): LEFT, (1, 0): RIGHT}),  # 27 to 20 is just 1.35
        (square(10, 10, 10), square(36, 30, 10), {}),  # 26 to 20 is not
        (square(45, 10, 10), square(40, 20, 20), {(0, 1): ON}),  # the lower one, drawn last, is not `under`
        (
            square(42, 10, 10),
            square(40, 20, 20),
            {(0, 1): ABOVE, (1, 0): UNDER},
        ),  # 3 px off the middle: over 12 % of 20
        (square(40, 40, 20), square(45, 45, 10), {(1, 0): IN}),
        (square(40, 40, 20), square(50, 50, 10), {}),  # inside the box, on the outline: neither in nor sticking out
        (square(40, 40, 20), square(55, 45, 10), {(1, 0): FRONT, (0, 1): BEHIND}),  # hides 50 of 400: 12.5 %
        (square(40, 40, 20), square(57, 45, 10), {}),  # hides 7.5 %
    ],
)
def test_predicates_of_two_squares(
    first: tuple[float, float, float, float],
    second: tuple[float, float, float, float],
    expected: dict[tuple[int, int], int],
) -> None:
    assert relate([first, second], [SQUARE, SQUARE], [0, 1], []) == expected


def test_a_line_makes_attached_to_in_both_orders() -> None:
    boxes = [square(10, 40, 10), square(60, 45, 10)]
    assert relate(boxes, [0, 0], [0, 1], [(0, 1)]) == {(0, 1): ATTACHED, (1, 0): ATTACHED}


def test_draw_order_decides_what_is_in_front() -> None:
    boxes, looks = [square(40, 40, 20), square(55, 45, 20)], [(0, 0, SQUARE), (0, 2, SQUARE)]
    below = built(boxes, looks, [0, 1], [], (240, 240, 240))
    above = built(boxes, looks, [1, 0], [], (240, 240, 240))
    assert below.relations == {(1, 0): FRONT, (0, 1): BEHIND}
    assert above.relations == {(0, 1): FRONT, (1, 0): BEHIND}
    assert below.visible == [1 - 5 * 15 / 400, 1.0]


def test_boxes_are_tight_and_masks_exact() -> None:
    for scene in worlds(150):
        seen = masks(scene)
        picture = render(scene)
        assert (picture.shape, picture.dtype) == ((SIZE, SIZE, 3), np.uint8)
        for i, mask in enumerate(seen):
            x1, y1, x2, y2 = scene.boxes[i]
            whole = area(scene.shapes[i], int(x2 - x1))
            assert mask.sum() == pytest.approx(scene.visible[i] * whole)
            alone = built([scene.boxes[i]], [scene.look(i)], [0], [], scene.background)
            changed = np.argwhere((render(alone) != scene.background).any(axis=2))
            assert (*changed.min(0)[::-1], *(changed.max(0)[::-1] + 1)) == (x1, y1, x2, y2)
            assert (picture[mask] == render(alone)[mask]).all()
        free = ~np.any(seen, axis=0)
        ground = (picture[free] == scene.background).all(axis=1)
        line = (picture[free] == LINE_COLOUR).all(axis=1)
        assert (ground | line).all()
        assert line.any() == bool(scene.links)


def test_relations_are_consistent() -> None:
    for scene in worlds(500):
        assert scene.relations
        for (i, j), predicate in scene.relations.items():
            assert i != j
            if predicate in INVERSE:
                assert scene.relations[j, i] == INVERSE[predicate]
            else:
                assert predicate in (IN, ON)
                assert (j, i) not in scene.relations
        assert {pair for pair, p in scene.relations.items() if p == ATTACHED} == {
            pair for i, j in scene.links for pair in ((i, j), (j, i))
        }


def test_scenes_can_be_read() -> None:
    for scene in worlds(500):
        assert 2 <= len(scene) <= 5
        assert legal(scene)
        assert len({scene.label(i) for i in range(len(scene))}) == len(scene)
        assert sorted(scene.order) == list(range(len(scene)))
        assert min(scene.visible) >= 0.45 - 1e-9
        for (i, j), predicate in scene.relations.items():
            if predicate == IN:
                assert scene.visible[i] == 1
                assert (scene.large[i], scene.large[j]) == (False, True)


def test_a_world_depends_on_seed_split_and_index_alone() -> None:
    later = world(3, 7)
    list(worlds(20))
    assert world(3, 7) == later
    assert world(3, 7) not in (world(3, 8), world(4, 7), world(3, 7, "test"))


def test_worlds_are_the_same_everywhere() -> None:
    digest = hashlib.sha256()
    for scene in worlds(50):
        digest.update(render(scene).tobytes())
        digest.update(repr(sorted(scene.relations.items())).encode())
    assert digest.hexdigest()[:16] == "0300c61733e9a56a"


def test_held_out_combinations_are_few_and_closed_under_inversion() -> None:
    assert len(HELD_OUT_TRIPLES) == 28  # 8.6 % of 6 x 9 x 6
    assert all((b, INVERSE[p], a) in HELD_OUT_TRIPLES for a, p, b in HELD_OUT_TRIPLES if p in INVERSE)
    by_predicate = Counter(p for _, p, _ in HELD_OUT_TRIPLES)
    assert all(by_predicate[p] == (4 if p == ATTACHED else 3) for p in range(9))
    assert max(Counter((a, b) for a, _, b in HELD_OUT_TRIPLES).values()) == 1


@pytest.mark.parametrize("split", ["train", "test"])
def test_training_and_test_never_show_a_held_out_combination(split: str) -> None:
    for scene in worlds(500, split):
        assert not triples(scene.shapes, scene.relations) & HELD_OUT_TRIPLES
        assert not any(map(held_out_look, scene.colours, scene.shapes))


def test_held_out_scenes_show_both_kinds() -> None:
    for scene in worlds(100, "heldout"):
        assert triples(scene.shapes, scene.relations) & HELD_OUT_TRIPLES
        assert any(map(held_out_look, scene.colours, scene.shapes))
        assert [allowed(scene, split) for split in SPLITS] == [False, False, True]


def test_the_long_tail() -> None:
    rng = Random(0)
    counts = Counter(p for _ in range(1500) for p in sample(rng, long_tailed=True).relations.values())
    assert counts[ON] > 1.8 * counts[ATTACHED] / 2 > 1.8 * counts[FRONT] > counts[IN] > 0
    assert counts.most_common()[0][1] > 20 * counts[IN]


@pytest.mark.parametrize("objects", [(1, 3), (4, 3), (2, 6)])
def test_bounds_on_objects(objects: tuple[int, int]) -> None:
    with pytest.raises(RelataError, match="from 2 to 5 objects"):
        sample(Random(0), objects=objects)
    assert {len(sample(Random(seed), objects=(4, 4))) for seed in range(5)} == {4}


def test_a_wrong_split_offers_the_near_one() -> None:
    with pytest.raises(RelataError, match="did you mean heldout"):
        sample(Random(0), split="held-out")


def test_shuffles_are_fair() -> None:
    rng = Random(0)
    counts = Counter(tuple(shuffled(rng, 3)) for _ in range(6000))
    assert len(counts) == 6
    assert all(850 < count < 1150 for count in counts.values())  # 1000 expected, 29 is one standard deviation


Key = Callable[[World, int, int], Hashable]

#: What a guesser without the picture may go by.
GUESSERS: dict[str, Key] = {
    "labels": lambda scene, i, j: (scene.look(i), scene.look(j)),
    "shapes": lambda scene, i, j: (scene.shapes[i], scene.shapes[j]),
    "colours": lambda scene, i, j: (scene.colours[i], scene.colours[j]),
    "colours and textures": lambda scene, i, j: (scene.look(i)[:2], scene.look(j)[:2]),
    "what is alike": lambda scene, i, j: tuple(a == b for a, b in zip(scene.look(i), scene.look(j))),
    "numbers": lambda scene, i, j: (i, j),
}


@pytest.fixture(scope="module")
def guesses() -> dict[str, float]:
    """Accuracy of each guesser on unseen scenes, over questions balanced by predicate: the mean of nine recalls."""
    totals: Counter[int] = Counter()
    seen: dict[str, dict[Hashable, Counter[int]]] = {name: defaultdict(Counter) for name in GUESSERS}
    for scene in worlds(20_000, seed=1):
        for (i, j), predicate in scene.relations.items():
            totals[predicate] += 1
            for name, key in GUESSERS.items():
                seen[name][key(scene, i, j)][predicate] += 1
    best = {
        name: {key: max(range(9), key=lambda p: counts[p] / totals[p]) for key, counts in table.items()}
        for name, table in seen.items()
    }
    asked: Counter[int] = Counter()
    right: Counter[tuple[str, int]] = Counter()
    for scene in worlds(10_000, "test", seed=2):
        for (i, j), predicate in scene.relations.items():
            asked[predicate] += 1
            for name, key in GUESSERS.items():
                right[name, predicate] += best[name].get(key(scene, i, j)) == predicate
    return {name: sum(right[name, p] / asked[p] for p in range(9)) / 9 for name in GUESSERS}


@pytest.mark.parametrize("guesser", GUESSERS)
def test_labels_alone_do_not_tell_the_predicate(guesses: dict[str, float], guesser: str) -> None:
    assert guesses[guesser] <= 1 / 9 + 0.03


def test_every_predicate_occurs_with_every_pair_of_shapes_and_of_colours() -> None:
    shapes, colours, textures = set(), set(), set()
    for scene in worlds(6000, seed=4):
        for (i, j), predicate in scene.relations.items():
            shapes.add((scene.shapes[i], predicate, scene.shapes[j]))
            colours.add((scene.colours[i], predicate, scene.colours[j]))
            textures.add((scene.textures[i], predicate, scene.textures[j]))
    assert len(textures) == 2 * 9 * 2
    assert len(colours) == 8 * 9 * 8
    assert len(shapes) == 6 * 9 * 6 - len(HELD_OUT_TRIPLES)


def test_outlines_show_what_is_in_front() -> None:
    """Wherever two objects meet, the pixels of the front one along the border are its dark outline."""
    checked = 0
    for scene in worlds(200):
        seen, picture = masks(scene), render(scene).astype(int)
        for (front, other), predicate in scene.relations.items():
            if predicate not in (IN, FRONT):
                continue
            edge = picture[seen[front] & beside(seen[other])]
            assert len(edge) >= 3
            assert edge.sum(axis=1).max() < 200  # the ground has 696 or more, a stripe 400 or more
            checked += 1
    assert checked > 50


def beside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels that have one of the mask's as a neighbour."""
    wide = np.pad(mask, 1)
    return wide[:-2, 1:-1] | wide[2:, 1:-1] | wide[1:-1, :-2] | wide[1:-1, 2:]
