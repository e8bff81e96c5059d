"""The command `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import ImagesOption


def check(
    data: Annotated[Path, typer.Argument(help="A file or folder of records, or of another trainer's rows.")],
    images: ImagesOption = None,
    no_files: Annotated[bool, typer.Option("--no-files", help="Leave the image files alone.")] = False,
    dialect: Annotated[str | None, typer.Option(help="How boxes in text ought to be written, e.g. asmv2.")] = None,
    against: Annotated[Path | None, typer.Option(help="Pictures, names or data whose images must not be here.")] = None,
    near: Annotated[bool, typer.Option("--near", help="Find images that look like each other; slow.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="Rows to show of each kind of defect.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
) -> None:
    """Find what is wrong with training data, before a model is loaded.

    Reads relata's records, and rows for LLaVA, LLaMA-Factory and ms-swift as they are. Each finding names file, row and
    remedy. The exit code is 1 if there are errors, 0 if there are only warnings.

    \b
    Example: relata check examples --images world
    """
    from relata.linter import check

    found = check(data, images, files=not no_files, dialect=dialect, against=against, near=near)
    typer.echo(found.json().decode() if as_json else found.table(limit))
    if found.errors:
        raise typer.Exit(1)
