"""How long the scene graph metrics take: `OMP_NUM_THREADS=1 python benchmarks/metrics.py [--images 5000] [--runs 5]`.

Random graphs of PSG's size classes: 100 predictions and 20 gold triplets per image, 30 regions, 133 labels, 56
predicates. Wall time tells what one waits, CPU time what the work costs even on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import time
from collections.abc import Callable

import numpy as np

from relata.metrics.graphs import Graph
from relata.metrics.matching import Match, match
from relata.metrics.recall import edges, mean_recall, per_predicate, recall
from relata.metrics.rules import preset
from relata.scene import Box, Region, Relation, Scene

PREDICATES = [f"predicate {p}" for p in range(56)]


def scene(name: str, regions: tuple[Region, ...], relations: int, rng: random.Random) -> Scene:
    rows = []
    for _ in range(relations):
        subject, object = rng.sample(range(len(regions)), 2)
        rows.append(Relation(subject, rng.choice(PREDICATES), object))
    return Scene(name, f"{name}.jpg", 640, 480, regions, tuple(rows))


def world(images: int, predictions: int, gold: int, objects: int, seed: int = 0) -> tuple[list[Scene], list[Scene]]:
    """Gold scenes and predicted ones over the same regions, so that many labels and boxes agree."""
    rng = random.Random(seed)
    golds, predicted = [], []
    for image in range(images):
        regions = []
        for k in range(objects):
            x, y = rng.uniform(0, 500), rng.uniform(0, 340)
            box = Box(x, y, x + rng.uniform(10, 140), y + rng.uniform(10, 140))
            regions.append(Region(k, f"class {rng.randrange(133)}", box))
        golds.append(scene(str(image), tuple(regions), gold, rng))
        predicted.append(scene(str(image), tuple(regions), predictions, rng))
    return golds, predicted


def timed(name: str, call: Callable[[], object], runs: int) -> None:
    wall, cpu = [], []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    print(f"{name:<52}{min(wall):8.2f}{statistics.median(wall):8.2f}{min(cpu):8.2f}{statistics.median(cpu):8.2f}")


def measure(name: str, gold: list[Scene], predicted: list[Scene], runs: int) -> None:
    """A table of the parts and the whole, in seconds."""
    rules = preset(name)

    def graphs() -> tuple[list[Graph], list[Graph]]:
        return [Graph.of(scene) for scene in gold], [Graph.of(scene) for scene in predicted]

    def matching() -> Match:
        return match(*prepared, rules, vocabulary=PREDICATES)

    def whole() -> None:
        result = match(*graphs(), rules, vocabulary=PREDICATES)
        for k in (20, 50, 100):
            recall(result, k)
            mean_recall(result, k)

    prepared = graphs()
    matched = matching()
    print(f"\n{name:<52}{'wall':>8}{'median':>8}{'CPU':>8}{'median':>8}")
    timed("Scene to Graph", graphs, runs)
    timed("match", matching, runs)
    timed("recall at one K, with interval", lambda: recall(matched, 20), runs)
    timed("mean recall at one K, with interval", lambda: mean_recall(matched, 20), runs)
    timed("recall per predicate, with intervals", lambda: per_predicate(matched, 20), runs)
    timed("precision, F1, hallucinated edges, with intervals", lambda: edges(matched, 20), runs)
    timed("all: Scenes to R and mR at 20, 50, 100", whole, runs)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--predictions", type=int, default=100)
    parser.add_argument("--gold", type=int, default=20)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{options.images} images x {options.predictions} predictions x {options.gold} gold; best of {options.runs}, s"
    )
    print(f"python {platform.python_version()}, numpy {np.__version__}, {os.cpu_count()} CPUs")
    gold, predicted = world(options.images, options.predictions, options.gold, objects=30)
    for name in ("openpsg-official", "openpsg-fixed"):
        measure(name, gold, predicted, options.runs)


if __name__ == "__main__":
    main()
