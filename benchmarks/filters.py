"""What filters catch and what they cost: python benchmarks/filters.py [--scenes 5000] [--data FOLDER]

Prints how many relations the filters judge in a second of processor time, and, for the rendered world, whose relations
are exactly known, the share of true relations that `geometry` keeps and of turned ones (subject and object swapped)
that it catches: with depth maps made of the order in which objects are drawn, and without. With a folder of real data
(coco_photos/, benchmarks/vsd/): what `geometry` makes of relations that people wrote or voted on; how well perceptual
hashes find copies of photos that were changed, and how often they take two photos for one.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

import relata
from relata import phash
from relata.english.meanings import SYMMETRIC, meaning
from relata.filters import Finding, frames, geometry, leaks, logic
from relata.readers import read_many
from relata.scene import Relation, Scene
from relata.synth.records import to_scene
from relata.synth.render import masks
from relata.synth.world import World, world

RADII = (4, 6, 8, 10, 12)
#: Relations as they are said, and with subject and object swapped.
SIDES = ("written", "turned")
#: Ways in which a photo changes as it goes about.
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "same pixels": lambda photo: photo,
    "JPEG, quality 75": lambda photo: jpeg(photo, 75),
    "JPEG, quality 30": lambda photo: jpeg(photo, 30),
    "JPEG, quality 10": lambda photo: jpeg(photo, 10),
    "half size": lambda photo: resized(photo, 0.5),
    "quarter size": lambda photo: resized(photo, 0.25),
    "224 x 224, not in proportion": lambda photo: photo.resize((224, 224), Image.Resampling.BICUBIC),
    "grey": lambda photo: ImageOps.grayscale(photo),
    "20 % brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.2),
    "30 % more contrast": lambda photo: ImageEnhance.Contrast(photo).enhance(1.3),
    "1 % cropped on each side": lambda photo: cropped(photo, 0.01),
    "2 % cropped on each side": lambda photo: cropped(photo, 0.02),
    "5 % cropped on each side": lambda photo: cropped(photo, 0.05),
    "8 % cropped on each side": lambda photo: cropped(photo, 0.08),
    "4 % cropped on the left": lambda photo: photo.crop((round(photo.width * 0.04), 0, photo.width, photo.height)),
    "5 % cropped at the bottom": lambda photo: photo.crop((0, 0, photo.width, round(photo.height * 0.95))),
    "half size and JPEG 50": lambda photo: jpeg(resized(photo, 0.5), 50),
}


def jpeg(photo: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    photo.save(data, "JPEG", quality=quality)
    return Image.open(data)


def resized(photo: Image.Image, by: float) -> Image.Image:
    return photo.resize((round(photo.width * by), round(photo.height * by)), Image.Resampling.LANCZOS)


def cropped(photo: Image.Image, by: float) -> Image.Image:
    x, y = round(photo.width * by), round(photo.height * by)
    return photo.crop((x, y, photo.width - x, photo.height - y))


def turned(scene: Scene) -> Scene:
    """The scene with each relation the other way round, but for those that hold both ways."""
    relations = (r for r in scene.relations if meaning(r.predicate) not in SYMMETRIC)
    return scene.replace(relations=tuple(r.replace(subject=r.object, object=r.subject) for r in relations))


def depth(drawn: World) -> np.ndarray:
    """A depth map: the background is far, what is drawn last is near."""
    values = np.zeros((96, 96), dtype=np.float32)
    seen = masks(drawn)
    for nearness, index in enumerate(drawn.order, 1):
        values[seen[index]] = nearness
    return values


def worlds(count: int) -> None:
    """What `geometry` keeps and catches where the truth is known."""
    said: Counter[tuple[str, str]] = Counter()
    ways = [("depth", False), ("masks", False), ("depth", True), ("masks", True)]
    found: dict[tuple[str, str, bool], Counter[str]] = {(how, *way): Counter() for how in SIDES for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        for index in range(count):
            drawn = world(7, index)
            scene = to_scene(drawn, f"w{index}", f"w{index}.png")
            np.save(Path(folder) / f"w{index}.npy", depth(drawn))
            for how, judged in zip(SIDES, (scene, turned(scene)), strict=True):
                said.update((how, relation.predicate) for relation in judged.relations)
                for by, strict in ways:
                    wrong = geometry.find(judged, depth=folder if by == "depth" else "", strict=strict)
                    found[how, by, strict].update(judged.relations[f.relation].predicate for f in wrong)
            (Path(folder) / f"w{index}.npy").unlink()
    names = sorted({name for _, name in said})
    print(f"\ngeometry on {count} rendered scenes: kept of what is true, caught of what is turned")
    heads = "".join(f"{by + (', strict' if strict else ''):>18s}" for by, strict in ways)
    print(f"{'predicate':18s} {'true':>7s} {'turned':>7s}{heads}")
    for name in [*names, "all"]:
        own = names if name == "all" else [name]
        true, false = (sum(said[how, n] for n in own) for how in SIDES)
        cells = ""
        for way in ways:
            lost, caught = (sum(found[how, *way][n] for n in own) for how in SIDES)
            cells += f"{share(true - lost, true)} {share(caught, false)} "
        print(f"{name:18s} {true:7d} {false:7d} {cells}")


def share(part: int, of: int) -> str:
    return f"{part / of:8.2%}" if of else f"{'-':>8s}"


def people(title: str, scenes: Iterable[Scene]) -> None:
    """What `geometry` makes of relations that people wrote, and of the same turned round."""
    said: Counter[str] = Counter()
    found: dict[tuple[str, bool], Counter[str]] = {}
    for scene in scenes:
        false = turned(scene)
        said.update(
            ("turned " if judged is false else "") + rule(r) for judged in (scene, false) for r in judged.relations
        )
        for strict in (False, True):
            for how, judged in zip(SIDES, (scene, false), strict=True):
                wrong = (rule(judged.relations[f.relation]) for f in geometry.find(judged, strict=strict))
                found.setdefault((how, strict), Counter()).update(wrong)
    print(f"\ngeometry on {title}; the last two with strict")
    print(f"{'meaning':12s} {'written':>8s} {'kept':>8s} {'caught':>8s} {'kept':>8s} {'caught':>8s}")
    names = sorted((name for name in said if name in geometry.RULES), key=lambda name: -said[name])
    for name in [*names, "all but symmetric"]:
        own = [name] if name in said else [n for n in names if n not in SYMMETRIC]
        written, false = (sum(said[how + n] for n in own) for how in ("", "turned "))
        shares = []
        for strict in (False, True):
            lost, caught = (sum(found[how, strict][n] for n in own) for how in SIDES)
            shares += [share(written - lost, written), share(caught, false)]
        print(f"{name:12s} {written:8d} {' '.join(shares)}")


def rule(relation: Relation) -> str:
    return meaning(relation.predicate) if geometry.knows(relation.predicate) else "no rule"


def ferret(folder: Path) -> list[Scene]:
    """The graphs of Ferret-Bench, one per photo; sizes do not matter here, for boxes are shares of the photo."""
    files = sorted(folder.glob("*/context.jsonl"))
    found = (s for file in files for s in relata.read("ferret", str(file), size="640x480") if isinstance(s, Scene))
    return list({scene.image: scene for scene in found}.values())


def voted(folder: Path) -> None:
    """What `geometry` makes of VSR's statements, which people voted true or false, where each of the two things that a
    statement names is annotated once in its photo."""
    kinds = ("tiny_coco", "tiny_coco_eng", "coco_mini", "coco_tiny_zz", "panoptic")
    sources = [f"coco={folder / 'annotations' / kind}" for kind in kinds]
    photos = {Path(scene.image).name: scene for scene in read_many(sources, folder / "images", masks=True)}
    sums: Counter[tuple[str, str]] = Counter()
    for line in (folder / "annotations" / "vsr_on_photos.jsonl").read_text().splitlines():
        statement = json.loads(line)
        scene, text = photos.get(statement["image"]), statement["caption"].lower()
        if scene is None or not geometry.knows(statement["relation"]):
            continue
        named = sorted((text.find(r.label.lower()), r.id) for r in scene.regions if r.label.lower() in text)
        if len(named) == 2 and named[0][0] != named[1][0]:
            said = scene.replace(relations=(Relation(named[0][1], statement["relation"], named[1][1]),))
            truth = "true" if statement["label"] else "false"
            sums.update({(truth, ""): 1, (truth, "found"): bool(geometry.find(said))})
            sums[truth, "strict"] += bool(geometry.find(said, strict=True))
    print("\ngeometry on statements that people voted on (VSR), both things annotated once")
    for truth in ("true", "false"):
        print(f"{sums[truth, '']} {truth}: found wrong {sums[truth, 'found']}, with strict {sums[truth, 'strict']}")


def copies(folder: Path) -> None:
    """Share of changed photos whose own original is found, and of photos for which another one is."""
    names = sorted(path.name for path in folder.glob("*.jpg"))
    parts = (phash.WHOLE, *phash.CROPS)
    hashes = {name: [phash.bits(grey, part) for part in parts] for name in names for grey in [phash.read(name, folder)]}
    found: dict[str, list[int]] = {change: [] for change in [*CHANGES, "mirrored, with mirror"]}
    for name in names:
        with Image.open(folder / name) as opened:
            photo = opened.convert("RGB")
        for change, make in CHANGES.items():
            found[change].append(distance([phash.bits(phash.grey(make(photo)))], hashes[name]))
        grey = phash.grey(ImageOps.mirror(photo))
        both = [phash.bits(grey), phash.bits(grey, mirror=True)]
        found["mirrored, with mirror"].append(distance(both, hashes[name]))
    print(f"\nperceptual hashes of {len(names)} photos: copies found, by bits that may differ")
    print(f"{'change':30s}" + "".join(f"{radius:8d}" for radius in RADII))
    for change, distances in found.items():
        print(f"{change:30s}" + "".join(share(sum(d <= r for d in distances), len(names)) for r in RADII))
    apart = [distance(hashes[a][:1], hashes[b]) for a in names for b in names if a != b]
    false = "".join(f"{sum(d <= radius for d in apart):8d}" for radius in RADII)
    print(
        f"{'different photos taken for one':30s}{false}   of {len(apart):,} pairs; the nearest differ in {min(apart)}"
    )
    tail = ", ".join(f"{bits} bits 1 in {len(apart) / sum(d <= bits for d in apart):,.0f}" for bits in (12, 14, 16, 18))
    print(f"pairs of different photos within {tail}")
    speed(names, folder)


def distance(some: list[int], others: list[int]) -> int:
    return min((a ^ b).bit_count() for a in some for b in others)


def speed(names: list[str], folder: Path) -> None:
    """How fast pictures are hashed and looked up."""
    start = time.process_time()
    for name in names:
        phash.bits(phash.read(name, folder))
    print(f"\nhashing {len(names) / (time.process_time() - start):.0f} photos a second")
    rng = np.random.default_rng(0)
    for size in (10_000, 100_000, 1_000_000):
        many = [(str(n), int(h)) for n, h in enumerate(rng.integers(0, 2**64, size, dtype=np.uint64))]
        start = time.process_time()
        index = phash.Index(many, leaks.BITS)
        built = time.process_time() - start
        start = time.process_time()
        asked = 2000
        hits = sum(index.near([hash ^ 0b101]) is not None for _, hash in many[:asked])
        rate = asked / (time.process_time() - start)
        assert hits == asked
        print(f"index of {size:,}: built in {built:.1f} s, {rate:,.0f} look-ups a second")


def timed(count: int) -> None:
    """Processor time of the filters that need no teacher."""
    scenes = [to_scene(world(7, index), f"w{index}", full=False) for index in range(count)]
    finds: tuple[tuple[str, Callable[[Scene], list[Finding]]], ...] = (
        ("geometry", geometry.find),
        ("logic", logic.find),
        ("frames", frames.find),
    )
    relations = sum(len(scene.relations) for scene in scenes)
    for name, find in finds:
        start = time.process_time()
        for scene in scenes:
            find(scene)
        print(f"{name}: {relations / (time.process_time() - start):,.0f} relations a second")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=5000)
    parser.add_argument("--data", type=Path, help="a folder of real data")
    chosen = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, one used")
    timed(chosen.scenes)
    worlds(chosen.scenes)
    if chosen.data:
        vsd = chosen.data / "benchmarks" / "vsd" / "VSDv1" / "val.json"
        scenes = [scene for scene in relata.read("vsd", str(vsd)) if isinstance(scene, Scene)]
        genome = [scene for scene in scenes if Path(scene.image).stem.isdigit()]
        people("Visual Genome's part of VSD, validation (sizes of photos by the extent of boxes)", genome)
        adversarial = [scene for scene in scenes if not Path(scene.image).stem.isdigit()]
        people("SpatialSense's part, written so that boxes do not give them away", adversarial)
        people("Visual Genome's graphs in Ferret-Bench", ferret(chosen.data / "ferret_bench"))
        for source, counts in frames.census(scenes).items():
            print(f"left and right, {source}: {counts}")
        voted(chosen.data / "coco_photos")
        copies(chosen.data / "coco_photos" / "images")


if __name__ == "__main__":
    main()
