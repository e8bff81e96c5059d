"""Commands that make data: list, read, synth, group, build."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from relata.cli._shared import ImagesOption, MoreOption, note, pairs, progress, whole
from relata.errors import RelataError
from relata.names import KINDS, listing


def names(
    kind: Annotated[str | None, typer.Argument(help=f"One of {', '.join(KINDS)}; all if not given.")] = None,
) -> None:
    """Show what exists: readers, recipes, benchmarks ...

    Every name is the name of a file in that folder of the package.

    \b
    Example: relata list readers
    """
    if kind is None:
        for each in KINDS:
            typer.echo(f"{each + ':':<12}{', '.join(listing(each))}")
        return
    found = listing(kind)
    width = max(map(len, found), default=0)
    for name in found:
        typer.echo(f"{name:<{width}}  {_about(kind, name)}")


def _about(kind: str, name: str) -> str:
    """The first line of a component's own description, read without importing it."""
    with (Path(__file__).parents[1] / kind / f"{name}.py").open(encoding="utf-8") as source:
        return source.readline().strip().strip('"').removeprefix(f"`{name}`").lstrip(": ")


def read(
    format: Annotated[str, typer.Argument(help="A reader; `relata list readers` shows them.")],
    annotations: Annotated[list[str], typer.Argument(help="Files, or folders that hold the format's files.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of scenes, or groups, to write.")],
    images: ImagesOption = None,
    also: Annotated[
        list[str] | None, typer.Option(help="FORMAT=PATH: more annotations of the same photos, merged by photo.")
    ] = None,
    option: MoreOption = None,
) -> None:
    """Turn published annotations into scenes, or into groups where a record is a pair of images or a clip.

    Records that are neither, and parts left out of those, go to a file beside the scenes, each with its reason.

    \b
    Example: relata read psg psg.json --images coco --out scenes.jsonl
    """
    from relata.readers import Reading, Rejected, read, read_many
    from relata.scene import Group, Scene, encode

    options = pairs(option, "--option")
    reading: Reading[Scene | Group]
    if also:
        reading = read_many([*(f"{format}={path}" for path in annotations), *also], images, **options)
    else:
        reading = read(format, annotations, images, **options)
    refused: list[Rejected] = []
    kept = 0
    with progress(counted=False) as shown, whole(out) as file:
        task = shown.add_task("reading", total=None)
        for item in reading.items():
            if isinstance(item, Rejected):
                refused.append(item)
            else:
                file.write(encode(item) + b"\n")
                kept += 1
                shown.advance(task)
    note(str(reading))
    if refused:
        beside = out.with_suffix(".rejected.jsonl")
        with whole(beside) as file:
            file.writelines(encode(item) + b"\n" for item in refused)
        if not kept:
            note(f"nothing was kept; the first: {refused[0].where}: {refused[0].reason}")
        note(f"what was left out, and why: {beside}")


