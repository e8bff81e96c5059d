"""One training run, from a run file to a folder with weights: a list of stages, each a list of steps.

`torchrun --nproc-per-node 2 -m relata.train.run configs/tiny/tiny.yaml DIR seed=1` runs two processes of one thread
each. A stopped run continues from its last checkpoint with the same losses: every step's data is a function of the
seed and the step, and the state of the optimiser and of the average is saved with the weights.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import send_to_device
from msgspec.structs import asdict
from torch import Tensor, nn

from relata.errors import RelataError
from relata.models import checkpoint
from relata.models.processing import RelataProcessor
from relata.models.relata import RelataForConditionalGeneration
from relata.models.tiny import create
from relata.scene import Scene, decode
from relata.store import records
from relata.train import objects
from relata.train.config import Run, Stage
from relata.train.config import load as load_run
from relata.train.conversations import Conversations
from relata.train.freeze import adapt, freeze, table
from relata.train.mixture import Mixture
from relata.train.optim import Average, Optimiser, rate
from relata.train.packing import collate, pack

Batch = dict[str, Tensor]
Report = Callable[[str, int, int, dict[str, float]], None]
_STATE = "state.pt"
#: The file that `save` writes last.
_LAST = "processor_config.json"


class Turns(nn.Module):
    """The model with its loss on packed turns; also the share of answer tokens it gets right."""

    def __init__(self, model: RelataForConditionalGeneration) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> tuple[Tensor, int, dict[str, float]]:
        """Mean loss of an answer token, how many there are, and what to show."""
        labels = batch["labels"]
        inputs = {k: v for k, v in batch.items() if k not in ("labels", "turn")}
        logits = self.model(**inputs).logits[:, :-1]
        target = labels[:, 1:]
        learnt = target != -100
        loss = F.cross_entropy(logits[learnt], target[learnt])
        right = (logits[learnt].argmax(-1) == target[learnt]).float().mean()
        return loss, int(learnt.sum()), {"right": float(right)}


def train(run: Run, out: Path, report: Report | None = None) -> Path:
    """Run all stages and save the model and processor to `out`; returns `out`. A run that is done is left as it is.

    Files: `run.json` (the run, its defaults written out), `log.jsonl` (loss and rates), `state.pt` (to continue), and
    the checkpoint in transformers' own layout.

    Raises:
        RelataError: if `out` holds another run.
    """
    # the thread count is part of the result: sums are taken in another order with another number of threads
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="no")
    out.mkdir(parents=True, exist_ok=True)
    with accelerator.main_process_first():
        _claim(run, out)
    if (out / _LAST).is_file() and not (out / _STATE).is_file():
        return out
    torch.manual_seed(run.seed)
    model, processor = build_model(run)
    state = _State.load(out, accelerator.num_processes)
    for number, stage in enumerate(run.stages):
        if number < state.stage:
            continue
        job = _Job(run, number, stage, model, processor, accelerator, out, report)
        job.run(state if number == state.stage else _State(number))
        state = _State(number + 1)
    if accelerator.is_main_process:
        save(model, processor, rows(run.stages[-1], processor.n_regions, accelerator.num_processes), out)
        (out / _STATE).unlink(missing_ok=True)
    accelerator.wait_for_everyone()
    return out


def build_model(run: Run) -> tuple[RelataForConditionalGeneration, RelataProcessor]:
    if run.model == "new":
        return create(run.layers, examples=Path(run.vocabulary) if run.vocabulary else None)
    folder = Path(run.model)
    if not (folder / "config.json").is_file():
        raise RelataError(f"model {run.model!r} is neither 'new' nor the folder of a checkpoint")
    return checkpoint(folder)


def _claim(run: Run, out: Path) -> None:
    """Write the resolved run, or check that the folder's run is this one."""
    path = out / "run.json"
    if not path.is_file():
        resolved = {**asdict(run), "stages": [asdict(stage) for stage in run.stages]}
        part = path.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(resolved), indent=2))
        part.replace(path)
    elif decode(path.read_bytes(), Run, str(path)) != run:
        raise RelataError(f"{path} is of another run; give another folder, or remove it")


