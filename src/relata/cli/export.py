"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import ImagesOption, MoreOption, note, pairs


def export(
    data: Annotated[Path, typer.Argument(help="A file or folder of examples or preferences; or of scenes.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file, or folder of files, to write.")],
    format: Annotated[str, typer.Option(help="`relata list formats` shows them.")] = "llava",
    dialect: Annotated[str | None, typer.Option(help="How boxes are written; `relata list dialects`.")] = None,
    images: ImagesOption = None,
    card: Annotated[Path | None, typer.Option(help="Folder for a dataset card with drawn samples.")] = None,
    licence: Annotated[list[str] | None, typer.Option(help="SOURCE=LICENCE, for the card; may be repeated.")] = None,
    option: MoreOption = None,
) -> None:
    """Write examples as another tool reads them: LLaVA, ms-swift, TRL, WebDataset, Label Studio.

    With --images every image is checked. Records that cannot be written go to a file beside OUT, each with its reason.

    \b
    Example: relata export run/examples --format llava --dialect asmv2 --images world --out train.json
    """
    from yaml import safe_load

    from relata.formats import export

    options = {key: safe_load(value) for key, value in pairs(option, "--option").items()}
    told = export(data, format, out, dialect=dialect, images=images, **options)
    typer.echo(f"{told}: {out}")
    if told.rejected:
        if not told.written:
            note(f"nothing was written; the first: {told.rejected[0].where}: {told.rejected[0].reason}")
        note(f"what was left out, and why: {out.with_suffix('.rejected.jsonl')}")
    if card is not None:
        from relata.card import card as describe

        licences = {name.strip(): text for name, text in pairs(licence, "--licence").items()}
        page = describe(data, card, images, dialect=dialect or "plain", licences=licences)
        note(f"card: {page}")
