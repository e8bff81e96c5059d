"""Build every recipe offline on a folder of real data, and write a page that shows samples of each beside its counts.

python scripts/gallery.py DATA                  # runs/gallery/index.html
python scripts/gallery.py DATA --only rec edit

DATA holds photos of COCO with annotations, defects, and frames of clips; docs/recipes.md has the counts of one.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

import relata
from relata.names import listing
from relata.readers import read_many
from relata.scene import Group, Scene
from relata.view.load import load
from relata.view.report import Gallery, Prose, Section, Table, report

#: Records of one type in a gallery.
SHOWN = 60


class Run(NamedTuple):
    """What one recipe is given."""

    source: Callable[[Path], Iterator[Scene | Group]]
    images: str = "coco_photos/images"
    options: dict[str, Any] = {}
    most: int = 150
    """Scenes or groups, at most."""


def photos(data: Path) -> Iterator[Scene | Group]:
    """Photos with everything that was annotated on them: objects, masks, captions, what people do, graphs."""
    notes = data / "coco_photos" / "annotations"
    folder = data / "coco_photos" / "images"
    specs = [f"coco={notes / 'tiny_coco'}", f"vcoco={notes / 'vcoco'}", f"ferret={data / 'ferret_bench'}"]
    return (scene for scene in read_many(specs, folder, masks=True) if (folder / scene.image).is_file())


def related(data: Path) -> Iterator[Scene | Group]:
    """Those of the photos that have relations."""
    return (scene for scene in photos(data) if isinstance(scene, Scene) and scene.relations)


def boards(data: Path) -> Iterator[Scene | Group]:
    """Flawless and flawed circuit boards, in pairs."""
    return iter(relata.read("deep_pcb", data / "defects" / "deep_pcb", images=data / "defects" / "deep_pcb"))


def tiles(data: Path) -> Iterator[Scene | Group]:
    """Magnet tiles, with and without a defect."""
    return iter(relata.read("magnetic_tile", data / "defects" / "magnetic_tile"))


def clips(data: Path) -> Iterator[Scene | Group]:
    """The frames of two clips."""
    for name in ("bedroom", "judo"):
        for path in sorted((data / "video" / name).glob("*.jpg")):
            with Image.open(path) as image:
                yield Scene(f"{name}/{path.stem}", f"{name}/{path.name}", *image.size)


RUNS = {
    "rec": Run(related),
    "similarity": Run(photos),
    "contrast": Run(boards, "defects/deep_pcb"),
    "temporal": Run(clips, "video", {"most": 6, "folders": True}),
    "geometry": Run(photos, most=24),
    "episodes": Run(tiles, "defects/magnetic_tile", {"why": True}),
    "comparison": Run(photos),
    "cad_qa": Run(photos, options={"groups": "nouns", "least": 3}),
    "completion": Run(photos),
    "graph_tasks": Run(photos),
    "edit": Run(photos),
    "spatial": Run(photos),
    "negatives": Run(related),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/gallery"))
    parser.add_argument("--only", nargs="*", default=listing("recipes"), help="these recipes")
    options = parser.parse_args()
    rows, sections = [], []
    for name in options.only:
        row, shown = made(name, RUNS[name], options.data, options.out / name)
        rows.append(row)
        sections += shown
        print(" | ".join(map(str, row)), flush=True)
    head = Table("Recipes", ("recipe", "given", "read", "kept", "rejected", "kinds"), tuple(rows))
    print(report(options.out / "page", [head, *sections], "Every recipe on real photos"))


def made(name: str, run: Run, data: Path, out: Path) -> tuple[tuple[str | int, ...], list[Section]]:
    """The counts of a recipe's run, made anew, and its galleries."""
    sources = [source for source, _ in zip(run.source(data), range(run.most))]
    shutil.rmtree(out, ignore_errors=True)
    images = data / run.images
    found = relata.build(name, sources, images=images, out=out, **run.options)
    kinds = ", ".join(f"{kind.removeprefix(f'{name}/')} {count}" for kind, count in found.kinds.items())
    shown = [
        sampled(name, section) if isinstance(section, Gallery) else section
        for section in load(out, images, sys.maxsize - 1)
    ]
    if not found.kept:
        shown = [Prose(name, f"Nothing was kept: {found.reasons}")]
    return (name, len(sources), found.read, found.kept, found.rejected + found.failed, kinds), shown


def sampled(name: str, gallery: Gallery) -> Gallery:
    """Records of every kind in turn, from all over the run, instead of all those of the first few photos."""
    kinds: dict[str, list[Any]] = {}
    for record in random.Random(0).sample(gallery.records, len(gallery.records)):
        kinds.setdefault(getattr(record, "recipe", ""), []).append(record)
    turns = (record for row in zip_longest(*kinds.values()) for record in row if record is not None)
    shown = tuple(islice(turns, SHOWN))
    count = f"{len(shown):,} of {gallery.notes[0]}" if len(shown) < len(gallery.records) else gallery.notes[0]
    return gallery.replace(title=f"{name}: {count}", records=shown, notes=(count, *gallery.notes[1:]))


if __name__ == "__main__":
    main()
