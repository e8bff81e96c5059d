"""The exam of trained models: mean and deviation over checkpoints of several seeds, with both controls.

    python benchmarks/exam.py runs/seed0 runs/seed1 runs/seed2 --out runs/exam.json

Prints a Markdown table: a row per kind of question; seeing, blind, wrong image and the held-out split.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import msgspec
import torch

from relata.exam import Marks, examine
from relata.models import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="folders of checkpoints, one per seed")
    parser.add_argument("--relations", type=int, default=450)
    parser.add_argument("--others", type=int, default=250)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--out", type=Path, help="where to write all marks as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sizes = {"relations": options.relations, "others": options.others, "scenes": options.scenes}
    test: list[Marks] = []
    held_out: list[Marks] = []
    for name in options.models:
        start = time.perf_counter()
        model = load(name)
        test.append(examine(model, **sizes))
        held_out.append(examine(model, **sizes, split="heldout", controls=("seeing",)))
        print(f"{name}: examined in {time.perf_counter() - start:.0f} s", flush=True)
    print(table(test, held_out))
    if options.out:
        both = {"test": test, "heldout": held_out}
        options.out.write_text(json.dumps(msgspec.to_builtins(both), indent=1))


def table(test: list[Marks], held_out: list[Marks]) -> str:
    """Markdown; shares with the deviation over seeds behind them."""
    lines = ["| question | asked | seeing | blind | wrong image | held-out combinations |", "|---|---|---|---|---|---|"]
    for kind, row in sorted(test[0].kinds.items()):
        cells = [spread([m.kinds[kind][control].value for m in test]) if control in row else "" for control in COLUMNS]
        cells.append(spread([m.kinds[kind]["seeing"].value for m in held_out]))
        lines.append(f"| {kind} | {row['seeing'].count} | {' | '.join(cells)} |")
    least = [min(m.predicates, key=lambda p: m.predicates[p]) for m in test]
    worst = spread([m.predicates[p] for m, p in zip(test, least)])
    lines.append(f"| relation, worst predicate ({', '.join(dict.fromkeys(least))}) | | {worst} | | | |")
    return "\n".join(lines)


COLUMNS = ("seeing", "blind", "wrong image")


def spread(values: list[float]) -> str:
    """Mean and standard deviation over seeds, of one seed its value."""
    mean = statistics.mean(values)
    return f"{mean:.3f}" if len(values) == 1 else f"{mean:.3f} ± {statistics.stdev(values):.3f}"


if __name__ == "__main__":
    main()