class _State(msgspec.Struct):
    """Where a run stands, and what it needs to go on."""

    stage: int = 0
    step: int = 0
    saved: dict[str, Any] = {}

    @classmethod
    def load(cls, out: Path, processes: int) -> _State:
        """The state in a folder, or that of a beginning.

        Raises:
            RelataError: if it was saved by another number of processes, which would see other rows.
        """
        path = out / _STATE
        if not path.is_file():
            return cls()
        saved = torch.load(path, weights_only=True)
        if saved["processes"] != processes:
            raise RelataError(f"{path}: the run was begun with {saved['processes']} processes, not {processes}")
        return cls(saved["stage"], saved["step"], saved)


class _Job:
    """One stage at work."""

    def __init__(
        self,
        run: Run,
        number: int,
        stage: Stage,
        model: RelataForConditionalGeneration,
        processor: RelataProcessor,
        accelerator: Accelerator,
        out: Path,
        report: Report | None,
    ) -> None:
        self.run_config, self.number, self.stage, self.out = run, number, stage, out
        self.model, self.processor, self.accelerator, self.report = model, processor, accelerator, report
        freeze(model, stage.train)
        if stage.lora:
            adapt(model, stage.lora, run.seed + number)
        if accelerator.is_main_process:
            print(f"stage {number + 1}/{len(run.stages)} {stage.name}: {stage.steps} steps\n{table(model)}", flush=True)
        objective = objects.Objects(model.tower) if stage.objective == "objects" else Turns(model)
        self.rows = rows(stage, processor.n_regions, accelerator.num_processes)
        if accelerator.is_main_process and isinstance(self.rows, Conversations) and self.rows.left_out:
            print(f"left out: {dict(self.rows.left_out)}", flush=True)
        model.set_attn_implementation("eager")  # on a CPU, faster than the fused kernel with a mask
        self.objective = accelerator.prepare(objective)
        self.autocast = torch.autocast(accelerator.device.type, torch.bfloat16, enabled=run.precision == "bf16")
        # after prepare: spreading a model over processes moves its weights to other memory
        self.optimiser = Optimiser(model.named_parameters(), stage.muon, stage.adam)
        self.average = Average(model.parameters(), stage.average)

    def run(self, state: _State) -> None:
        stage, main = self.stage, self.accelerator.is_main_process
        if state.saved:
            self._restore(state.saved)
        log = self.out / "log.jsonl"
        if main:
            _keep(log, self.number, state.step)
        start, since = time.perf_counter(), state.step
        self.model.train()
        for step in range(state.step, stage.steps):
            scale = rate(step, stage.steps, stage.warmup, stage.decay)
            with self.autocast:
                loss, count, shown = self.objective(send_to_device(self._batch(step), self.accelerator.device))
            self.accelerator.backward(loss * self._share(count))
            self.optimiser.step(scale)
            self.average.update(step)
            last = step + 1 == stage.steps
            if main and ((step + 1) % self.run_config.log_every == 0 or last):
                pace = (time.perf_counter() - start) / (step + 1 - since)
                line = {"loss": float(loss.detach()), **shown, "rate": scale}
                with log.open("a") as file:
                    file.write(
                        json.dumps({"stage": self.number, "step": step + 1, **line, "pace": round(pace, 4)}) + "\n"
                    )
                if self.report:
                    self.report(stage.name, step + 1, stage.steps, line)
            if (step + 1) % self.run_config.save_every == 0 and not last:
                self._save(step + 1)
        self.average.swap()
        if stage.lora:
            if main:
                self.model.decoder.save_pretrained(self.out / f"adapter-{stage.name}")
            self.model.decoder = self.model.decoder.merge_and_unload()

    def _share(self, count: int) -> float:
        """Weight of this process's mean loss, so that every token counts the same in the mean over the processes."""
        mean = self.accelerator.reduce(torch.tensor(float(count), device=self.accelerator.device), "mean")
        return count / float(mean)

    def _batch(self, step: int) -> Batch:
        """This process's share of a step: a function of (seed, stage, step, process)."""
        rank, size = self.accelerator.process_index, self.stage.batch
        seed = self.run_config.seed * 1000 + self.number
        if self.rows is None:
            return objects.batch(seed, step, rank, size)
        rows, packed = [], []
        for index in range(rank * size, (rank + 1) * size):
            row = self.rows.row(seed, step, index)
            rng = random.Random(f"relata numbers {seed} {step} {index}")
            packed.append(pack(row, self.processor, self.stage.tokens, rng, f"step {step}, row {index}"))
            rows.append(row)
        return collate(rows, packed, self.processor)

    def _save(self, step: int) -> None:
        """All that the next step depends on, written whole or not at all."""
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            state = {
                "stage": self.number,
                "step": step,
                "processes": self.accelerator.num_processes,
                "model": self.model.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "average": self.average.values,
            }
            part = self.out / f"{_STATE}.part"
            torch.save(state, part)
            os.replace(part, self.out / _STATE)

    def _restore(self, saved: dict[str, Any]) -> None:
        self.model.load_state_dict(saved["model"])
        self.optimiser.load_state_dict(saved["optimiser"])
        with torch.no_grad():
            for value, kept in zip(self.average.values, saved["average"]):
                value.copy_(kept)


