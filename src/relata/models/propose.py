"""Regions of a photograph from any detector or segmenter that transformers can run.

A region-token model points at regions; it does not invent them. They come from annotations, from the model's own tower,
or from here.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from PIL import Image

from relata.errors import RelataError
from relata.geometry import rle_encode
from relata.scene import Box, Region

Kind = Literal["object-detection", "mask-generation"]


class Proposer:
    """A transformers pipeline that proposes regions.

    Args:
        model: the folder or name of a model for the pipeline.
        kind: `object-detection` (labelled boxes) or `mask-generation` (masks without labels).
        most: keep this many regions, the best first.
        threshold: least score of a detection, 0 to 1.
    """

    def __init__(self, model: str, kind: Kind = "object-detection", most: int = 50, threshold: float = 0.5) -> None:
        from transformers import pipeline

        self.kind, self.most, self.threshold = kind, most, threshold
        self.pipeline: Any = pipeline(kind, model=model)

    def __call__(self, image: Image.Image) -> tuple[Region, ...]:
        """Regions of an image, numbered from 0, best first; boxes in pixels.

        Raises:
            RelataError: if nothing is found, naming what to lower.
        """
        found = self._detections(image) if self.kind == "object-detection" else self._masks(image)
        found.sort(key=lambda region: -(region.score or 0))
        if not found:
            raise RelataError(f"the {self.kind} model found no region; lower the threshold ({self.threshold})")
        return tuple(region.replace(id=k) for k, region in enumerate(found[: self.most]))

    def _detections(self, image: Image.Image) -> list[Region]:
        regions = []
        for index, item in enumerate(self.pipeline(image, threshold=self.threshold)):
            box = _inside(item["box"]["xmin"], item["box"]["ymin"], item["box"]["xmax"], item["box"]["ymax"], image)
            if box is not None:
                regions.append(Region(index, item["label"], box, score=float(item["score"])))
        return regions

    def _masks(self, image: Image.Image) -> list[Region]:
        out = self.pipeline(image)
        regions = []
        for index, (mask, score) in enumerate(zip(out["masks"], out["scores"])):
            array = np.asarray(mask, bool)
            rows, columns = np.flatnonzero(array.any(1)), np.flatnonzero(array.any(0))
            if len(rows):
                box = Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))
                regions.append(Region(index, "Unknown", box, mask=rle_encode(array), score=float(score)))
        return regions


def _inside(x1: float, y1: float, x2: float, y2: float, image: Image.Image) -> Box | None:
    """The part of a detection that is in the image; None if there is none."""
    x1, y1 = max(float(x1), 0.0), max(float(y1), 0.0)
    x2, y2 = min(float(x2), float(image.width)), min(float(y2), float(image.height))
    return Box(x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None
