"""The tiny model's eye: a convolutional backbone with feature maps, and heads that find and name objects.

The heads are used while the tower is trained and, in `detect`, to propose regions of a picture. The language model sees
the feature maps only.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.backbone_utils import BackboneMixin
from transformers.modeling_outputs import BackboneOutput

from relata.models.config import RelataTowerConfig
from relata.models.regions import pool_boxes


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a skip."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.silu(self.first(F.silu(self.norm(x)))))


class Mixer(nn.Module):
    """One pre-norm transformer block over the cells of a map."""

    def __init__(self, width: int, heads: int = 3) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        n, cells, width = x.shape
        q, k, v = self.qkv(self.norm(x)).view(n, cells, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, cells, width)
        x = x + self.out(mixed)
        return x + self.mlp(x)


class Objects(NamedTuple):
    """What the tower's heads say. Boxes in 0-1 of the image's sides."""

    heat: Tensor
    """(N, 2, H, W) logits of an object's centre: small ones, large ones."""
    boxes: Tensor
    """(N, 2, H, W, 4): for each cell, the box of the object centred there."""


class RelataTower(BackboneMixin, PreTrainedModel):
    """Images (N, 3, S, S), values 0-1 -> feature maps at strides 4 and 8, the first with context from the coarser
    ones.
    """

    config_class = RelataTowerConfig
    main_input_name = "pixel_values"

    def __init__(self, config: RelataTowerConfig) -> None:
        super().__init__(config)
        fine, middle, coarse = config.widths
        self.stem = nn.Sequential(nn.Conv2d(3, fine // 2, 3, 2, 1), nn.SiLU(), nn.Conv2d(fine // 2, fine, 3, 2, 1))
        self.fine = nn.Sequential(Residual(fine), Residual(fine))
        self.to_middle = nn.Conv2d(fine, middle, 2, 2)
        self.middle = Residual(middle)
        self.to_coarse = nn.Conv2d(middle, coarse, 2, 2)
        cells = config.image_size // 16
        self.place = nn.Parameter(torch.zeros(cells * cells, coarse))
        self.mixers = nn.ModuleList(Mixer(coarse) for _ in range(config.attention_layers))
        self.middle_out = nn.Conv2d(middle, coarse, 1)
        self.fine_out = nn.Conv2d(fine + coarse, fine, 1)
        self.heat = nn.Sequential(nn.Conv2d(coarse, fine, 3, padding=1), nn.SiLU(), nn.Conv2d(fine, 2 * 5, 1))
        words = sum(len(group) for group in config.words) + len(config.states)
        self.words = nn.Sequential(nn.Linear(fine + coarse, coarse), nn.SiLU(), nn.Linear(coarse, max(words, 1)))
        self.num_features = [fine, coarse]
        self.post_init()

    def forward(self, pixel_values: Tensor, **_: Any) -> BackboneOutput:
        fine = self.fine(self.stem((pixel_values - 0.5) * 4))
        middle = self.middle(self.to_middle(fine))
        coarse = self.to_coarse(middle)
        n, width, h, w = coarse.shape
        cells = coarse.flatten(2).transpose(1, 2) + self.place
        for mixer in self.mixers:
            cells = mixer(cells)
        coarse = cells.transpose(1, 2).view(n, width, h, w)
        middle = self.middle_out(middle) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        fine = self.fine_out(torch.cat([fine, F.interpolate(middle, scale_factor=2.0, mode="nearest")], 1))
        return BackboneOutput(feature_maps=(fine, middle))

    def objects(self, maps: tuple[Tensor, ...]) -> Objects:
        """Centres and boxes from the feature maps."""
        out = self.heat(maps[1]).float()
        n, _, h, w = out.shape
        out = out.view(n, 2, 5, h, w)
        raw = out[:, :, 1:].permute(0, 1, 3, 4, 2)
        y, x = torch.meshgrid(torch.arange(h) + 0.5, torch.arange(w) + 0.5, indexing="ij")
        centre = torch.stack([x / w, y / h], -1).to(raw) + raw[..., :2].tanh() / h
        half = raw[..., 2:].sigmoid() * 0.25
        return Objects(out[:, :, 0], torch.cat([centre - half, centre + half], -1))

    def attributes(self, maps: tuple[Tensor, ...], boxes: Tensor) -> Tensor:
        """Logits of every attribute word, then of every state, for boxes (N, K, 4) in 0-1."""
        pooled = torch.cat([pool_boxes(m, boxes) for m in maps], -1)
        logits: Tensor = self.words(pooled)
        return logits.float()

    @torch.no_grad()
    def detect(
        self, pixel_values: Tensor, threshold: float = 0.35, overlap: float = 0.45
    ) -> list[tuple[Tensor, Tensor]]:
        """Per image, boxes (K, 4) in pixels and their scores, best first.

        Every cell above the threshold proposes; greedy suppression by IoU is done apart for small and large objects,
        for a small one inside a large one is not the same object.
        """
        heat, boxes = self.objects(self(pixel_values).feature_maps)
        found = []
        for scores, proposals in zip(heat.sigmoid(), boxes * self.config.image_size):
            kept_boxes, kept_scores = [], []
            for layer_scores, layer_boxes in zip(scores.flatten(1), proposals.flatten(1, 2)):
                keep = layer_scores > threshold
                chosen = suppress(layer_boxes[keep], layer_scores[keep], overlap)
                kept_boxes.append(layer_boxes[keep][chosen])
                kept_scores.append(layer_scores[keep][chosen])
            all_boxes, all_scores = torch.cat(kept_boxes), torch.cat(kept_scores)
            chosen = suppress(all_boxes, all_scores, 0.7)
            found.append((all_boxes[chosen].clamp(0, self.config.image_size), all_scores[chosen]))
        return found


def suppress(boxes: Tensor, scores: Tensor, overlap: float) -> Tensor:
    """Indices of the boxes kept by greedy non-maximum suppression, best first."""
    order = scores.argsort(descending=True)
    kept: list[int] = []
    left = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    right = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = (right - left).clamp(min=0).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    iou = shared / (area[:, None] + area[None] - shared).clamp(min=1e-9)
    for i in order.tolist():
        if all(iou[i, j] <= overlap for j in kept):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)
