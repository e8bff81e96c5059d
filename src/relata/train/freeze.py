"""What may move in a stage: every module is set, and the table is shown."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from transformers import PreTrainedModel

from relata.errors import unknown

#: The linear maps of a decoder's blocks that LoRA factors go on.
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


def freeze(model: nn.Module, train: Sequence[str]) -> None:
    """Let only the named top-level modules of the model move.

    Raises:
        RelataError: if the model has no such module; near names are offered.
    """
    modules = dict(model.named_children())
    for name in train:
        if name not in modules:
            unknown("module to train", name, modules)
    for name, module in modules.items():
        module.requires_grad_(name in train)


def adapt(model: PreTrainedModel, rank: int, seed: int) -> None:
    """Put LoRA factors (arXiv 2106.09685) on the decoder and let them move; the decoder itself stays as it is.

    The factors begin as nothing, scaled by 2, and depend on the seed alone.
    """
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model.decoder = get_peft_model(model.decoder, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=list(TARGETS)))


def table(model: nn.Module) -> str:
    """One line a module: its name, its parameters, and whether it moves."""
    lines = []
    for name, module in model.named_children():
        count = sum(p.numel() for p in module.parameters())
        moving = sum(p.numel() for p in module.parameters() if p.requires_grad)
        state = "trained" if moving == count else "frozen" if not moving else f"{moving:,} trained"
        lines.append(f"  {name:<14}{count:>12,}  {state}")
    return "\n".join(lines)
