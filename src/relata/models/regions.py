"""Regions as tokens: what the language model sees in place of the word `<r3>`.

Two codes make a region (Osprey and ROBIN, facts 4.1 G): the mask code, features of every level of the tower averaged
under the region's mask or box, and the position code of its exact box. Their sum, normalised, is the region's
embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def coverage(boxes: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """How much of each row and column of a grid a box covers, summing to 1: (..., H) and (..., W).

    Boxes (..., 4) in 0-1. Exact, so that a box smaller than a cell still has its place; an empty box covers nothing.
    """

    def share(low: Tensor, high: Tensor, cells: int) -> Tensor:
        edges = torch.arange(cells + 1, device=boxes.device, dtype=torch.float32) / cells
        inside = torch.minimum(high[..., None], edges[1:]) - torch.maximum(low[..., None], edges[:-1])
        inside = inside.clamp(min=0)
        return inside / inside.sum(-1, keepdim=True).clamp(min=1e-8)

    boxes = boxes.float()
    return share(boxes[..., 1], boxes[..., 3], height), share(boxes[..., 0], boxes[..., 2], width)


def pool_boxes(features: Tensor, boxes: Tensor) -> Tensor:
    """Average of a map (N, C, H, W) under boxes (N, K, 4) in 0-1, weighted by coverage: (N, K, C)."""
    rows, columns = coverage(boxes, features.shape[2], features.shape[3])
    weights = (rows[..., :, None] * columns[..., None, :]).flatten(2)
    return torch.bmm(weights.to(features.dtype), features.flatten(2).transpose(1, 2))


def pool_masks(features: Tensor, masks: Tensor) -> Tensor:
    """Average of a map (N, C, H, W) under masks (N, K, h, w), resized to the map: (N, K, C)."""
    weights = F.adaptive_avg_pool2d(masks.float(), features.shape[2:]).flatten(2)
    weights = weights / weights.sum(-1, keepdim=True).clamp(min=1e-8)
    return torch.bmm(weights.to(features.dtype), features.flatten(2).transpose(1, 2))


class RegionEncoder(nn.Module):
    """Feature maps and boxes -> one embedding per region.

    Args:
        channels: channels of each feature map.
        hidden: width of the hidden layers.
        width: width of the language model.
        frequencies: number of Fourier frequencies per coordinate.
    """

    def __init__(self, channels: Sequence[int], hidden: int, width: int, frequencies: int) -> None:
        super().__init__()
        self.register_buffer("cycles", torch.logspace(math.log2(0.25), math.log2(12), frequencies, base=2))
        # a linear map per level, summed: each level may have its own scale and width
        self.levels = nn.ModuleList(nn.Linear(c, hidden, bias=k == 0) for k, c in enumerate(channels))
        self.mask_code = nn.Linear(hidden, width)
        self.position = nn.Sequential(nn.Linear(8 * (2 * frequencies + 1), hidden), nn.SiLU(), nn.Linear(hidden, width))
        self.norm = nn.RMSNorm(width)

    def forward(self, maps: Sequence[Tensor], boxes: Tensor, masks: Tensor | None = None) -> Tensor:
        """Embeddings (N, K, width) of the regions of N images. Boxes (N, K, 4) in 0-1; masks (N, K, h, w) win if
        given.
        """
        pooled = [pool_boxes(m, boxes) if masks is None else pool_masks(m, masks) for m in maps]
        mask_code = self.mask_code(F.silu(sum(level(p) for level, p in zip(self.levels, pooled))))
        embedding: Tensor = self.norm(mask_code + self.position(self.fourier(boxes)))
        return embedding

    def fourier(self, boxes: Tensor) -> Tensor:
        """Corners, centre, width and height as they are and as sines and cosines."""
        x1, y1, x2, y2 = boxes.float().unbind(-1)
        raw = torch.stack([x1, y1, x2, y2, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], -1)
        angles = (2 * math.pi * raw[..., None] * self.cycles).flatten(-2)
        return torch.cat([raw, angles.sin(), angles.cos()], -1)
