"""The demo: its arms differ in one thing, its questions are understood, and a very small one runs to its report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.progress import Progress

from relata import RelataError, Scene, synth
from relata.benchmarks import crpe
from relata.chat import Answer
from relata.demo import FULL, Outcome, Photos, Plan, run
from relata.demo.arms import RELATIONS, run_of
from relata.demo.choices import Chooser
from relata.grounded import Mention, Span, Text
from relata.synth.rules import PREDICATES


class Knowing:
    """A look by a model that knows all about a scene: the truth has log-likelihood 0, anything else -9."""

    def __init__(self, scene: Scene) -> None:
        self.regions = [[region.box for region in scene.regions]]
        self._names = {region.box: region.label for region in scene.regions}
        boxes = {region.id: region.box for region in scene.regions}
        self._relations = {(boxes[r.subject], boxes[r.object]): r.predicate for r in scene.relations}

    def mention(self, index: int) -> Mention:
        return Mention("", (self.regions[0][index],))

    def rank(self, questions: Sequence[Sequence[Span]], choices: Sequence[Sequence[str]]) -> list[list[float]]:
        return [[0.0 if c == self._truth(q) else -9.0 for c in row] for q, row in zip(questions, choices)]

    def _truth(self, question: Sequence[Span]) -> str | None:
        boxes = tuple(box for span in question if isinstance(span, Mention) for box in span.boxes)
        assert question[0] == Text("name" if len(boxes) == 1 else "relation")
        return self._names[boxes[0]] if len(boxes) == 1 else self._relations.get(boxes)  # type: ignore[call-overload]


def knowing(scenes: Sequence[Scene]) -> Chooser:
    looks = {Path(scene.image): Knowing(scene) for scene in scenes}
    network = SimpleNamespace(config=SimpleNamespace(predicates=PREDICATES))
    model: Any = SimpleNamespace(network=network, look=lambda images: looks[images[0]])
    return Chooser(model, "knowing")


def test_who_knows_the_scene_answers_every_question() -> None:
    scenes = list(synth.scenes(40, split="test"))
    questions, chooser = crpe.construct(scenes), knowing(scenes)
    assert {"exist", "subject", "predicate", "object"} <= {question.category for question in questions}
    replies = {q.id: Answer(q.id, chooser.answer([Path(q.image)], q.text)) for q in questions}
    assert crpe.score(questions, replies, "official").score.value == 1.0


def test_other_questions_are_refused() -> None:
    (scene,) = synth.scenes(1)
    with pytest.raises(RelataError, match="does not understand 'Who is it"):
        knowing([scene]).answer([Path(scene.image)], "Who is it?\nA. he\nB. she")


def test_the_arms_differ_in_relation_turns_alone() -> None:
    without, given = (run_of(name, Path("base"), 10) for name in ("without", "with"))
    assert without.stages[0].turns.keys().isdisjoint(RELATIONS)
    assert given.stages[0].turns == {**without.stages[0].turns, **RELATIONS}
    same = given.stages[0].replace(turns=without.stages[0].turns)
    assert given.replace(name="without", stages=[same]) == without


def test_a_folder_of_another_demo_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(RelataError, match="holds a demo of another size"):
        run(tmp_path, FULL, Progress(), base=tmp_path)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained checkpoint."""
    torch = pytest.importorskip("torch")
    from relata.models.tiny import create

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("base")
    for part in create(layers=1, width=64):
        part.save_pretrained(folder)
    return folder


def whole(out: Path, base: Path) -> Outcome:
    photos = out.parent / "photos"
    synth.write(photos, 1)
    annotations = f"coco={_coco(photos, next(synth.scenes(1)))}"
    plan = Plan(steps=2, made=2, asked=8, exam=(9, 1, 1))
    with Progress(disable=True) as progress:
        return run(out, plan, progress, Photos((annotations,), photos), base)


def test_the_whole_flow(base: Path, tmp_path: Path) -> None:
    outcome = whole(tmp_path / "demo", base)
    kinds = {str(row[0]) for row in outcome.scores.rows}
    assert {"relation", "name", "graph, detected: recall"} <= kinds
    page = outcome.report.read_text()
    assert all(title in page for title in ("Questions and graphs", "Loss in training", "Conversations about photos"))


@pytest.mark.slow
def test_what_a_demo_has_finished_is_kept(base: Path, tmp_path: Path) -> None:
    first = whole(tmp_path / "demo", base)
    weights = tmp_path / "demo" / "with" / "model.safetensors"
    written = weights.stat().st_mtime_ns
    assert whole(tmp_path / "demo", base).scores == first.scores
    assert weights.stat().st_mtime_ns == written


def _coco(folder: Path, scene: Scene) -> Path:
    """The regions of a scene as COCO instances."""
    boxes = [(r.id, r.box.x1, r.box.y1, r.box.width, r.box.height) for r in scene.regions]
    content = {
        "images": [{"id": 1, "file_name": scene.image, "width": scene.width, "height": scene.height}],
        "categories": [{"id": 1, "name": "shape"}],
        "annotations": [
            {"id": id, "image_id": 1, "category_id": 1, "bbox": box, "area": 1.0, "iscrowd": 0} for id, *box in boxes
        ],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(content))
    return path