def synth(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    n: Annotated[int, typer.Option("-n", min=0, help="How many scenes, or pairs.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    split: Annotated[str, typer.Option(help="train, test, or heldout.")] = "train",
    long_tailed: Annotated[bool, typer.Option("--long-tailed", help="Make some relations rare.")] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Pairs of a picture and an edited one.")] = False,
) -> None:
    """Render scenes whose relations are exactly known.

    Pictures go to OUT/images, records to OUT/scenes.jsonl (or groups.jsonl, with --pairs).

    \b
    Example: relata synth world -n 100
    """
    from relata.synth import write

    write(out, n, seed, split, long_tailed, pairs)
    note(f"{n} {'pairs' if pairs else 'scenes'}: {out / ('groups.jsonl' if pairs else 'scenes.jsonl')}")


def group(
    way: Annotated[str, typer.Argument(help="`relata list groups` shows them.")],
    scenes: Annotated[Path, typer.Option("--scenes", help="A file or folder of scenes.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the groups.")],
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random.")] = 0,
    option: MoreOption = None,
) -> None:
    """Put scenes together: pairs of one category, of one person, frames of a clip ...

    `build` does so by itself; this is for looking at the groups, or using them twice.

    \b
    Example: relata group category --scenes scenes.jsonl --out pairs
    """
    from relata.recipes import grouped
    from relata.scene import Group
    from relata.store import Writer

    options = _values(option)
    with progress(counted=False) as shown, Writer(out, Group, {"way": way, "seed": seed, "options": options}) as writer:
        task = shown.add_task("grouping", total=None)
        for each in grouped(way, scenes, seed, **options):
            writer.add(each)
            shown.advance(task)
    note(f"groups: {out}")


def build(
    recipe: Annotated[str, typer.Argument(help="`relata list recipes` shows them.")],
    scenes: Annotated[Path, typer.Option("--scenes", help="A file or folder of scenes or groups.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for records, rejections and report.")] = None,
    teacher: Annotated[str, typer.Option(help="rules: no key, no network. `relata list teachers`.")] = "rules",
    plan: Annotated[bool, typer.Option("--plan", help="Only tell what it would cost; nothing is asked.")] = False,
    budget: Annotated[float | None, typer.Option(help="US dollars that all calls may cost together.")] = None,
    images: ImagesOption = None,
    groups: Annotated[str | None, typer.Option(help="How scenes are put together; `relata list groups`.")] = None,
    filter: Annotated[str, typer.Option(help="Filters, with commas; options as geometry:strict=true.")] = "",
    judge: Annotated[str | None, typer.Option(help="Whom filters ask; the teacher if not given.")] = None,
    ledger: Annotated[Path | None, typer.Option(help="File of paid replies; OUT/ledger.sqlite if not given.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="Host that images may be fetched from; may be repeated.")
    ] = None,
    exclude: Annotated[Path | None, typer.Option(help="Text file of images that must not be used.")] = None,
    engine: Annotated[str, typer.Option(help="Where work runs: local, or ray.")] = "local",
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    seed: Annotated[int, typer.Option(help="Of all that is drawn at random.")] = 0,
    retry: Annotated[bool, typer.Option("--retry", help="Ask again what had no reply in an earlier run.")] = False,
    option: MoreOption = None,
) -> None:
    """Turn scenes or groups into training examples.

    A stopped run goes on where it was when it is started again; what was paid for is used.

    \b
    Example: relata build rec --scenes world/scenes.jsonl --out examples
    """
    from relata.ledger import NAME, Ledger
    from relata.recipes import build, estimate

    names = tuple(name.strip() for name in filter.split(",") if name.strip())
    file = ledger or (out / NAME if out else None)
    common: dict[str, Any] = {
        "images": images, "groups": groups, "filters": names, "judge": judge, "seed": seed, "ledger": file,
        "exclude": () if exclude is None else exclude, **_values(option),
    }  # fmt: skip
    if plan:
        typer.echo(estimate(recipe, scenes, teacher, **common))
        return
    if out is None:
        raise RelataError("--out is missing: the folder for the records")
    with progress(counted=False) as shown:
        task = shown.add_task("done", total=None)
        report = build(
            recipe,
            scenes,
            teacher,
            out=out,
            engine=engine,
            workers=workers,
            budget=budget,
            retry=retry,
            hosts=allow_host or (),
            tick=lambda done: shown.advance(task, done),
            **common,
        )
    typer.echo(report)
    if file and file.exists():
        with Ledger(file) as filed:
            spent = filed.spent()
        why = f"; why: relata ledger {file}" if spent.failures else ""
        note(f"{file}: {spent.calls} replies, {spent.failures} failures, ${spent.cost:.4f} in all{why}")
    if report.failed and not report.kept:
        raise typer.Exit(1)  # whoever runs this in a script must not go on with nothing


def _values(option: list[str] | None) -> dict[str, Any]:
    """Options as YAML reads their values: numbers, lists, words."""
    from yaml import safe_load

    return {key: safe_load(value) for key, value in pairs(option, "--option").items()}
