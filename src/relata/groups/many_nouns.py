"""`many_nouns`: pairs of scenes whose captions share eight nouns or more (CaD-VI, section 4: the pairs of CaD-QA)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta

from relata.groups import nouns as by_nouns
from relata.groups._collect import Count
from relata.scene import Group, Scene


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    pairs: Annotated[int, Meta(ge=0)] = 0,
    per_scene: Annotated[float, Meta(gt=0)] = 7.5 / 108,
    least: Count = 8,
    most: Count = 4,
    nouns: str = "rules",
    processes: Count = 1,
) -> Iterator[Group]:
    """Pairs of scenes that share at least so many nouns; see `nouns` for the other options.

    Args:
        per_scene: the paper has 7.5K pairs of Visual Genome's 108K images.
    """
    levels = (f"{least}+",)
    yield from by_nouns.groups(
        scenes, rng, pairs=pairs, per_scene=per_scene, levels=levels, most=most, nouns=nouns, processes=processes
    )
