"""How often each predicate is said, and what it costs to fill the tail."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from relata import build, store, synth
from relata.chat import ImageRef, Message, Preference
from relata.coverage import Coverage, coverage
from relata.errors import RelataError
from relata.grounded import Predicate, Text
from relata.scene import Box, Region, Relation, Scene, encode


def scene(*predicates: str) -> Scene:
    regions = (Region(1, "cup", Box(0, 0, 1, 1)), Region(2, "table", Box(2, 2, 3, 3)))
    return Scene("s", "s.png", 10, 10, regions, tuple(Relation(1, predicate, 2) for predicate in predicates))


def test_counts_and_their_order() -> None:
    found = coverage([scene("on", "is ON", "on a"), scene("near", "above", "near")])
    assert list(found.counts.items()) == [("on", 3), ("near", 2), ("above", 1)]
    assert found.total == 6


def test_entropy_and_effective_number() -> None:
    even = Coverage(dict.fromkeys("abcd", 5))
    assert even.entropy == 2
    assert even.effective == 4
    assert Coverage({"on": 7}).entropy == 0
    skewed = Coverage({"a": 3, "b": 1})
    assert skewed.entropy == pytest.approx(-0.75 * math.log2(0.75) - 0.25 * math.log2(0.25))


def test_head_body_and_tail() -> None:
    found = Coverage({"on": 60, "near": 20, "above": 12, "under": 5, "riding": 3})
    assert found.parts() == {"head": ["on"], "body": ["near", "above"], "tail": ["under", "riding"]}
    assert "| tail | 2 | 8 | 8.0% | under (5) | riding (3) |" in str(found)


def test_cost_to_fill_the_tail() -> None:
    found = Coverage({"on": 60, "near": 20, "riding": 3})
    fill = found.fill(50, price=0.01, acceptance=0.8)
    assert fill.missing == {"near": 30, "riding": 47}
    assert fill.make == {"near": 38, "riding": 59}
    assert fill.cost == pytest.approx(0.97)
    assert found.fill(50, acceptance={"near": 0.5}).make == {"near": 60, "riding": 47}
    assert found.fill(1).make == {}
    for wrong in ({"target": 0}, {"target": 90, "acceptance": 0.0}, {"target": 9, "price": -1.0}):
        with pytest.raises(RelataError):
            found.fill(**wrong)  # type: ignore[arg-type]


def test_nothing_and_nowhere(tmp_path: Path) -> None:
    assert str(coverage([])) == "no relations"
    assert coverage([]).entropy == 0
    with pytest.raises(RelataError, match="does not exist"):
        coverage(tmp_path / "none")


def test_files_of_scenes_and_folders_of_examples(tmp_path: Path) -> None:
    scenes = list(synth.scenes(12, seed=1))
    path = tmp_path / "scenes.jsonl"
    path.write_bytes(b"".join(encode(one) + b"\n" for one in scenes))
    assert coverage(path).total == sum(len(one.relations) for one in scenes)
    report = build("rec", path, out=tmp_path / "run", kinds=["detailed"])
    assert report.kept == 12
    said = coverage(tmp_path / "run" / "examples")
    assert said.counts == dict(sorted(report.predicates.items(), key=lambda item: (-item[1], item[0])))


def test_the_better_answers_of_preferences(tmp_path: Path) -> None:
    cup, table = Box(0, 0, 1, 1), Box(2, 2, 3, 3)
    better, worse = (Predicate("on", (cup,), (table,)),), (Predicate("under", (cup,), (table,)),)
    record = Preference("p", (ImageRef("s.png", 10, 10),), (Message("user", (Text("?"),)),), better, worse)
    assert coverage([record]).counts == {"on": 1}
    (tmp_path / "p.jsonl").write_bytes(encode(record) + b"\n")
    assert coverage(tmp_path / "p.jsonl").counts == {"on": 1}
    with store.Writer(tmp_path / "preferences", Preference, {}) as out:
        out.add(record)
    assert coverage(tmp_path / "preferences").counts == {"on": 1}
