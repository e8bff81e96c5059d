"""How fast the rule teacher writes examples: python benchmarks/rules.py [--scenes 400] [--runs 5]

Prints examples per second of processor time on one core, for the recipe `rec` on scenes that it makes up (12 regions
and 8 relations each): the teacher's replies alone; with their prompts, and read back into checked examples; and
`build`, from a file of scenes to a finished folder. Processor time leaves out waiting for the disk and for other
programs; the last column has the wall clock.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import relata
from relata.recipes import rec
from relata.recipes._here import Here
from relata.scene import Box, Region, Relation, Scene, encode

LABELS = (
    "person", "person", "person", "man", "woman", "dog", "cat", "car", "bus", "tree", "bench", "umbrella", "kite",
    "backpack", "skis", "grass", "sky", "building", "wall", "table", "cup", "bottle", "chair", "trees", "remote",
)  # fmt: skip
PREDICATES = (
    "on", "in front of", "beside", "holding", "attached to", "on back of", "left of", "looking at", "has", "wearing",
    "standing on", "sitting on", "behind", "over", "parked on", "carrying", "near", "under", "leaning on", "riding",
)  # fmt: skip


def scene(number: int, rng: random.Random, regions: int = 12, relations: int = 8) -> Scene:
    """A made-up scene of 640 x 480 pixels."""
    found = []
    for id in range(regions):
        x, y = rng.uniform(0, 560), rng.uniform(0, 400)
        box = Box(x, y, min(x + rng.uniform(20, 300), 640), min(y + rng.uniform(20, 300), 480))
        found.append(Region(id, rng.choice(LABELS), box))
    pairs = [rng.sample(range(regions), 2) for _ in range(relations)]
    related = tuple(Relation(s, rng.choice(PREDICATES), o) for s, o in pairs)
    return Scene(f"made-{number}", f"{number}.jpg", 640, 480, tuple(found), related)


def items(scenes: list[Scene]) -> list[rec.Item]:
    """All that is asked about some scenes."""
    found = (item for one in scenes for item in rec.items(one, Here(random.Random(one.id), Path(), Path())))
    return [item for item in found if isinstance(item, rec.Item)]


def replies(scenes: list[Scene]) -> int:
    """The teacher's replies alone."""
    asked = items(scenes)
    return sum(bool(rec.offline(item, random.Random(item.id))) for item in asked)


def examples(scenes: list[Scene]) -> int:
    """Replies, prompts and the examples read from the replies."""
    asked = items(scenes)
    return sum(bool(rec.prompt(item) and rec.read(rec.offline(item, random.Random(item.id)), item)) for item in asked)


def built(scenes: list[Scene]) -> int:
    """`build`, from a file of scenes to a finished folder."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "scenes.jsonl"
        source.write_bytes(b"".join(encode(one) + b"\n" for one in scenes))
        return relata.build("rec", source, out=Path(folder) / "run").kept


def rates(work: Callable[[list[Scene]], int], scenes: list[Scene], runs: int) -> list[tuple[float, float]]:
    """Examples per second of each run, by processor time and by the wall clock."""
    found = []
    for _ in range(runs):
        wall, busy = time.perf_counter(), time.process_time()
        made = work(scenes)
        found.append((made / (time.process_time() - busy), made / (time.perf_counter() - wall)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    rng = random.Random(0)
    scenes = [scene(number, rng) for number in range(chosen.scenes)]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, one used"
    print(f"{machine}; {chosen.scenes} scenes, {chosen.runs} runs")
    print(f"{'examples per second':20s} {'best':>8s} {'median':>8s} {'best, wall':>12s}")
    for work in (replies, examples, built):
        busy, wall = zip(*rates(work, scenes, chosen.runs))
        print(f"{work.__name__:20s} {max(busy):8.0f} {statistics.median(busy):8.0f} {max(wall):12.0f}")


if __name__ == "__main__":
    main()
