"""What several commands share: options of components, pictures by path, progress with the time left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from relata.errors import RelataError, near

if TYPE_CHECKING:
    from rich.progress import Progress

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")

ModelOption = Annotated[str, typer.Option("--model", "-m", help="A shipped model, or the folder of a checkpoint.")]
ImagesOption = Annotated[Path | None, typer.Option(help="Folder that the records' image paths are relative to.")]
MoreOption = Annotated[list[str] | None, typer.Option("--option", help="KEY=VALUE, of the component; may be repeated.")]


def pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    """KEY=VALUE texts as a mapping.

    Raises:
        RelataError: naming the command line's option, on a text without `=`.
    """
    found = {}
    for text in texts or ():
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise RelataError(f"{option} {text!r} is not KEY=VALUE")
        found[key.replace("-", "_")] = value
    return found


def pictures(paths: Sequence[Path]) -> list[Path]:
    """The picture files named, and those in the folders named, in order.

    Raises:
        RelataError: if a path does not exist, or a folder holds no pictures.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES)
            if not inside:
                raise RelataError(f"{path} holds no pictures ({', '.join(PICTURES)})")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
            raise RelataError(f"no image {path}; {near(path.name, beside)}")
    return found


@contextmanager
def progress(counted: bool = True) -> Iterator[Progress]:
    """Bars on a terminal's standard error: what is done, how much of it, time so far and time left.

    With `counted=False`, where nobody knows how much there is, what is done and the time so far. A log has no bars.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    amount = MofNCompleteColumn() if counted else TextColumn("{task.completed:.0f}")
    left = (TextColumn("left"), TimeRemainingColumn()) if counted else ()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn(), *left)
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as shown:
        yield shown


def note(text: str) -> None:
    """Tell people something beside the result."""
    typer.echo(text, err=True)


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output, as wide as it has to be: a number that is cut off is worse than a long line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.width = max(console.width, Console(width=1000).measure(table).maximum)
    console.print(table)


@contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name only when all of it is there.

    Raises:
        RelataError: if it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise RelataError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
