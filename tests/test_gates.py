"""The gates that data have to pass, at a tenth of their size here and at full size among the slow ones.

Others stand where their subject does: kills, budgets and storms in `test_resume.py` and `test_paid_build.py`, torn files
and flipped bits in `test_store.py`.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from bad_replies import bad
from relata import synth
from relata.chat import Example, Preference
from relata.edits import Edit
from relata.filters import Rejection, validity
from relata.grounded import Mention, Predicate
from relata.ledger import Ledger
from relata.names import component, listing
from relata.recipes import build
from relata.recipes._run import makes, source_type
from relata.scene import Box, Group, Scene, encode
from relata.store import records
from relata.teachers import Reply, Request
from relata.teachers.rules import Rules

#: Options without which a recipe asks nobody.
ASKING: dict[str, dict[str, Any]] = {
    "cad_qa": {"least": 0},
    "episodes": {"why": True},
    "negatives": {"ask": True},
    "temporal": {"captions": True},
}
RELATIONS = ("same category", "same identity", "different identity", "different category", "same colour", "")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Scene]]:
    """Scenes and the folder of their pictures."""
    folder = tmp_path_factory.mktemp("world")
    return folder, list(synth.scenes(40, out=folder))


def sources(recipe: str, scenes: list[Scene], count: int) -> Iterator[Scene | Group]:
    """What a recipe reads, so many of them, each with another id."""
    rng = random.Random(1)
    for number in range(count):
        if source_type(component("recipes", recipe)) is Scene:
            yield one(f"s{number}", rng.choice(scenes))
            continue
        pair = tuple(one(f"s{number}-{k}", scene) for k, scene in enumerate(rng.sample(scenes, 2)))
        label = pair[0].regions[0].label
        about = {"label": label, "classes": '["good", "broken"]', "labels": '["good", "broken"]'}
        about["relation"] = "same category" if recipe == "similarity" else rng.choice(RELATIONS)
        yield Group(f"g{number}", pair, order=(1, 0), captions=("They differ in colour.",), provenance=about)


def one(id: str, scene: Scene) -> Scene:
    """The scene with another id, and a caption of its own: what is asked alike is asked once."""
    return scene.replace(id=id, captions=(*scene.captions, f"This is number {id}."))


class Misled(Rules):
    """A paid teacher by rules of whose replies half are bad."""

    paid = True
    name = "misled"

    def __init__(self) -> None:
        self.told: set[str] = set()
        self.bad = 0
        self._last = "a dog"

    async def answer(self, request: Request) -> Reply:
        asked = hashlib.sha256(f"{request.id} {request.prompt.user}".encode("utf-8", "surrogatepass")).hexdigest()
        good, other = request.offline(), self._last
        self._last = good
        if random.Random(asked).random() < 0.5:
            text = good
        else:
            text = bad(good, other, asked)
            self.bad += 1
        self.told.add(text)
        return Reply(text, 1, 1, 0.001)


@pytest.mark.parametrize("recipe", listing("recipes"))
@pytest.mark.parametrize("most", [100, pytest.param(2000, marks=pytest.mark.slow)])
def test_malformed_replies_are_valid_or_turned_away_with_a_reason(
    world: tuple[Path, list[Scene]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: str, most: int
) -> None:
    folder, scenes = world
    misled, module, longest = Misled(), component("recipes", recipe), 0.0
    monkeypatch.setattr("relata.teachers.rules.teacher", lambda argument: misled)
    read = module.read

    @wraps(read)
    def timed(reply: str, item: Any) -> Any:
        nonlocal longest
        began = time.perf_counter()
        outcome = read(reply, item)
        longest = max(longest, time.perf_counter() - began)
        return outcome

    monkeypatch.setattr(module, "read", timed)
    given = {source.id: source for source in sources(recipe, scenes, most)}
    report = build(recipe, given.values(), out=tmp_path / "out", images=folder, **ASKING.get(recipe, {}))
    away = list(records(tmp_path / "out", Rejection))
    kept = [record for type in makes(module) for record in records(tmp_path / "out", type)]
    print(f"{recipe}: {misled.bad} bad replies, the slowest read in {longest:.2f} s; {report.reasons}")
    assert misled.bad >= most / 2
    assert report.failed == 0
    assert report.read == report.kept + report.rejected == len(kept) + len(away)
    assert all(rejection.id and rejection.reason for rejection in away)
    assert {rejection.reply for rejection in away if rejection.reply} <= misled.told
    assert kept
    for record in kept:
        sound(record, given)
    with Ledger(tmp_path / "out" / "ledger.sqlite") as ledger:
        assert ledger.spent().calls >= misled.bad
    assert longest < 5.0  # a reply may be long, but no rule takes more than a moment for it


def sound(record: Any, given: dict[str, Scene | Group]) -> None:
    """Check that a record is what its type and its source allow."""
    assert "\0" not in (said := encode(record).decode()), said
    if isinstance(record, Scene):
        source = given[record.id]
        assert isinstance(source, Scene)
        assert [(r.id, r.box) for r in record.regions] == [(r.id, r.box) for r in source.regions]
        assert all(r.predicate.strip() and r.subject != r.object for r in record.relations)
    elif isinstance(record, (Example, Preference)):
        boxes: list[set[Box]] = [set(some) for some in record.regions]
        for message in record.messages:
            for span in message.spans:
                if isinstance(span, (Mention, Predicate)) and boxes:
                    used = span.boxes if isinstance(span, Mention) else (*span.subjects, *span.objects)
                    assert set(used) <= boxes[span.image]
        if isinstance(record, Example) and any(isinstance(s, Mention) for m in record.messages for s in m.spans):
            assert validity.check(record) is None
    else:
        assert isinstance(record, Edit)
