"""Speed of the rendered world on one core: `python benchmarks/synth.py [SCENES]`."""

from __future__ import annotations

import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from relata.synth import scenes, write
from relata.synth.edit import edit
from relata.synth.render import masks, render
from relata.synth.world import sample, world


def rate(work: Callable[[], object], count: int, runs: int) -> tuple[float, float]:
    """Best and median number of items a second of processor time."""
    rates = []
    for _ in range(runs):
        start = time.process_time()
        work()
        rates.append(count / (time.process_time() - start))
    return max(rates), statistics.median(rates)


def main(count: int, runs: int) -> None:
    rng = Random(0)
    drawn = [sample(rng) for _ in range(count)]
    for scene in drawn:
        render(scene)  # fills the caches of shapes, as the first second of any run does
    few = count // 10

    def written() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), few)

    rows: list[tuple[str, int, Callable[[], object]]] = [
        ("sample + render", count, lambda: [render(sample(rng)) for _ in range(count)]),
        ("sample", count, lambda: [sample(rng) for _ in range(count)]),
        ("sample, heldout", few, lambda: [sample(rng, "heldout") for _ in range(few)]),
        ("world(seed, index)", count, lambda: [world(0, index) for index in range(count)]),
        ("render", count, lambda: [render(scene) for scene in drawn]),
        ("masks", count, lambda: [masks(scene) for scene in drawn]),
        ("edit", count, lambda: [edit(rng, scene) for scene in drawn]),
        ("scenes: records with masks", few, lambda: list(scenes(few))),
        ("write: records and PNG files", few, written),
    ]
    print(f"{platform.python_version()}, {os.cpu_count()} CPUs, one used; {count} scenes of 96 x 96 px, {runs} runs")
    print(f"{'items a second':32}{'best':>10}{'median':>10}")
    for name, items, work in rows:
        best, median = rate(work, items, runs)
        print(f"{name:32}{best:10,.0f}{median:10,.0f}")


if __name__ == "__main__":
    main(count=int(sys.argv[1]) if len(sys.argv) > 1 else 5000, runs=5)
