"""Relations that cannot hold together, and those said twice."""

from __future__ import annotations

import random

import pytest

from relata import synth
from relata.filters import logic
from relata.filters.logic import _components
from relata.scene import Box, Region, Relation, Scene


def scene(*relations: tuple[int, str, int] | tuple[int, str, int, float]) -> Scene:
    regions = tuple(Region(id, "thing", Box(id, 0, id + 1, 1)) for id in range(6))
    said = tuple(Relation(r[0], r[1], r[2], score=r[3] if len(r) == 4 else None) for r in relations)
    return Scene("s", "s.png", 10, 10, regions, said)


def found(*relations: tuple[int, str, int] | tuple[int, str, int, float]) -> list[tuple[int, str]]:
    return [(finding.relation, finding.reason) for finding in logic.find(scene(*relations))]


@pytest.mark.parametrize(
    ("relations", "expected"),
    [
        ([(0, "left of", 1), (1, "right of", 0)], []),
        ([(0, "left of", 1), (1, "left of", 0)], [(0, "cycle"), (1, "cycle")]),
        ([(0, "left of", 1), (0, "right of", 1)], [(0, "cycle"), (1, "cycle")]),
        ([(0, "left of", 1, 0.9), (1, "left of", 0, 0.4)], [(1, "cycle")]),
        ([(0, "left of", 1, 0.9), (1, "to the left of", 0)], [(1, "cycle")]),
        ([(0, "above", 1), (1, "above", 2), (2, "above", 0)], [(0, "cycle"), (1, "cycle"), (2, "cycle")]),
        ([(0, "above", 1, 0.9), (2, "under", 1, 0.8), (0, "below", 2, 0.3)], [(2, "cycle")]),
        ([(0, "above", 1), (1, "above", 2), (0, "above", 2)], []),
        ([(0, "in", 1), (1, "inside", 2), (0, "containing", 2)], [(0, "cycle"), (1, "cycle"), (2, "cycle")]),
        ([(0, "above", 1), (1, "left of", 0)], []),
        ([(0, "holding", 0)], [(0, "self")]),
        ([(0, "on", 1), (0, "on", 1)], [(1, "repeated")]),
        ([(0, "on", 1), (0, "on top of", 1)], [(1, "synonym")]),
        ([(0, "next to", 1), (1, "beside", 0)], [(1, "symmetric")]),
        ([(0, "attached to", 1), (1, "attached to", 0)], [(1, "symmetric")]),
        ([(0, "standing on", 1), (0, "sitting on", 1)], [(0, "exclusive"), (1, "exclusive")]),
        ([(0, "standing on", 1, 0.9), (0, "sitting on", 1, 0.2)], [(1, "exclusive")]),
        ([(0, "standing on", 1), (0, "looking at", 1)], []),
    ],
)
def test_cases(relations: list[tuple[int, str, int]], expected: list[tuple[int, str]]) -> None:
    assert found(*relations) == expected


def test_a_second_circle_is_broken_too() -> None:
    two = [(0, "above", 1, 0.9), (1, "above", 2, 0.8), (2, "above", 0, 0.1), (2, "above", 1, 0.2)]
    assert found(*two) == [(2, "cycle"), (3, "cycle")]


def test_duplicates_may_stay() -> None:
    twice = scene((0, "on", 1), (0, "on top of", 1), (2, "left of", 2))
    assert [f.reason for f in logic.find(twice, duplicates=False)] == ["self"]


def reach(edges: list[tuple[int, int]]) -> set[frozenset[int]]:
    """Strongly connected components, by definition."""
    nodes = {node for edge in edges for node in edge}
    reached = {node: {node} for node in nodes}
    for _ in nodes:
        for a, b in edges:
            reached[a] |= reached[b]
    return {frozenset(b for b in nodes if b in reached[a] and a in reached[b]) for a in nodes}


def test_components_are_those_of_the_definition() -> None:
    rng = random.Random(0)
    for _ in range(300):
        edges = [(rng.randrange(8), rng.randrange(8)) for _ in range(rng.randint(1, 16))]
        parts = _components(edges)
        assert {frozenset(part) for part in parts} == reach(edges)
        assert sum(map(len, parts)) == len(set().union(*parts))


def test_a_long_chain_needs_no_recursion() -> None:
    chain = [(n, n + 1) for n in range(20_000)]
    assert len(_components(chain)) == 20_001
    assert len(_components([*chain, (20_000, 0)])) == 1


def test_true_scenes_hold_together_and_seeded_defects_are_found() -> None:
    rng = random.Random(1)
    for true in synth.scenes(150, seed=2):
        assert not logic.find(true, duplicates=False)
        directed = [r for r in true.relations if r.predicate != "attached to"]
        if directed:
            chosen = rng.choice(directed)
            defect = chosen.replace(subject=chosen.object, object=chosen.subject, score=0.1)
            surer = tuple(r.replace(score=0.9) for r in true.relations)
            findings = logic.find(true.replace(relations=(*surer, defect)), duplicates=False)
            assert [f.relation for f in findings] == [len(surer)]
