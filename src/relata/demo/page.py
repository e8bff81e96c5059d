"""The page that a demo ends with: score tables, learning curves, what was made and drawn, the commands."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from relata import store
from relata.chat import Example
from relata.demo import ARMS, MOST_PHOTOS, Photos, Plan, Result
from relata.exam import CONTROLS
from relata.metrics import recall
from relata.scene import Scene
from relata.view.report import Code, Curve, Gallery, Prose, Section, Table, environment, report

#: Conversations shown of those that were made.
SHOWN = 50
#: Kinds of question about relations; they come first.
_RELATIONS = ("relation", "is", "which", "choose", "graph")
_ABOUT = """\
Two models started from the same checkpoint, which knows names and places but no relations, and were trained side by \
side on the same rendered pictures. The arm "with" was also asked about relations; the arm "without" was not. All \
scores are on test pictures that neither saw.

Blind: every region was replaced by the mean region of the training data. Wrong image: the regions are those of \
another picture. A score that one of these controls shares is a guess, not sight."""
_COMMANDS = """\
relata synth train -n {made}
relata synth test -n {asked} --split test
relata build rec --scenes train/scenes.jsonl --out examples
relata view examples --images train --out page
relata train with.json --out with
relata exam --model with --relations {relations} --others {others} --scenes {scenes}
relata predict test/images --model with --out graphs.jsonl"""


def scores(results: Mapping[str, Result]) -> Table:
    """Every kind of question, how often it was asked, and per arm the share right under each control, in per cent."""
    columns = (
        "kind of question",
        "asked",
        *(f"{name}: {word}" for name in ARMS for word in ("sees", "blind", "wrong")),
    )
    rows = []
    kinds = results[ARMS[-1]].exam.kinds
    for kind in sorted(kinds, key=lambda kind: (not kind.startswith(_RELATIONS), kind)):
        marks = [results[name].exam.kinds.get(kind, {}) for name in ARMS]
        shares = [_percent(row[control].value) if control in row else None for row in marks for control in CONTROLS]
        rows.append((kind, kinds[kind][CONTROLS[0]].count, *shares))
    return Table("The exam, without and with relation data, %", columns, tuple(rows))


def questions(results: Mapping[str, Result]) -> Table:
    """CRPE's kinds of question and triplet recall on test scenes, in per cent."""
    rows = {name: dict(_numbers(result)) for name, result in results.items()}
    kinds = dict.fromkeys(kind for row in rows.values() for kind in row)
    note = (
        "The models find the regions themselves. A question of CRPE counts if it is answered rightly with its options "
        "in all four orders; as they do not look at the order, a guess is right once in four. Recall and precision "
        "are of triplets whose names and predicate are right and whose boxes overlap by half."
    )
    body = tuple((kind, *(rows[name].get(kind) for name in ARMS)) for kind in kinds)
    return Table("Questions and graphs, without and with relation data, %", ("", *ARMS), body, note)


def _numbers(result: Result) -> Iterator[tuple[str, float]]:
    for category, value in result.crpe.details["official"].table.items():
        yield f"CRPE, {category}, of {value.count}", _percent(value.value)
    for k in (20, 50):
        yield f"triplet recall, R@{k}", _percent(recall.recall(result.triplets, k).value)
        yield f"mean over predicates, mR@{k}", _percent(recall.mean_recall(result.triplets, k).value)
    yield "precision of triplets", _percent(recall.edges(result.triplets, None).precision.value)


def _percent(share: float) -> float:
    return round(100 * share, 1)


def _curve(out: Path) -> Curve:
    logs = {name: map(json.loads, (out / name / "log.jsonl").read_text().splitlines()) for name in ARMS}
    series = {name: [(line["step"], line["loss"]) for line in lines] for name, lines in logs.items()}
    return Curve("Loss in training; the arms answer different questions", series, "step", "loss")


def _made(title: str, folder: Path, images: Path) -> list[Section]:
    """What a recipe made, and its report: how much was kept and what was turned away."""
    examples = tuple(islice(store.records(folder, Example), SHOWN))
    return [Gallery(title, examples, images), Code("Its report", (folder / "report.md").read_text(encoding="utf-8"))]


def write(out: Path, plan: Plan, results: Mapping[str, Result], photos: Photos | None) -> Path:
    """Write the report of the demo in `out`; its path."""
    relations, others, scenes = plan.exam
    commands = _COMMANDS.format(made=plan.made, asked=plan.asked, relations=relations, others=others, scenes=scenes)
    graphs = tuple(store.records(out / ARMS[-1] / "graphs.jsonl", Scene))
    sections: list[Section] = [
        Prose("What was done", _ABOUT),
        scores(results),
        questions(results),
        _curve(out),
        Gallery('Graphs of test pictures by the arm "with"', graphs, out / "test"),
        *_made("Conversations made by the recipe rec", out / "examples", out / "train"),
    ]
    if photos is not None:
        title = f"Conversations about photos ({', '.join(photos.annotations)}; at most {MOST_PHOTOS})"
        sections += _made(title, out / "photos", photos.images)
    sections += [Code("The same by hand, in the folder of the demo", commands), environment()]
    return report(out / "report", sections, title="relata demo")
