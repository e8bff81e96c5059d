"""Commands that check data: filter, coverage."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import ImagesOption, MoreOption, note, pairs


def filter(
    data: Annotated[Path, typer.Argument(help="A file or folder of scenes, or of examples.")],
    by: Annotated[str, typer.Option(help="Filters, with commas; `relata list filters` shows them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for what is kept, what is removed, and why.")],
    images: ImagesOption = None,
    teacher: Annotated[str | None, typer.Option(help="Whom filters ask that ask one, e.g. rules.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="File of paid replies; OUT/ledger.sqlite if not given.")] = None,
    budget: Annotated[float | None, typer.Option(help="US dollars that all calls may cost together.")] = None,
    drawn: Annotated[int, typer.Option(min=0, help="Removals to draw for each predicate and reason.")] = 3,
    option: MoreOption = None,
) -> None:
    """Take out relations, scenes or examples that are wrong.

    OUT receives what is kept, removed.jsonl with each reason, report.md, and index.html with drawn examples.

    \b
    Example: relata filter scenes.jsonl --by geometry,logic --out checked
    """
    from relata.filters import apply

    names = [name.strip() for name in by.split(",") if name.strip()]
    options = pairs(option, "--option")
    report = apply(data, names, out, teacher, images=images, ledger=ledger, budget=budget, drawn=drawn, **options)
    typer.echo(report)
    note(f"page: {out / 'index.html'}")


def coverage(
    data: Annotated[Path, typer.Argument(help="A file or folder of scenes, examples or preferences.")],
    target: Annotated[int | None, typer.Option(min=1, help="Tell what is missing to have each so often.")] = None,
    price: Annotated[float, typer.Option(min=0, help="US dollars of one relation made.")] = 0.0,
    acceptance: Annotated[float, typer.Option(help="Share of what is made that filters keep.")] = 1.0,
    frames: Annotated[bool, typer.Option("--frames", help="Tell whose left and right it is, by source.")] = False,
) -> None:
    """Show how often each relation is said, and what it costs to fill the tail.

    \b
    Example: relata coverage scenes.jsonl --target 500 --price 0.002 --acceptance 0.8
    """
    from relata.coverage import coverage

    found = coverage(data)
    typer.echo(found)
    if target is not None:
        typer.echo(f"\n{found.fill(target, price, acceptance)}")
    if frames:
        from relata.filters.frames import census
        from relata.scene import Scene
        from relata.store import records

        for source, counts in census(records(data, Scene)).items():
            typer.echo(f"\nleft and right, {source}: {counts}")
