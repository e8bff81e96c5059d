"""Training works: rows are learnt by heart, a killed run goes on as if nothing had happened, two processes are one.

Each process that is killed is forked from a server that has imported everything once. All run on one thread: sums are
taken in another order with another number of threads.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import torch
import yaml
from safetensors.torch import load_file

import relata.train.run
from models.small import small
from relata.errors import RelataError
from relata.train.config import Run
from relata.train.mixture import ONE, TWO, Mixture
from relata.train.optim import Optimiser, rate
from relata.train.packing import collate, pack
from relata.train.run import Turns, train
from train.small_runs import REST, logged, run, stage


def test_four_rows_are_learnt_by_heart() -> None:
    """More than 95 % of the answer tokens of four rows, about fifty questions, in sixty steps."""
    model, processor = small(layers=1, width=128)
    mixture = Mixture(dict.fromkeys((*ONE, *TWO), 1.0), pairs=0.5)
    rows = [mixture.row(0, 0, index) for index in range(4)]
    packed = [pack(row, processor, 120, random.Random(index), "row") for index, row in enumerate(rows)]
    batch = collate(rows, packed, processor)
    job = Turns(model.train())
    optimiser = Optimiser(model.named_parameters(), 0.02, 2e-3)
    steps = 60
    for step in range(steps):
        loss, _, shown = job(batch)
        loss.backward()
        optimiser.step(rate(step, steps, 5, 0.3))
    assert sum(len(p.kinds) for p in packed) > 30
    assert shown["right"] > 0.95


#: Six steps of the tower, then six of the rest; checkpoints after 2 and 4 of each.
STAGES = (
    stage(name="see", objective="objects", train=["tower"], turns={}, pairs=0.0, steps=6, batch=2),
    stage(steps=6, batch=1, tokens=60),
)
RUN = run(*STAGES, save_every=2)
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["relata.train.run"])


class Killed:
    """Ends its process, as the power does, when a step has been logged."""

    def __init__(self, name: str, step: int) -> None:
        self.at = (name, step)

    def __call__(self, name: str, step: int, steps: int, line: dict[str, float]) -> None:
        if (name, step) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_while_saving(run: Run, out: Path, saves: int) -> None:
    """As if the power went before the checkpoint had its name, after some that had."""
    left = [saves]

    def replace(part: Path, whole: Path) -> None:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        part.replace(whole)

    relata.train.run.os.replace = replace  # type: ignore[assignment]
    train(run, out)


def trained(run: Run, out: Path, report: Killed | None = None) -> None:
    """Part of this module, so that a new process imports it, and with it the number of threads."""
    train(run, out, report)


def ended(target: Callable[..., None], *arguments: object) -> int | None:
    """The exit code of a process of its own."""
    process = PROCESSES.Process(target=target, args=(RUN, *arguments))
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_and_continued_is_unbroken(tmp_path: Path) -> None:
    """Killed at six places: before the first checkpoint, while one is written, between two, in the second stage."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert ended(trained, whole) == 0
    for name, step in (("see", 1), ("see", 5), ("relate", 1), ("relate", 3), ("relate", 6)):
        assert ended(trained, broken, Killed(name, step)) == -signal.SIGKILL
        if (name, step) == ("see", 1):
            assert ended(killed_while_saving, broken, 1) == -signal.SIGKILL
            assert (broken / "state.pt.part").is_file()
    assert torch.load(broken / "state.pt", weights_only=True)["step"] == 4
    assert ended(trained, broken) == 0

    assert logged(broken) == logged(whole)
    assert [(line["stage"], line["step"]) for line in logged(whole)] == [(s, k + 1) for s in (0, 1) for k in range(6)]
    assert (broken / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert not (broken / "state.pt").exists()


def test_two_processes_are_one_with_twice_the_rows(tmp_path: Path) -> None:
    """One step of two processes with two rows each, against one process with four, all in fp32.

    Gradients agree to 3e-7. Muon makes them nearly orthogonal in bf16, which turns that into some 2 % of a step: at a
    fiftieth of the full rate, as here, into less than 5e-5.
    """
    slow = {"steps": 1, "warmup": 50, "decay": 0.0}
    one, two = run(stage(batch=4, **slow), precision="fp32"), run(stage(batch=2, **slow), precision="fp32")
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(msgspec.to_builtins(two), sort_keys=False))
    spread = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*spread, "-m", "relata.train.run", str(tmp_path / "two.yaml"), str(tmp_path / "two")]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert ran.returncode == 0, ran.stderr[-2000:]
    train(one, tmp_path / "one")
    first, second = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    for name, tensor in first.items():
        if name != "mean_region":  # of regions after the step, not a weight
            assert (tensor - second[name]).abs().max() <= 5e-5, name  # Muon rounds its products to bfloat16
    assert torch.allclose(first["mean_region"], second["mean_region"], atol=1e-3)
    only_rank_0 = train(run(stage(batch=2, **slow), precision="fp32"), tmp_path / "half")
    half = load_file(only_rank_0 / "model.safetensors")["decoder.layers.0.mlp.up_proj.weight"]
    assert (half - first["decoder.layers.0.mlp.up_proj.weight"]).abs().max() > 5e-5, "both processes' rows count"


def test_stages_move_what_they_name(tmp_path: Path) -> None:
    """A stage of the tower, then one of the rest from its folder: each leaves the other's weights as they were."""
    before = train(run(STAGES[0].replace(steps=1)), tmp_path / "see")
    after = train(run(stage(steps=1, batch=1), model=str(before)), tmp_path / "relate")
    first, second = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    moved = {name.split(".")[0] for name in first if not torch.equal(first[name], second[name])}
    assert moved == {*REST, "mean_region"}
    assert second["mean_region"].abs().max() > 0


def test_a_row_that_cannot_be_trained_on_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(RelataError, match=r"step 0, row \d: a conversation of \d+ tokens does not fit into 20"):
        train(run(stage(tokens=20)), tmp_path)
