"""The command `edits`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def edits(
    edits: Annotated[Path, typer.Argument(help="Edits; a file or a folder, as the recipe `edit` writes them.")],
    scenes: Annotated[Path, typer.Option(help="The scenes that were edited, as they were before.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for all scenes, edited where asked.")] = None,
) -> None:
    """Show how often relations were kept, removed, renamed and added, per predicate; and apply edits after a review.

    \b
    Example: relata edits run/edits --scenes scenes.jsonl --out reviewed
    """
    from relata import store
    from relata.edits import Edit, apply, rates, table
    from relata.scene import Scene

    found = list(store.records(edits, Edit))
    typer.echo(table(rates(found, store.records(scenes, Scene))))
    if out:
        by_scene = {edit.scene: edit for edit in found}
        with store.Writer(out, Scene, {"made": "edits", "edits": str(edits), "scenes": str(scenes)}) as writer:
            total = 0
            for scene in store.records(scenes, Scene):
                total += 1
                writer.add(apply(scene, by_scene[scene.id]) if scene.id in by_scene else scene)
        typer.echo(f"\n{total} scenes in {out}, {len(found)} of them edited")
