"""`transform`: what was done to a region between two images. The value is a transform's name, `same` if nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from relata.grounded import Mention, Span, plain
from relata.tasks import PairFacts, Turn, words


def question(before: Mention, after: Mention) -> tuple[Span, ...]:
    return words("transform", before, after, "?")


def ask(facts: PairFacts, rng: random.Random) -> Turn | None:
    """A region that was changed if there is one and the coin falls so; unchanged ones are the most common."""
    if not facts.links:
        return None
    changed = [k for k, (_, change) in facts.links.items() if change != "same"]
    region = rng.choice(changed if changed and rng.random() < 0.75 else list(facts.links))
    other, change = facts.links[region]
    first, second = facts.sides
    return Turn("transform", question(first.mention(region), second.mention(other)), words(change))


def read(spans: Sequence[Span]) -> str:
    """The transform in a reply."""
    return " ".join(plain(spans).split())
