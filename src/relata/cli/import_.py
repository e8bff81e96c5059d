"""The command `import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import ImagesOption, MoreOption, note, pairs


def import_(
    format: Annotated[str, typer.Argument(help="llava or sharegpt.")],
    file: Annotated[Path, typer.Argument(help="A JSON list of conversations, or JSON lines.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for examples, preferences and what was lost.")],
    dialect: Annotated[str | None, typer.Option(help="How boxes are written; `relata list dialects`.")] = None,
    images: ImagesOption = None,
    option: MoreOption = None,
) -> None:
    """Read conversations of another tool as examples.

    Parts of records that could not be read are told in OUT/rejected.jsonl, each with its place.

    \b
    Example: relata import llava train.json --dialect asmv2 --images coco --out examples
    """
    from yaml import safe_load

    from relata.formats import import_

    options = {key: safe_load(value) for key, value in pairs(option, "--option").items()}
    told = import_(format, file, out, dialect=dialect, images=images, **options)
    typer.echo(f"{told}: {out}")
    if told.rejected or told.problems:
        note(f"what was lost, and why: {out / 'rejected.jsonl'}")
