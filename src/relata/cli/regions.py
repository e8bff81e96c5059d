"""The commands `propose` and `salient`: which regions a segmenter sees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relata.cli._shared import pictures

if TYPE_CHECKING:
    from relata.filters import Rejection
    from relata.scene import Scene

OutOption = Annotated[Path, typer.Option("--out", "-o", help="Folder for scenes/ and dropped/.")]


def propose(
    images: Annotated[Path, typer.Argument(help="Folder of photos that nobody annotated.")],
    whole: Annotated[Path, typer.Option(help="Folder of a segmenter's masks of whole things, a JSON file per photo.")],
    part: Annotated[Path, typer.Option(help="The same, of parts.")],
    out: OutOption,
    detected: Annotated[Path | None, typer.Option(help="The same, of boxes that a detector named.")] = None,
) -> None:
    """Make regions for photos out of a segmenter's masks.

    \b
    Example: relata propose photos --whole masks/whole --part masks/part --out wild
    """
    from relata.proposals import wild_scenes

    names = [path.relative_to(images).as_posix() for path in pictures([images])]
    about = {"made": "propose", "whole": str(whole), "part": str(part), "detected": str(detected or "")}
    _write(wild_scenes(names, whole, part, detected), out, about)


def salient(
    scenes: Annotated[Path, typer.Argument(help="Scenes; a file or a folder.")],
    proposals: Annotated[Path, typer.Option(help="Folder of a segmenter's masks, <name of the image>.json for each.")],
    out: OutOption,
) -> None:
    """Keep the annotated regions that a segmenter sees too, and give boxes its masks.

    \b
    Example: relata salient scenes.jsonl --proposals masks --out salient
    """
    from relata import store
    from relata.salience import salient_scenes
    from relata.scene import Scene

    about = {"made": "salient", "scenes": str(scenes), "proposals": str(proposals)}
    _write(salient_scenes(store.records(scenes, Scene), proposals), out, about)


def _write(outcomes: Iterable[Scene | Rejection], out: Path, about: dict[str, str]) -> None:
    """Write the scenes and what was turned away, and tell how much of either there is."""
    from relata import store
    from relata.filters import Rejection
    from relata.scene import Scene

    scenes = regions = relations = 0
    reasons: Counter[str] = Counter()
    with (
        store.Writer(out / "scenes", Scene, about) as kept,
        store.Writer(out / "dropped", Rejection, about) as dropped,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Scene):
                scenes, regions = scenes + 1, regions + len(outcome.regions)
                relations += len(outcome.relations)
                kept.add(outcome)
            else:
                reasons[outcome.reason] += 1
                dropped.add(outcome)
    typer.echo(f"kept: {scenes} scenes, {regions} regions, {relations} relations")
    for reason, count in reasons.most_common():
        typer.echo(f"dropped: {count} {reason}")
