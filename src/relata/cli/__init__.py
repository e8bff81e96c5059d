"""The program `relata`: one command per verb, in the order of the pipeline, each a thin function over the library.

Results go to standard output and to files, for programs; progress and notes go to standard error, for people. The
user's mistakes are one line and exit code 2; any other exception keeps its traceback.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

import typer
from typer.core import TyperGroup

from relata.cli import (
    check,
    data,
    edits,
    export,
    filter,
    import_,
    ledger,
    models,
    questions,
    regions,
    scores,
    serve_script,
    show,
)
from relata.errors import RelataError

__all__ = ["app", "main"]


class _Program(TyperGroup):
    """The group of commands, which tells the user's mistakes in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except RelataError as error:
            typer.echo(f"relata: {error}", err=True)
            raise typer.Exit(2) from error


def _version(wanted: bool) -> None:
    if wanted:
        from relata import __version__

        typer.echo(f"relata {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=_Program,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: a quarter of a second faster
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def relata(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Vision-language models that understand relations: their data, training, use, scores and pages.

    The stages write files that the next ones read: scenes, examples, weights, answers, scores.
    """


for name, command in (
    ("list", data.names),
    ("read", data.read),
    ("synth", data.synth),
    ("propose", regions.propose),
    ("salient", regions.salient),
    ("group", data.group),
    ("build", data.build),
    ("ledger", ledger.ledger),
    ("filter", filter.filter),
    ("coverage", filter.coverage),
    ("edits", edits.edits),
    ("check", check.check),
    ("export", export.export),
    ("import", import_.import_),
    ("train", models.train),
    ("predict", models.predict),
    ("graph", models.graph),
    ("compare", models.compare),
    ("locate", models.locate),
    ("exam", scores.exam),
    ("questions", questions.questions),
    ("eval", scores.evaluate),
    ("score", scores.score),
    ("view", show.view),
    ("serve-script", serve_script.serve_script),
    ("demo", show.demo),
):
    app.command(name)(command)


def _warn(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
    if category is UserWarning:  # ours are for the user; those of libraries are of other kinds
        typer.echo(f"relata: {message}", err=True)


def main() -> None:
    """What the installed program `relata` runs."""
    warnings.showwarning = _warn
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")  # we show our own
    app(prog_name="relata")
