"""`relata demo`: the whole flow on the rendered world, in one run without GPU, key or network.

Scenes are rendered; a recipe makes conversations of them by rules; two arms of a model are trained side by side from
one checkpoint, one of them with relation data; both sit the exam, seeing, blind and shown a wrong image; they draw
graphs and answer questions in the manner of CRPE; and one page reports it all.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from relata import store
from relata.errors import RelataError
from relata.scene import Record, Scene, encode

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from relata.benchmarks import Scores
    from relata.exam import Marks
    from relata.metrics.matching import Match
    from relata.models.model import Model
    from relata.view.report import Table

#: Steps of each arm's training, on a core each.
STEPS = 1100
QUICK_STEPS = 350
#: Without and with relation turns among what is learnt.
ARMS = ("without", "with")
#: Real photos that are made into conversations.
MOST_PHOTOS = 1000


class Plan(Record, frozen=True, omit_defaults=False):
    """How large a demo is."""

    steps: int
    made: int
    """Training scenes that are written and made into conversations."""
    asked: int
    """Test scenes of which graphs are drawn, and about which questions are asked."""
    exam: tuple[int, int, int]
    """Relation questions, questions of every other kind, graphs and pairs; see `relata.exam.examine`."""


FULL = Plan(STEPS, made=300, asked=60, exam=(450, 250, 100))
QUICK = Plan(QUICK_STEPS, made=60, asked=20, exam=(90, 40, 15))


class Photos(NamedTuple):
    """Real photos for the parts that need no training."""

    annotations: tuple[str, ...]
    """Each `format=path`; several are merged by photo."""
    images: Path


class Result(NamedTuple):
    """What came of one arm."""

    exam: Marks
    crpe: Scores
    triplets: Match


class Outcome(NamedTuple):
    """What a demo ends with."""

    scores: Table
    report: Path


def run(out: Path, plan: Plan, progress: Progress, photos: Photos | None = None, base: Path | None = None) -> Outcome:
    """Run the whole flow in `out`. What a stopped demo has finished there is kept.

    Args:
        base: the checkpoint from which both arms start; the shipped one, which knows names and places, if not given.

    Raises:
        RelataError: if `out` holds a demo of another size, or the photos cannot be read.
    """
    from relata import synth
    from relata.demo import page
    from relata.models import load, shipped

    base = base or shipped("base")
    stages = progress.add_task("demo: scenes", total=5)
    _claim(out / "plan.json", plan)
    synth.write(out / "train", plan.made, split="train")
    synth.write(out / "test", plan.asked, split="test")
    progress.update(stages, advance=1, description="demo: conversations")
    _converse(list(store.records(out / "train" / "scenes.jsonl", Scene)), out / "examples")
    if photos is not None:
        _converse(list(_photos(photos)), out / "photos")
    progress.update(stages, advance=1, description="demo: training, exam")
    _train(out, plan, base, progress)
    progress.update(stages, advance=1, description="demo: graphs, questions")
    results = {name: _result(load(out / name), name, out) for name in ARMS}
    progress.update(stages, advance=1, description="demo: report")
    report = page.write(out, plan, results, photos)
    progress.advance(stages)
    return Outcome(page.scores(results), report)


def _claim(path: Path, plan: Plan) -> None:
    """Leave a mark in the folder, or check that it is ours."""
    if path.exists() and path.read_bytes() != encode(plan):
        raise RelataError(f"{path.parent} holds a demo of another size; name another folder with --out, or remove it")
    store.write(path, [encode(plan)])


def _converse(scenes: list[Scene], out: Path) -> None:
    """Conversations about scenes, made by rules."""
    from relata.recipes import build

    build("rec", scenes, teacher="rules", out=out)


def _photos(photos: Photos) -> list[Scene]:
    from relata.readers import read_many

    found = list(islice(read_many(photos.annotations, photos.images, present=True), MOST_PHOTOS))
    if not found:
        raise RelataError(f"none of the annotated photos is in {photos.images}; is it the right folder?")
    return found


def _train(out: Path, plan: Plan, base: Path, progress: Progress) -> None:
    """Train and examine both arms, one core each."""
    from relata.demo.arms import command, run_of
    from relata.train.launch import together

    tasks: dict[tuple[int, str], TaskID] = {}

    def tick(arm: int, what: str, done: int, total: int, _: str) -> None:
        if (arm, what) not in tasks:
            tasks[arm, what] = progress.add_task(f"  {ARMS[arm]} relations: {what}", total=total)
        progress.update(tasks[arm, what], completed=done, total=max(done, total))

    commands = []
    for name in ARMS:
        file = out / f"{name}.json"
        store.write(file, [encode(run_of(name, base, plan.steps))])
        commands.append(command(file, out / name, plan.exam))
    together(commands, tick)
    for task in tasks.values():  # an exam's length is only known at its end
        progress.update(task, total=progress.tasks[task].completed)


def _result(model: Model, name: str, out: Path) -> Result:
    """The exam's marks, and how the arm does on test scenes as a user would use it: it finds the regions itself."""
    from relata.benchmarks import crpe, evaluate
    from relata.demo.arms import marks
    from relata.demo.choices import Chooser
    from relata.metrics.graphs import Graph
    from relata.metrics.matching import match
    from relata.metrics.rules import preset

    model.name = name  # not the path of its folder: this is the source of every relation it states
    folder, gold = out / "test", list(store.records(out / "test" / "scenes.jsonl", Scene))
    graphs = [model.graph(folder / scene.image).replace(id=scene.id, image=scene.image) for scene in gold]
    store.write(out / name / "graphs.jsonl", (encode(graph) + b"\n" for graph in graphs))
    triplets = match([*map(Graph.of, gold)], [*map(Graph.of, graphs)], preset("openpsg-fixed"))
    questions = out / "test" / "crpe.jsonl"
    crpe.write(crpe.construct(gold), questions)
    scores = evaluate("crpe", Chooser(model, name), questions, "official", out=out / name / "crpe", images=folder)
    return Result(marks(out / name), scores, triplets)
