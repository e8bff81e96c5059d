"""The tower's own training: find the objects of synthetic scenes, name their attributes, tell three states of each."""

from __future__ import annotations

import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from relata.models.tower import RelataTower
from relata.synth.render import render
from relata.synth.rules import FRONT
from relata.synth.world import World, sample

#: More objects than any scene of the world has.
MOST = 6


def batch(seed: int, step: int, rank: int, size: int) -> dict[str, Tensor]:
    """Pictures and targets of one step: a function of (seed, step, rank)."""
    rng = random.Random(f"relata objects {seed} {step} {rank}")
    worlds = [sample(rng, "train") for _ in range(size)]
    boxes = torch.zeros(size, MOST, 4)
    words = torch.zeros(size, MOST, 3, dtype=torch.long)
    states = torch.zeros(size, MOST, 3)
    real = torch.zeros(size, MOST, dtype=torch.bool)
    for n, world in enumerate(worlds):
        count = len(world.boxes)
        boxes[n, :count] = torch.tensor(world.boxes)
        words[n, :count] = torch.tensor([world.look(k) for k in range(count)])
        states[n, :count] = torch.tensor(_states(world), dtype=torch.float32)
        real[n, :count] = True
    pixels = np.stack([render(world) for world in worlds])
    noise = torch.from_numpy(np.random.default_rng((seed, step, rank)).normal(0, 0.8, boxes.shape)).float()
    return {
        "pixel_values": torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255,
        "boxes": boxes / 96,
        "noisy": (boxes + noise * real[..., None]) / 96,
        "words": words,
        "states": states,
        "real": real,
    }


def _states(world: World) -> list[list[bool]]:
    """Per object: partly hidden, covering another, at an end of a line."""
    front = {pair for pair, predicate in world.relations.items() if predicate == FRONT}
    hidden, covering = {j for _, j in front}, {i for i, _ in front}
    linked = {k for pair in world.links for k in pair}
    return [[k in hidden, k in covering, k in linked] for k in range(len(world.boxes))]


class Objects(nn.Module):
    """The tower with its loss: centres, boxes, attribute words, states."""

    def __init__(self, tower: RelataTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, batch: dict[str, Tensor]) -> tuple[Tensor, int, dict[str, float]]:
        """Mean loss of an object, how many there are, and what to show."""
        config = self.tower.config
        maps = self.tower(batch["pixel_values"]).feature_maps
        heat, predicted = self.tower.objects(maps)
        boxes, real = batch["boxes"], batch["real"]
        side = heat.shape[-1]
        n, k = real.nonzero(as_tuple=True)
        box = boxes[n, k]
        centre = ((box[:, :2] + box[:, 2:]) / 2 * side).long().clamp(0, side - 1)
        large = ((box[:, 2:] - box[:, :2]).amax(-1) * config.image_size >= config.small).long()
        target = torch.zeros_like(heat)
        target[n, large, centre[:, 1], centre[:, 0]] = 1
        found = F.binary_cross_entropy_with_logits(heat, target, reduction="none")
        chance = torch.where(target > 0, heat.sigmoid(), 1 - heat.sigmoid())
        found = (found * (1 - chance).square()).sum() / len(n)
        placed = (predicted[n, large, centre[:, 1], centre[:, 0]] - box).abs().sum(-1).mean()
        logits = self.tower.attributes(maps, batch["noisy"])[n, k]
        named, right, at = torch.zeros(()), [], 0
        for group, choices in enumerate(config.words):
            scores = logits[:, at : at + len(choices)]
            named = named + F.cross_entropy(scores, batch["words"][n, k, group])
            right.append(scores.argmax(-1) == batch["words"][n, k, group])
            at += len(choices)
        told = F.binary_cross_entropy_with_logits(logits[:, at:], batch["states"][n, k])
        loss = found + 10 * placed + named + 3 * told
        named_right = torch.stack(right).all(0).float().mean()
        shown = {"box_px": placed * config.image_size / 4, "named": named_right, "states": told}
        return loss, len(n), {name: float(value.detach()) for name, value in shown.items()}
