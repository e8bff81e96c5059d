"""`region`: name a region, or tell its size. The value is the name."""

from __future__ import annotations

import random
from collections.abc import Sequence

from relata.grounded import Mention, Span, plain
from relata.tasks import Facts, Turn, words

SIZES = ("small", "large")


def question(region: Mention) -> tuple[Span, ...]:
    return words("name", region, "?")


def ask(facts: Facts, rng: random.Random) -> Turn | None:
    region = rng.randrange(len(facts.boxes))
    return Turn("name", question(facts.mention(region)), words(facts.labels[region]))


def ask_size(facts: Facts, rng: random.Random) -> Turn | None:
    """How large a region is, where its attributes say so. The name does not hold the size."""
    region = rng.randrange(len(facts.boxes))
    size = next((a for a in facts.scene.regions[region].attributes if a in SIZES), None)
    return None if size is None else Turn("size", words("size", facts.mention(region), "?"), words(size))


def read(spans: Sequence[Span]) -> str:
    """The name in a reply."""
    return " ".join(plain(spans).split())
