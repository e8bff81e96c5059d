"""Spatial words that boxes show beyond doubt."""

from __future__ import annotations

import pytest

from relata import spatial, synth
from relata.english.meanings import CONVERSE, meaning
from relata.scene import Box, Region, Scene


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (Box(70, 40, 90, 60), "left of"),
        (Box(0, 40, 10, 60), "right of"),
        (Box(35, 70, 55, 90), "above"),
        (Box(35, 0, 55, 10), "under"),
        (Box(61, 61, 70, 70), None),  # beside and below alike
        (Box(70, 62, 95, 70), "left of"),  # a little below, mainly beside
        (Box(62, 70, 66, 95), None),  # mainly below, but not under it
        (Box(50, 45, 70, 65), None),  # they overlap
        (Box(60, 40, 61, 60), "left of"),  # they touch; centres differ by just over a tenth
    ],
)
def test_the_word_for_two_boxes(other: Box, word: str | None) -> None:
    box = Box(40, 40, 60, 60)
    assert spatial.clear(box, other, 100, 100) == word
    assert spatial.clear(other, box, 100, 100) == (word and CONVERSE[word])


def test_what_is_hardly_apart_is_not_beside() -> None:
    assert spatial.clear(Box(0, 0, 9, 50), Box(9, 0, 18, 50), 100, 100) is None


def test_neighbours_come_nearest_first() -> None:
    regions = tuple(Region(k, "x", Box(x, 0, x + 5, 9)) for k, x in ((4, 80), (2, 0), (7, 40), (1, 2)))
    scene = Scene("s", "s.jpg", 100, 10, regions)
    assert [(r.id, word) for r, word in spatial.neighbours(scene, regions[1])] == [(7, "left of"), (4, "left of")]


def test_no_word_contradicts_an_exact_scene() -> None:
    told = 0
    for scene in synth.scenes(100, seed=4):
        true = {(r.subject, r.object): r.predicate for r in scene.relations}
        for region in scene.regions:
            for other, word in spatial.neighbours(scene, region):
                known = true.get((region.id, other.id))
                told += 1
                assert known is None or known == meaning(word) or known not in spatial.SAID, (scene.id, word, known)
    assert told > 300
