"""The command `salient`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer


def salient(
    scenes: Annotated[Path, typer.Argument(help="Scenes; a file or a folder.")],
    proposals: Annotated[Path, typer.Option(help="Folder of a segmenter's masks, <name of the image>.json for each.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for scenes/ and dropped/.")],
) -> None:
    """Keep the annotated regions that a segmenter sees too, and give boxes its masks.

    \b
    Example: relata salient scenes.jsonl --proposals masks --out salient
    """
    from relata import store
    from relata.filters import Rejection
    from relata.proposals import salient_scenes
    from relata.scene import Scene

    counts: Counter[str] = Counter()
    about = {"made": "salient", "scenes": str(scenes), "proposals": str(proposals)}
    with (
        store.Writer(out / "scenes", Scene, about) as kept,
        store.Writer(out / "dropped", Rejection, about) as dropped,
    ):
        for outcome in salient_scenes(store.records(scenes, Scene), proposals):
            if isinstance(outcome, Scene):
                counts["scenes"] += 1
                counts["regions"] += len(outcome.regions)
                counts["relations"] += len(outcome.relations)
                kept.add(outcome)
            else:
                counts[outcome.reason] += 1
                dropped.add(outcome)
    typer.echo(f"kept: {counts.pop('scenes', 0)} scenes, {counts.pop('regions', 0)} regions, "
               f"{counts.pop('relations', 0)} relations")  # fmt: skip
    for reason, count in counts.most_common():
        typer.echo(f"dropped: {count} {reason}")
