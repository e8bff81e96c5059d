"""Commands that make and use models: train, predict, graph, compare, locate."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relata.cli._shared import ModelOption, note, pictures, progress, whole
from relata.errors import RelataError

if TYPE_CHECKING:
    from relata.models.model import Model
    from relata.scene import Box, Scene
    from relata.tasks.comparison import Comparison
    from relata.train.config import Run

DetectorOption = Annotated[
    str | None, typer.Option(help="A transformers object detector (folder or name) that finds the regions.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def train(
    run: Annotated[Path, typer.Argument(help="A run file (YAML); configs/ has some.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for weights, resolved run and log.")],
    processes: Annotated[int, typer.Option("--processes", "-p", min=1, help="One per core, or per GPU.")] = 1,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE of the run, STAGE.KEY=VALUE of a stage; may be repeated."),
    ] = None,
) -> None:
    """Train a model as a run file says.

    A stopped run continues from its last checkpoint when it is started again.

    \b
    Example: relata train configs/tiny/tiny.yaml --out runs/tiny --processes 2
    """
    from relata.train.config import load
    from relata.train.launch import together, torchrun

    plan = load(run, changes or ())  # the user's mistakes are told before any process starts
    total = sum(stage.steps for stage in plan.stages)
    before = {stage.name: sum(s.steps for s in plan.stages[:k]) for k, stage in enumerate(plan.stages)}
    with progress() as shown:
        task = shown.add_task("training", total=total)

        def tick(stage: str, step: int, rest: str) -> None:
            shown.update(task, completed=before[stage] + step, description=f"{stage}  {rest}")

        if processes > 1:
            together(
                [torchrun(run, out, processes, changes or ())], lambda _, stage, step, __, rest: tick(stage, step, rest)
            )
        else:
            _train_here(plan, out, tick)
    typer.echo(out)


def _train_here(run: Run, out: Path, tick: Callable[[str, int, str], None]) -> None:
    """Train in this process, with one thread unless the environment says otherwise."""
    import torch

    from relata.train.run import train

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    train(run, out, lambda stage, step, _, line: tick(stage, step, f"loss {line['loss']:.3f}"))


def predict(
    images: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file of scenes to write.")],
    model: ModelOption = "tiny",
    detector: DetectorOption = None,
) -> None:
    """Write the scene graphs of many pictures.

    A picture that cannot be opened is named and left out.

    \b
    Example: relata predict world/images --out graphs.jsonl
    """
    from PIL import Image

    from relata.models import load
    from relata.scene import encode

    paths, loaded, regions, lost = pictures(images), load(model), _proposer(detector), 0
    with progress() as shown, whole(out) as file:
        for path in shown.track(paths, description="pictures"):
            try:
                scene = loaded.graph(path, regions(path))
            except (RelataError, OSError, Image.DecompressionBombError) as error:
                lost += 1
                note(f"left out {path}: {error}")
                continue
            file.write(encode(scene) + b"\n")
    note(f"{len(paths)} pictures = {len(paths) - lost} scenes + {lost} left out: {out}")


def _proposer(detector: str | None) -> Callable[[Path], list[Box] | None]:
    """Where the regions of a picture come from: a detector, or None for the model's own eye."""
    if detector is None:
        return lambda _: None
    from relata.images import own
    from relata.models.propose import Proposer

    propose = Proposer(detector)
    return lambda path: [region.box for region in propose(own(path))]


def graph(
    image: Annotated[Path, typer.Argument(help="A picture.")],
    json: JsonOption = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print a Graphviz file.")] = False,
    svg: Annotated[bool, typer.Option("--svg", help="Print a drawing: picture, boxes, graph.")] = False,
    html: Annotated[bool, typer.Option("--html", help="Print a page.")] = False,
    model: ModelOption = "tiny",
    detector: DetectorOption = None,
) -> None:
    """Print the scene graph of a picture.

    As text: a line per relation, `plain red circle [0] left of striped blue square [1]`, then what is in none.

    \b
    Example: relata graph picture.png --svg > graph.svg
    """
    from relata.models import load
    from relata.scene import encode
    from relata.view import graph as drawn

    if json + dot + svg + html > 1:
        raise RelataError("--json, --dot, --svg and --html exclude each other; give one")
    (path,) = pictures([image])
    loaded, regions = load(model), _proposer(detector)
    scene = loaded.graph(path, regions(path))
    _warn(loaded, scene)
    if json:
        typer.echo(encode(scene).decode())
    elif dot:
        typer.echo(drawn.dot(scene), nl=False)
    elif svg:
        typer.echo(drawn.svg(scene, path.read_bytes()), nl=False)
    elif html:
        typer.echo(drawn.html(scene, path.read_bytes()), nl=False)
    else:
        typer.echo(drawn.text(scene), nl=False)


def compare(
    first: Annotated[Path, typer.Argument(help="A picture.")],
    second: Annotated[Path, typer.Argument(help="Another picture.")],
    json: JsonOption = False,
    model: ModelOption = "tiny",
) -> None:
    """Tell what two pictures share and how they differ.

    \b
    Example: relata compare before.png after.png
    """
    from relata.models import load
    from relata.scene import encode

    paths, loaded = pictures([first, second]), load(model)
    look = loaded.look(paths)
    found = loaded.compare_look(look)
    scenes = [loaded.graph(path, boxes) for path, boxes in zip(paths, look.regions)]
    _warn(loaded, scenes[0])
    if json:
        typer.echo(encode({"scenes": scenes, **found._asdict()}).decode())
    else:
        typer.echo("\n".join(_differences(found, *scenes)))


def _differences(found: Comparison, first: Scene, second: Scene) -> list[str]:
    from relata.view.words import name

    def told(change: str, before: int | None, after: int | None) -> str:
        ends = [name(scene.regions[k]) for scene, k in ((first, before), (second, after)) if k is not None]
        return f"{change + ':':<13}{' -> '.join(ends)}"

    same = [told("same", *pair) for pair in found.common]
    return same + [told(change, before, after) for before, after, change in found.differences]


def locate(
    image: Annotated[Path, typer.Argument(help="A picture.")],
    phrase: Annotated[str, typer.Argument(help="What to look for.")],
    json: JsonOption = False,
    model: ModelOption = "tiny",
) -> None:
    """Print the boxes of what a phrase names: left, top, right, bottom in pixels.

    \b
    Example: relata locate picture.png "plain red circle"
    """
    from relata.models import load
    from relata.scene import encode

    (path,) = pictures([image])
    boxes = load(model).locate(path, phrase)
    if json:
        typer.echo(encode(boxes).decode())
        return
    for box in boxes:
        typer.echo(" ".join(f"{value:.1f}" for value in box.tuple()))
    if not boxes:
        note(f"nothing found that is {phrase!r}")


def _warn(model: Model, scene: Scene) -> None:
    """Say so where a picture is not of the kind that the model was trained on."""
    side = model.processor.image_size
    if model.network.config.trained_on and (scene.width, scene.height) != (side, side):
        note(f"note: {model.network.config.trained_on}")
