"""Commands that score: exam, eval, score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relata.cli._shared import ImagesOption, ModelOption, MoreOption, note, pairs, progress, show

if TYPE_CHECKING:
    from relata.exam import Marks

DataOption = Annotated[Path, typer.Option("--data", help="The question file, as published.")]
ProtocolOption = Annotated[list[str] | None, typer.Option(help="May be repeated; all that need no options.")]


def exam(
    model: ModelOption = "tiny",
    split: Annotated[str, typer.Option(help="test, or heldout: combinations that training never showed.")] = "test",
    relations: Annotated[int, typer.Option(min=9, help="Relation questions, spread over the predicates.")] = 450,
    others: Annotated[int, typer.Option(min=1, help="Questions of every other kind.")] = 250,
    scenes: Annotated[int, typer.Option(min=1, help="Graphs, and pairs of pictures.")] = 200,
    seed: Annotated[int, typer.Option(help="Of the test scenes.")] = 1_000_003,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the marks, as JSON.")] = None,
) -> None:
    """Examine a model on rendered scenes: every skill, seeing, blind, and shown a wrong image.

    \b
    Example: relata exam --model runs/tiny --out exam.json
    """
    from relata import store
    from relata.exam import examine
    from relata.models import load
    from relata.scene import encode

    loaded = load(model)
    with progress(counted=False) as shown:
        task = shown.add_task("scenes", total=None)
        marks = examine(loaded, relations, others, scenes, seed, split, tick=lambda: shown.advance(task))
    _print(marks)
    if out is not None:
        store.write(out, [encode(marks), b"\n"])
        note(f"marks: {out}")


def _print(marks: Marks) -> None:
    from relata.exam import CONTROLS

    rows = []
    for kind, row in marks.kinds.items():
        cells = [f"{100 * row[control].value:5.1f}" if control in row else "" for control in CONTROLS]
        seen = row[CONTROLS[0]]
        rows.append((kind, str(seen.count), *cells, f"{100 * seen.low:.1f} to {100 * seen.high:.1f}"))
    columns = ("share right, %", "asked", "sees", "blind", "wrong", "95 %, seeing")
    show(f"{marks.model}, {marks.split}", columns, rows)


def evaluate(
    benchmark: Annotated[str, typer.Argument(help="`relata list benchmarks` shows them.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for answers.jsonl and scores.json.")],
    model: ModelOption = "tiny",
    protocol: ProtocolOption = None,
    images: ImagesOption = None,
    option: MoreOption = None,
) -> None:
    """Ask a model the questions of a benchmark, and score its answers.

    Answers are on disk as they come; a stopped run goes on where it was.

    \b
    Example: relata eval psg --data psg.json --images coco --out runs/psg
    """
    from relata.benchmarks import evaluate
    from relata.models import load

    scores = evaluate(benchmark, load(model), data, protocol, out=out, images=images, **pairs(option, "--option"))
    typer.echo(scores)
    note(f"answers and scores: {out}")


def score(
    benchmark: Annotated[str, typer.Argument(help="`relata list benchmarks` shows them.")],
    answers: Annotated[Path, typer.Option("--answers", help="File of answers, or the folder of an evaluation.")],
    data: DataOption,
    protocol: ProtocolOption = None,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Count missing answers as wrong.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File for the scores, as JSON.")] = None,
    option: MoreOption = None,
) -> None:
    """Score a file of answers, without the model.

    \b
    Example: relata score crpe --answers answers.jsonl --data crpe_relation.jsonl
    """
    from relata.benchmarks import score

    scores = score(benchmark, answers, data, protocol, incomplete=incomplete, **pairs(option, "--option"))
    typer.echo(scores)
    if out is not None:
        scores.write(out)
        note(f"scores: {out}")
