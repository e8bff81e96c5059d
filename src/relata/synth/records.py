"""Worlds as the records that everything else speaks in, and as files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

from relata.errors import RelataError
from relata.geometry import rle_encode
from relata.scene import Box, Group, Link, Region, Relation, Scene, encode
from relata.synth.captions import captions
from relata.synth.edit import TRANSFORMS, Pair, edit
from relata.synth.render import Pixels, masks, render
from relata.synth.rules import COLOURS, PREDICATES, SIZE, TEXTURES
from relata.synth.shapes import SHAPES
from relata.synth.world import World, world

#: Where pictures go under the output folder, and so the first part of every scene's `image`.
IMAGES = "images"


def to_scene(
    world: World,
    id: str,
    image: str = "",
    identities: Mapping[int, str] = {},
    provenance: Mapping[str, str] = {},
    full: bool = True,
) -> Scene:
    """The record of a world; region ids are its object numbers.

    Boxes are around whole objects, masks around what can be seen of them. Attributes are colour, texture, shape and
    size (`small` or `large`, which no label tells). Captions depend on the world and `id` alone. Masks and captions
    are most of the work, and are left out unless `full`.
    """
    seen = [rle_encode(mask) for mask in masks(world)] if full else [None] * len(world)
    regions = tuple(
        Region(
            id=i,
            label=world.label(i),
            box=Box(*world.boxes[i]),
            mask=seen[i],
            attributes=(
                COLOURS[world.colours[i]],
                TEXTURES[world.textures[i]],
                SHAPES[world.shapes[i]],
                "large" if world.large[i] else "small",
            ),
            identity=identities.get(i),
        )
        for i in range(len(world))
    )
    relations = tuple(
        Relation(subject=i, predicate=PREDICATES[predicate], object=j, kind="spatial", source="synth")
        for (i, j), predicate in sorted(world.relations.items())
    )
    return Scene(
        id=id,
        image=image,
        width=SIZE,
        height=SIZE,
        regions=regions,
        relations=relations,
        captions=captions(world, Random(f"relata caption {id}")) if full else (),
        provenance=dict(provenance),
    )


def to_group(pair: Pair, id: str) -> Group:
    """The record of an edited pair, without masks, captions and identities."""
    scenes = (to_scene(pair.before, f"{id}-before", full=False), to_scene(pair.after, f"{id}-after", full=False))
    return Group(id=id, scenes=scenes, links=_links(pair))


def _links(pair: Pair) -> tuple[Link, ...]:
    transforms = {i: None if kind == TRANSFORMS[0] else kind for i, kind in pair.transforms.items()}
    return tuple(Link(first=(0, i), second=(1, j), transform=transforms[i]) for i, j in pair.links)


def scenes(
    n: int, seed: int = 0, split: str = "train", out: Path | None = None, long_tailed: bool = False
) -> Iterator[Scene]:
    """The first `n` scenes of a seed and split; any prefix of a longer run is the same.

    With `out`, their pictures are written to `out/images`; `image` is a path relative to `out` either way.

    Raises:
        RelataError: on a split that does not exist.
    """
    for index in range(n):
        drawn = world(seed, index, split, long_tailed)
        name = f"synth-{'tailed-' if long_tailed else ''}{split}-{seed}-{index:06d}"
        yield _recorded(drawn, name, out, _provenance(seed, index, split))


def groups(n: int, seed: int = 0, split: str = "train", out: Path | None = None) -> Iterator[Group]:
    """The first `n` pairs of a picture and an edited one; regions that are the same object share an `identity`.

    A link's `transform` is one of `relata.synth.edit.TRANSFORMS`, None for `same`. `out` as in `scenes`.

    Raises:
        RelataError: on a split that does not exist.
    """
    for index in range(n):
        before = world(seed, index, split)
        pair = edit(Random(f"relata edit {seed} {split} {index}"), before, split)
        yield _grouped(pair, f"synth-pair-{split}-{seed}-{index:06d}", out, _provenance(seed, index, split))


def write(
    out: Path, n: int, seed: int = 0, split: str = "train", long_tailed: bool = False, pairs: bool = False
) -> None:
    """Write `n` scenes to `out/scenes.jsonl`, or as many pairs to `out/groups.jsonl`, with pictures in `out/images`.

    The records appear under their name only when all are there; equal arguments give equal files.

    Raises:
        RelataError: on a split that does not exist, or a folder or file that cannot be written.
    """
    target = out / ("groups.jsonl" if pairs else "scenes.jsonl")
    unfinished = target.with_suffix(".part")
    records: Iterator[Scene | Group] = (
        groups(n, seed, split, out) if pairs else scenes(n, seed, split, out, long_tailed)
    )
    try:
        out.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as file:
            file.writelines(encode(record) + b"\n" for record in records)
        unfinished.replace(target)
    except OSError as error:
        raise RelataError(f"cannot write {error.filename or target}: {error.strerror}") from error


def _recorded(
    drawn: World, name: str, out: Path | None, provenance: Mapping[str, str], identities: Mapping[int, str] = {}
) -> Scene:
    image = f"{IMAGES}/{name}.png"
    if out is not None:
        _save(render(drawn), out / image)
    return to_scene(drawn, name, image, identities, provenance)


def _grouped(pair: Pair, name: str, out: Path | None, provenance: Mapping[str, str]) -> Group:
    identities = {i: f"{name}-{i}" for i in range(len(pair.before))}
    later = {j: identities[i] for i, j in pair.links}
    return Group(
        id=name,
        scenes=(
            _recorded(pair.before, f"{name}-before", out, provenance, identities),
            _recorded(pair.after, f"{name}-after", out, provenance, later),
        ),
        links=_links(pair),
        provenance=dict(provenance),
    )


def _provenance(seed: int, index: int, split: str) -> dict[str, str]:
    return {"dataset": "synth", "seed": str(seed), "index": str(index), "split": split}


def _save(pixels: Pixels, path: Path) -> None:
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
