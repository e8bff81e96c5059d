"""The optimiser: Muon on matrices, AdamW on embeddings, norms and biases. Torch's own, both.

At the tiny model's budget AdamW alone looks like a broken model (the study behind it: .13 against .82 after two
minutes).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

#: Parameters that are tables, not maps between spaces: Muon must not touch them.
TABLES = ("embed_tokens", "number.", "image_number.", "place")


class Optimiser:
    """Muon and AdamW as one, with a shared schedule.

    Convolutions are matrices to Muon: output channels by everything else.
    """

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], muon: float, adam: float) -> None:
        matrices: list[nn.Parameter] = []
        rest: list[nn.Parameter] = []
        for name, parameter in named:
            if not parameter.requires_grad:
                continue
            table = any(part in name for part in TABLES) or "lora_" in name
            (rest if table or parameter.ndim < 2 else matrices).append(parameter)
        self.parameters = matrices + rest
        # views that share the parameter's memory: a step on the view is a step on the parameter
        self.views = [(p, nn.Parameter(p.data.view(p.shape[0], -1))) for p in matrices]
        self.parts: list[torch.optim.Optimizer] = []
        if self.views:
            self.parts.append(
                torch.optim.Muon(
                    [view for _, view in self.views], lr=muon, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original"
                )
            )
        if rest:
            self.parts.append(torch.optim.AdamW(rest, lr=adam, betas=(0.9, 0.97), weight_decay=0.02))
        self.rates = [part.param_groups[0]["lr"] for part in self.parts]

    def step(self, scale: float) -> None:
        """One step at `scale` times the rates; gradients are clipped to norm 1 first, and cleared after."""
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        for parameter, view in self.views:
            assert view.data_ptr() == parameter.data_ptr(), "a weight moved in memory after the optimiser was made"
            view.grad = None if parameter.grad is None else parameter.grad.view_as(view)
        for part, rate in zip(self.parts, self.rates):
            part.param_groups[0]["lr"] = rate * scale
            part.step()
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states):
            part.load_state_dict(state)


class Average:
    """A running average of the weights: what is saved, for it scores better than any single step."""

    def __init__(self, parameters: Iterable[nn.Parameter], decay: float) -> None:
        self.decay = decay
        self.parameters = [p for p in parameters if p.requires_grad]
        self.values = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Early on the average is shorter, so that it does not remember the first weights."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.values, [p.detach() for p in self.parameters], 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the weights with their average; a second call exchanges them back."""
        for parameter, value in zip(self.parameters, self.values):
            held = parameter.detach().clone()
            parameter.copy_(value)
            value.copy_(held)


def rate(step: int, steps: int, warmup: int, decay: float) -> float:
    """Share of the full rate at a step: linear warm-up, constant, linear fall over the last `decay` of the steps."""
    rise = min(1.0, (step + 1) / max(warmup, 1))
    fall = min(1.0, (steps - step) / max(steps * decay, 1))
    return rise * fall
