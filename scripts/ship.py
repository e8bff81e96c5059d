"""Put a trained checkpoint into the package: weights in bfloat16, and a card that says where it comes from.

python scripts/ship.py runs/tiny tiny --command "relata train ..." --minutes 31 --marks runs/exam.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

import relata
from relata.models.processing import RelataProcessor
from relata.models.relata import RelataForConditionalGeneration

CHECKPOINTS = Path(relata.__file__).parent / "models" / "checkpoints"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("name")
    parser.add_argument("--command", required=True, help="what trained it")
    parser.add_argument("--commit", required=True, help="of the code that trained it")
    parser.add_argument("--minutes", required=True, help="how long that took, and on what")
    parser.add_argument("--marks", type=Path, help="exam of this checkpoint: the JSON of benchmarks/exam.py")
    options = parser.parse_args()
    target = CHECKPOINTS / options.name
    RelataForConditionalGeneration.from_pretrained(options.source, dtype=torch.bfloat16).save_pretrained(target)
    RelataProcessor.from_pretrained(options.source).save_pretrained(target)
    run = json.loads((options.source / "run.json").read_text())
    (target / "README.md").write_text(card(options, run))
    size = sum(path.stat().st_size for path in target.iterdir()) / 1e6
    print(f"{target}: {size:.1f} MB")


def card(options: argparse.Namespace, run: dict[str, object]) -> str:
    lines = [
        f"# {options.name}",
        "",
        "A region-token model trained from zero on rendered scenes (`relata synth`). It knows coloured shapes and nine",
        "predicates and nothing of photographs.",
        "",
        f"- command: `{options.command}`",
        f"- code: commit {options.commit}, seed {run.get('seed', 0)}, torch {torch.__version__}",
        f"- time: {options.minutes}",
        "- weights: bfloat16, the running average of the last steps",
    ]
    if options.marks:
        marks = json.loads(options.marks.read_text())
        seeing = {kind: row["seeing"] for kind, row in marks["test"][0]["kinds"].items()}
        held_out = {kind: row["seeing"]["value"] for kind, row in marks["heldout"][0]["kinds"].items()}
        lines += ["", "| question | asked | test scenes | held-out combinations |", "|---|---|---|---|"]
        lines += [
            f"| {kind} | {mark['count']} | {mark['value']:.3f} | {held_out[kind]:.3f} |"
            for kind, mark in sorted(seeing.items())
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
