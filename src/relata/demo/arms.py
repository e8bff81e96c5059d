"""The two arms: one learns from relation turns among others, the other from the others alone.

Each is a process with one thread, `python -m relata.demo.arms RUN OUT RELATIONS OTHERS SCENES`, that trains and then
sits the exam. What it has finished is kept, so that a stopped demo goes on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from relata import store
from relata.exam import CONTROLS, Marks, examine
from relata.scene import decode, encode
from relata.train.config import Run, Stage

#: What both arms are asked, by weight: names, places and pairs of pictures; no relations.
OTHERS = {"name": 3.0, "size": 1.0, "where": 2.0, "list": 1.0, "count": 1.0}
PAIRS = {"match": 3.0, "match_back": 1.0, "transform": 4.0}
#: What the arm `with` is asked beside.
RELATIONS = {
    "relation": 5.0,
    "is": 3.0,
    "which": 2.0,
    "choose": 4.0,
    "choose_subject": 1.0,
    "choose_object": 1.0,
    "graph": 0.9,
}
MOVING = ["regions", "number", "image_number", "decoder", "query", "key"]


def run_of(name: str, base: Path, steps: int) -> Run:
    """The training run of an arm: the same for both but for the turns."""
    stage = Stage(
        name="training",
        objective="turns",
        train=MOVING,
        steps=steps,
        batch=12,
        turns={**OTHERS, **PAIRS, **(RELATIONS if name == "with" else {})},
        pairs=0.3,
    )
    return Run(name=name, stages=[stage], model=str(base), log_every=10)


def command(run: Path, out: Path, exam: tuple[int, int, int]) -> list[str]:
    """What starts an arm."""
    return [sys.executable, "-m", "relata.demo.arms", str(run), str(out), *map(str, exam)]


def marks(out: Path) -> Marks:
    """The exam of an arm that has finished."""
    path = out / "exam.json"
    return decode(path.read_bytes(), Marks, str(path))


def main(arguments: list[str]) -> None:
    from relata.models import load
    from relata.train.run import main as train

    out = Path(arguments[1])
    relations, others, scenes = map(int, arguments[2:])
    train(arguments[:2])
    if (out / "exam.json").is_file():
        return
    done, about = 0, len(CONTROLS) * (max(relations, others) + scenes) + scenes

    def tick() -> None:
        nonlocal done
        done += 1
        print(f"exam {done}/{about}", flush=True)

    found = examine(load(out), relations, others, scenes, tick=tick)
    store.write(out / "exam.json", [msgspec.json.format(encode(found), indent=2)])


if __name__ == "__main__":
    main(sys.argv[1:])
