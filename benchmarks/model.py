"""What sharing the images saves, on one core: ranking by a tree or by the plain loop, packed rows or one turn a row.

    OMP_NUM_THREADS=1 python benchmarks/model.py

Both sides of a ratio are timed in turn in the same run; medians are printed.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import time
from collections.abc import Callable

import torch

from relata.models import load
from relata.models.model import Look, Model
from relata.synth.render import render
from relata.synth.world import sample
from relata.tasks import relation
from relata.train.mixture import Mixture, Row
from relata.train.packing import collate, pack

ROUNDS = 7


def main() -> None:
    torch.set_num_threads(1)
    model = load("tiny")
    world = sample(random.Random(0), "test", (5, 5))
    pixels = render(world)
    look = model.look([pixels])
    pairs = [(i, j) for i in range(len(look.regions[0])) for j in range(len(look.regions[0])) if i != j]
    print(f"python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores, one used")
    print(f"median of {ROUNDS}; {len(pairs)} pairs x {len(model.network.config.predicates)} predicates\n")
    print("| what | plain | shared | plain / shared |\n|---|---|---|---|")
    versus("rank all pairs, ms", lambda: loop(model, look, pairs), lambda: tree(model, look, pairs), 1e3)
    rows = [Mixture({"relation": 1.0, "is": 1.0, "name": 1.0}).row(0, 0, index) for index in range(8)]
    versus("learn from 8 rows of turns, ms", lambda: apart(model, rows), lambda: packed(model, rows), 1e3)
    graph = [timed(lambda: model.graph(pixels)) for _ in range(ROUNDS)]
    print(f"\ngraph of {len(look.regions[0])} objects, found by the model: {statistics.median(graph) * 1e3:.0f} ms")


def versus(name: str, plain: Callable[[], object], shared: Callable[[], object], scale: float) -> None:
    times = [(timed(plain), timed(shared)) for _ in range(ROUNDS)]
    one, other = (statistics.median(column) * scale for column in zip(*times))
    ratio = statistics.median(a / b for a, b in times)
    print(f"| {name} | {one:.0f} | {other:.0f} | {ratio:.1f} |")


def timed(work: Callable[[], object]) -> float:
    """Seconds of processor time, which other work on the machine does not add to."""
    start = time.process_time()
    work()
    return time.process_time() - start


def tree(model: Model, look: Look, pairs: list[tuple[int, int]]) -> None:
    questions = [relation.question(look.mention(i), look.mention(j)) for i, j in pairs]
    look.rank(questions, [model.network.config.predicates] * len(pairs))


def loop(model: Model, look: Look, pairs: list[tuple[int, int]]) -> None:
    """A forward pass for every question and candidate."""
    for i, j in pairs:
        for predicate in model.network.config.predicates:
            look.rank([relation.question(look.mention(i), look.mention(j))], [[predicate]])


def packed(model: Model, rows: list[Row]) -> None:
    batch = collate(rows, [pack(row, model.processor, 168, None, "row") for row in rows], model.processor)
    learn(model, batch)


def apart(model: Model, rows: list[Row]) -> None:
    """The same turns, each with the images to itself."""
    for row in rows:
        kept = len(pack(row, model.processor, 168, None, "row").kinds)
        singles = [Row(row.images, row.regions, row.seen, [turn], row.sizes) for turn in row.turns[:kept]]
        learn(model, collate(singles, [pack(s, model.processor, 168, None, "row") for s in singles], model.processor))


def learn(model: Model, batch: dict[str, torch.Tensor]) -> None:
    batch.pop("turn")
    model.network(**batch).loss.backward()
    model.network.zero_grad()


if __name__ == "__main__":
    main()
