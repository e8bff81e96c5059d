"""Run files: YAML into records. A run is a list of stages; a stage says what is learnt, from what, what may move."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from relata.errors import RelataError, near
from relata.scene import Record

#: The parts of the region-token model, by the names that `Stage.train` uses.
MODULES = ("tower", "regions", "number", "image_number", "decoder", "query", "key")

Count = Annotated[int, msgspec.Meta(ge=1)]


class Stage(Record, frozen=True, kw_only=True):
    """One block of training."""

    name: str
    objective: Literal["objects", "turns", "examples"]
    """`objects`: the tower learns to find and name objects in synthetic scenes. `turns`: questions drawn from scenes or
    the synthetic world. `examples`: conversations that `relata build` made."""
    train: list[str]
    """Modules that may move, some of `MODULES`. Not the decoder where `lora` puts factors on it."""
    steps: Count
    """Optimiser steps."""
    batch: Count
    """Rows (or images) a step and process."""
    data: str = "synth"
    """`synth`, or the path of scenes (turns) or examples."""
    images: str | None = None
    """Folder of the images of `data`."""
    turns: dict[str, float] = {}
    """Weight of each kind of turn; see `relata.train.mixture`."""
    pairs: float = 0.0
    """Share of rows that show two images."""
    tokens: Count = 168
    """Longest row."""
    muon: float = 0.02
    """Learning rate of the matrices (Muon)."""
    adam: float = 2e-3
    """Learning rate of embeddings, norms, biases (AdamW); of the LoRA factors."""
    warmup: int = 60
    """Steps of linear warm-up."""
    decay: float = 0.35
    """The last share of the steps, over which the rates fall linearly to zero."""
    average: float = 0.995
    """Decay of the running average of the weights, which is what is saved."""
    box_noise: float = 0.8
    """Pixels (standard deviation) of noise on the boxes of 60 % of the rows: detected boxes are not exact."""
    lora: int = 0
    """Rank of LoRA factors on the decoder, which then stays as it is; 0: none. They are saved in `adapter-NAME` beside
    the weights, into which they are merged."""


class Run(Record, frozen=True, kw_only=True):
    """A training run. The resolved run is saved beside the weights."""

    name: str
    stages: list[Stage]
    model: str = "new"
    """`new`: the tiny model from zero; or the folder of a checkpoint."""
    layers: Count = 4
    """Decoder layers of a new model."""
    vocabulary: str = ""
    """Examples whose words a new model's tokenizer is made of; empty: the words of the synthetic world."""
    seed: int = 0
    precision: Literal["bf16", "fp32"] = "bf16"
    """Of the products of matrices; the weights are fp32 either way."""
    save_every: Count = 500
    """Steps between resumable checkpoints."""
    log_every: Count = 20
    """Steps between lines of log.jsonl."""


def load(path: Path, changes: Sequence[str] = ()) -> Run:
    """A run file, with some values changed: `seed=1`, `relate.steps=900` (a stage's key behind the stage's name).

    Raises:
        RelataError: on what is no YAML, an unknown key (near names offered), a value of the wrong type, or a module or
            kind of turn that does not exist.
    """
    if not path.is_file():
        raise RelataError(f"no run file {path}")
    try:
        raw = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise RelataError(f"{path}: {error}") from error
    if not isinstance(raw, dict):
        raise RelataError(f"{path}: a run file is a mapping of keys, not {type(raw).__name__}")
    if not isinstance(raw.get("stages"), list):
        raise RelataError(f"{path}: stages is a list, found {raw.get('stages')!r}")
    for change in changes:
        _change(raw, change)
    _check(raw, Run, str(path))
    for number, stage in enumerate(raw["stages"]):
        _check(stage, Stage, f"{path}, stage {number + 1}")
    try:
        run = msgspec.convert(raw, Run)
    except msgspec.ValidationError as error:
        raise RelataError(f"{path}: {error}") from error
    for number, stage in enumerate(run.stages):
        _sense(stage, f"{path}, stage {number + 1} ({stage.name})")
    return run


def _sense(stage: Stage, where: str) -> None:
    """Refuse before the first stage runs what a later one could not do."""
    from relata.train.mixture import ONE, TWO

    for kind, names, known in (("module", stage.train, MODULES), ("kind of turn", stage.turns, (*ONE, *TWO))):
        for name in names:
            if name not in known:
                raise RelataError(f"{where}: unknown {kind} {name!r}; {near(name, known)}")
    if stage.lora and "decoder" in stage.train:
        raise RelataError(f"{where}: lora leaves the decoder as it is; take the decoder out of train, or set lora to 0")
    if stage.objective == "objects" and (stage.lora or set(stage.train) - {"tower"}):
        raise RelataError(f"{where}: objects trains the tower alone; found {', '.join(stage.train) or 'lora'}")
    if not stage.train and not stage.lora:
        raise RelataError(f"{where}: nothing is trained; name modules in train ({', '.join(MODULES)}), or set lora")


def _change(raw: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals:
        raise RelataError(f"{change!r} is not of the form key=value")
    stage, dot, inner = key.rpartition(".")
    stages = {s.get("name"): s for s in raw["stages"] if isinstance(s, dict)}
    if dot and stage not in stages:
        raise RelataError(f"{change!r}: no stage {stage!r}; {near(stage, map(str, stages))}")
    target = stages[stage] if dot else raw
    target[inner] = yaml.safe_load(value)


def _check(raw: Any, record: type[Record], where: str) -> None:
    if not isinstance(raw, dict):
        raise RelataError(f"{where}: expected a mapping of keys, found {raw!r}")
    known = record.__struct_fields__
    for key in raw:
        if key not in known:
            raise RelataError(f"{where}: unknown key {key!r}; {near(str(key), known)}")
