"""LoRA in a stage: only the factors move, merged weights and the adapter folder say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from models.small import two_images
from relata.errors import RelataError
from relata.models import load
from relata.train.run import train
from train.small_runs import logged, run, stage


def test_a_stage_with_lora(tmp_path: Path) -> None:
    base = train(run(stage(steps=1, muon=0.0, adam=0.0)), tmp_path / "base")
    tuned = train(run(stage(name="tune", train=[], lora=4, steps=6, adam=0.01), model=str(base)), tmp_path / "tuned")
    losses = [line["loss"] for line in logged(tuned)]
    assert losses[-1] < losses[0]

    before, after = load_file(base / "model.safetensors"), load_file(tuned / "model.safetensors")
    assert before.keys() == after.keys(), "merged: nothing of LoRA is left in the weights"
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert len(moved) == 7, "seven matrices of the one layer"
    assert all(name.startswith("decoder.layers.0.") and "norm" not in name for name in moved)

    merged, adapted = load(tuned), load(base, adapter=tuned / "adapter-tune")
    batch = two_images(merged.processor, ["match <r0> ?", "graph ?"])
    with torch.no_grad():
        assert torch.allclose(merged.network(**batch).logits, adapted.network(**batch).logits, atol=1e-5)


def test_no_adapter_in_the_folder(tmp_path: Path) -> None:
    base = train(run(stage(steps=1)), tmp_path / "base")
    with pytest.raises(RelataError, match="no adapter in"):
        load(base, adapter=tmp_path)
