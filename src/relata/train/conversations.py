"""Training on examples that `relata build` made: conversations about images, a row per image.

The conversations about one image share its row, as many as fit into its tokens; an image whose conversations need more
regions than the model has tokens is shown in several rows. Over an epoch every row is shown once; the order of rows,
and of the conversations in each, depends on the seed and the epoch alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from relata import store
from relata.chat import Example
from relata.errors import RelataError
from relata.grounded import Mention, Predicate
from relata.images import load
from relata.scene import Box
from relata.tasks import Talk
from relata.train.mixture import Row


class Conversations:
    """Rows from a folder of examples.

    Args:
        folder: what `relata build` wrote, or a file of examples.
        images: the folder their image paths are relative to.
        most: regions a conversation may have; those with more are left out and counted in `left_out`.
        size: rows a step, all processes together.

    Raises:
        RelataError: if no example is left.
    """

    def __init__(self, folder: Path, images: Path | None, most: int, size: int) -> None:
        by_image: dict[tuple[str, ...], list[list[Example]]] = {}
        self.left_out: Counter[str] = Counter()
        for example in store.records(folder, Example):
            if sum(map(len, regions_of(example))) > most:
                self.left_out[f"more than {most} regions"] += 1
                continue
            _join(by_image.setdefault(tuple(image.path for image in example.images), []), example, most)
        self.images, self.size = images, size
        self.groups = [group for groups in by_image.values() for group in groups]
        if not self.groups:
            raise RelataError(f"{folder}: no example to train on; left out: {dict(self.left_out) or 'none'}")

    def row(self, seed: int, step: int, index: int) -> Row:
        epoch, at = divmod(step * self.size + index, len(self.groups))
        examples = list(self.groups[_order(seed, epoch, len(self.groups))[at]])
        random.Random(f"relata row {seed} {epoch} {at}").shuffle(examples)  # where not all fit, others do next time
        regions = _union(examples)
        refs = examples[0].images
        pixels = [np.asarray(load(ref.path, self.images)) for ref in refs]
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


def _union(examples: Sequence[Example]) -> list[list[Box]]:
    """Per image, every box of the examples once."""
    regions = zip(*(regions_of(example) for example in examples))
    return [list(dict.fromkeys(box for boxes in image for box in boxes)) for image in regions]


def _join(groups: list[list[Example]], example: Example, most: int) -> None:
    """Put an example to the first group with which it has at most so many regions, or make one of its own."""
    for group in groups:
        if sum(map(len, _union([*group, example]))) <= most:
            group.append(example)
            return
    groups.append([example])


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, count: int) -> list[int]:
    order = list(range(count))
    random.Random(f"relata epoch {seed} {epoch}").shuffle(order)
    return order
