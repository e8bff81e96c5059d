"""Training on examples that `relata build` made: conversations about images, a row per image.

All conversations about one image share its row, as many as fit; over an epoch every image is shown once, in an order
that depends on the seed and the epoch alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from relata import store
from relata.chat import Example
from relata.errors import RelataError
from relata.grounded import Mention, Predicate
from relata.scene import Box, resolve
from relata.tasks import Talk
from relata.train.mixture import Row


class Conversations:
    """Rows from a folder of examples.

    Args:
        folder: what `relata build` wrote, or a file of examples.
        images: the folder their image paths are relative to.
        most: regions a conversation may have; images with more are left out and counted in `left_out`.
        size: rows a step, all processes together.

    Raises:
        RelataError: if no example is left.
    """

    def __init__(self, folder: Path, images: Path | None, most: int, size: int) -> None:
        by_image: dict[tuple[str, ...], list[Example]] = {}
        self.left_out: Counter[str] = Counter()
        for example in store.records(folder, Example):
            if sum(map(len, regions_of(example))) > most:
                self.left_out[f"more than {most} regions"] += 1
                continue
            by_image.setdefault(tuple(image.path for image in example.images), []).append(example)
        self.images, self.groups, self.size = images, list(by_image.values()), size
        if not self.groups:
            raise RelataError(f"{folder}: no example to train on; left out: {dict(self.left_out) or 'none'}")

    def row(self, seed: int, step: int, index: int) -> Row:
        epoch, at = divmod(step * self.size + index, len(self.groups))
        order = list(range(len(self.groups)))
        random.Random(f"relata epoch {seed} {epoch}").shuffle(order)
        examples = self.groups[order[at]]
        regions = _union([regions_of(example) for example in examples])
        refs = examples[0].images
        pixels = [np.asarray(Image.open(resolve(ref.path, self.images)).convert("RGB")) for ref in refs]
        talks = [Talk(e.recipe, tuple((m.spans, m.role == "assistant") for m in e.messages)) for e in examples]
        return Row(pixels, regions, regions, talks, [(ref.width, ref.height) for ref in refs])


def regions_of(example: Example) -> list[list[Box]]:
    """The boxes of each image: those the example offers, else those its text points at, in order."""
    if example.regions:
        return [list(boxes) for boxes in example.regions]
    found: list[dict[Box, None]] = [{} for _ in example.images]
    for message in example.messages:
        for span in message.spans:
            if isinstance(span, Mention):
                found[span.image].update(dict.fromkeys(span.boxes))
            elif isinstance(span, Predicate):
                found[span.image].update(dict.fromkeys((*span.subjects, *span.objects)))
    return [list(boxes) for boxes in found]


def _union(regions: Sequence[Sequence[Sequence[Box]]]) -> list[list[Box]]:
    return [list(dict.fromkeys(box for boxes in image for box in boxes)) for image in zip(*regions)]
