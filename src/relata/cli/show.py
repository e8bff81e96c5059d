"""Commands that show: view, demo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relata.cli._shared import ImagesOption, progress, show
from relata.errors import RelataError

if TYPE_CHECKING:
    from relata.view.report import Table


def view(
    path: Annotated[Path, typer.Argument(help="Scenes, groups, examples, answers or scores; a file or a folder.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .html file, or a folder for index.html.")],
    images: ImagesOption = None,
    limit: Annotated[int, typer.Option(help="Most records to show.")] = 200,
) -> None:
    """Write a page that shows what a file holds.

    Pictures are copied, made small, so that the page can be moved and needs nothing but a browser.

    \b
    Example: relata view world/scenes.jsonl --out page
    """
    from relata.view import view

    typer.echo(view(path, out, images, limit))


def demo(
    quick: Annotated[bool, typer.Option("--quick", help="Train and ask less; the scores are rough.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder; runs/demo or runs/demo-quick if not given.")
    ] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of real photos, for the parts without training.")] = None,
    annotations: Annotated[list[str] | None, typer.Option(help="FORMAT=PATH of the photos; may be repeated.")] = None,
) -> None:
    """Run the whole flow on rendered pictures: make data, train, examine, draw, report.

    Two models are trained side by side, one with relation data and one without. It needs two cores, no GPU, no key and
    no network. A stopped demo goes on when it is started again.

    \b
    Example: relata demo --quick
    """
    from relata.demo import FULL, QUICK, Photos, run

    if (photos is None) != (not annotations):
        raise RelataError("--photos FOLDER and --annotations FORMAT=PATH go together; give both")
    real = Photos(tuple(annotations), photos) if photos is not None and annotations else None
    folder = out or Path("runs", "demo-quick" if quick else "demo")
    with progress() as shown:
        outcome = run(folder, QUICK if quick else FULL, shown, real)
    _print(outcome.scores)
    typer.echo(f"report: {outcome.report}")


def _print(scores: Table) -> None:
    """The score table with the three controls of an arm in one column, so that it fits a terminal."""
    arms = [f"{name} relations\n sees blind wrong" for name in ("without", "with")]
    rows = []
    for kind, asked, *shares in scores.rows:
        cells = [f"{share:5.1f}" if isinstance(share, float) else " " * 5 for share in shares]
        rows.append((str(kind), str(asked), " ".join(cells[:3]), " ".join(cells[3:])))
    show(scores.title, ("share right, %", "asked", *arms), rows)
