"""The exam: when two graphs say the same, and a small exam from end to end."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from models.small import loaded
from relata.exam import CONTROLS, examine, matched
from relata.scene import Box, Region, Relation, Scene

INVERSES = {"left of": "right of", "right of": "left of", "attached to": "attached to"}
CUP, TABLE = Box(0, 0, 40, 40), Box(50, 0, 90, 40)


def scene(*relations: tuple[int, str, int], names: tuple[str, str] = ("cup", "table"), cup: Box = CUP) -> Scene:
    regions = (Region(1, names[0], cup), Region(2, names[1], TABLE))
    return Scene("s", "s.png", 100, 100, regions, tuple(Relation(*r) for r in relations))


GOLD = scene((1, "left of", 2), (2, "right of", 1))  # both directions: one statement


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (scene((1, "left of", 2)), (1, 1, 1)),
        (scene((2, "right of", 1)), (1, 1, 1)),  # said the other way round
        (scene((1, "left of", 2), (2, "right of", 1)), (1, 1, 1)),  # said twice, counted once
        (scene((2, "left of", 1)), (0, 1, 1)),  # the wrong way round
        (scene((1, "left of", 2), names=("cup", "chair")), (0, 1, 1)),
        (scene((1, "left of", 2), cup=Box(0, 0, 40, 19)), (0, 1, 1)),  # IoU 0.475
        (scene((1, "left of", 2), cup=Box(0, 0, 40, 20)), (1, 1, 1)),  # IoU 0.5 is enough
        (scene((1, "attached to", 2)), (0, 1, 1)),
        (scene(), (0, 0, 1)),
    ],
)
def test_matched(found: Scene, expected: tuple[int, int, int]) -> None:
    assert matched(found, GOLD, INVERSES) == expected


def test_a_symmetric_relation_matches_either_way() -> None:
    gold = scene((1, "attached to", 2), (2, "attached to", 1))
    assert matched(scene((2, "attached to", 1)), gold, INVERSES) == (1, 1, 1)


def test_a_small_exam() -> None:
    ticks = []
    marks = examine(loaded(), relations=9, others=3, scenes=2, tick=lambda: ticks.append(1))
    assert marks.kinds["relation"].keys() == set(CONTROLS)
    assert marks.kinds["relation"]["blind"].count == 9
    assert len(marks.predicates) == 9
    for row in marks.kinds.values():
        for mark in row.values():
            assert 0 <= mark.low <= mark.value <= mark.high <= 1
    assert ticks
