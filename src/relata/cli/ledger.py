"""The command that shows a ledger, or saves what a damaged one still holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relata.cli._shared import note, show


def ledger(
    file: Annotated[Path, typer.Argument(help="A ledger; that of a run is ledger.sqlite in its folder.")],
    save: Annotated[Path | None, typer.Option(help="Write what can be read of it into a new file.")] = None,
) -> None:
    """Show what paid calls have cost, and why some were of no use.

    \b
    Example: relata ledger run/ledger.sqlite
    """
    from relata import accounts

    if save:
        saved = accounts.save(file, save)
        note(f"{save}: {saved.replies} replies and {saved.failures} failures saved, {saved.damaged} damaged left out")
        file = save
    show(
        "Calls that had a reply",
        ("teacher", "prompt", "calls", "kept", "tokens\nin", "tokens\nout", "dollars", "seconds\neach"),
        [
            (one.teacher, one.prompt, *map(str, one[2:6]), f"{one.cost:.4f}", f"{one.seconds:.2f}")
            for one in accounts.accounts(file)
        ],
    )
    show(
        "Calls that were of no use",
        ("because", "calls", "dollars"),
        [(why.cause, str(why.calls), f"{why.cost:.4f}") for why in accounts.causes(file)],
    )