def rows(stage: Stage, n_regions: int, processes: int) -> Mixture | Conversations | None:
    """What a stage's rows are drawn from; None for the tower's own, which are not rows."""
    images = Path(stage.images) if stage.images else None
    if stage.objective == "objects":
        return None
    if stage.objective == "examples":
        return Conversations(Path(stage.data), images, n_regions, stage.batch * processes)
    scenes = None
    if stage.data != "synth":
        scenes = [scene for scene in records(Path(stage.data), Scene) if scene.relations]
    return Mixture(stage.turns, stage.pairs, stage.box_noise, scenes=scenes, images=images)


def _keep(log: Path, stage: int, step: int) -> None:
    """Drop the lines that a continued run will write again."""
    if not log.is_file():
        return
    lines = [line for line in log.read_text().splitlines() if line]
    kept = [line for line in lines if (json.loads(line)["stage"], json.loads(line)["step"]) <= (stage, step)]
    log.write_text("".join(f"{line}\n" for line in kept))


@torch.no_grad()
def mean_region(
    model: RelataForConditionalGeneration, processor: RelataProcessor, source: Mixture | Conversations, count: int = 100
) -> Tensor:
    """The mean code of the regions of training scenes: all that a blind model is given."""
    drawn = [source.row(-1, 0, index) for index in range(count)]
    boxes = processor.boxes([b for row in drawn for b in row.regions], [s for row in drawn for s in row.sizes])
    pixels = processor.pixels([image for row in drawn for image in row.images])
    codes = model.eval().encode(pixels.to(model.device), boxes.to(model.device))
    return codes[boxes.any(-1)].mean(0)


def save(
    model: RelataForConditionalGeneration, processor: RelataProcessor, source: Mixture | Conversations | None, out: Path
) -> None:
    """Weights, configuration and processor, as transformers lays them out."""
    if source is not None:
        model.mean_region.copy_(mean_region(model, processor, source))
    model.save_pretrained(out)
    processor.save_pretrained(out)


def main(arguments: list[str]) -> None:
    """`run.py RUN.yaml OUT [key=value ...]`: what torchrun starts, once per process."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    config, out = Path(arguments[0]), Path(arguments[1])

    def show(stage: str, step: int, steps: int, line: dict[str, float]) -> None:
        values = "  ".join(f"{name} {value:.3f}" for name, value in line.items())
        print(f"{stage} {step}/{steps}  {values}", flush=True)

    train(load_run(config, arguments[2:]), out, show)


if __name__ == "__main__":
    main(sys.argv[1:])
