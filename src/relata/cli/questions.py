"""The command `questions`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import note


def questions(
    scenes: Annotated[Path, typer.Option(help="Scenes; a file or a folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The question file to write, for `eval crpe`.")],
    seed: Annotated[int, typer.Option(help="Of wrong options and their order.")] = 0,
    rare: Annotated[float, typer.Option(min=0, max=1, help="Relations up to this P(p|s,o) are abnormal.")] = 0.2,
) -> None:
    """Make circular questions of scenes, as those of CRPE: existence, subject, predicate, object.

    The abnormal triplets of the scenes, of which pictures can be made, go to a file beside the questions.

    \b
    Example: relata questions --scenes scenes.jsonl --out crpe.jsonl
    """
    from relata import store
    from relata.benchmarks import crpe
    from relata.scene import Scene, encode

    known = list(store.records(scenes, Scene))
    made, triplets = crpe.construct(known, seed, rare), crpe.abnormal(known, rare)
    crpe.write(made, out)
    beside = out.with_suffix(".abnormal.jsonl")
    store.write(beside, (encode(triplet) + b"\n" for triplet in triplets))
    counts = Counter(question.category for question in made)
    told = ", ".join(f"{count // 4} {category}" for category, count in counts.items())
    typer.echo(f"{len(known)} scenes: {len(made) // 4} questions in four rotations ({told or 'no scene has enough'})")
    note(f"questions: {out}")
    note(f"{len(triplets)} abnormal triplets: {beside}")
