"""What may move in a stage: every module is set, and the table is shown."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from relata.errors import unknown


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


def table(model: nn.Module) -> str:
    """One line a module: its name, its parameters, and whether it moves."""
    lines = []
    for name, module in model.named_children():
        count = sum(p.numel() for p in module.parameters())
        moving = sum(p.numel() for p in module.parameters() if p.requires_grad)
        state = "trained" if moving == count else "frozen" if not moving else f"{moving:,} trained"
        lines.append(f"  {name:<14}{count:>12,}  {state}")
    return "\n".join(lines)
