"""`comparison`: two images. Which region of the second is a region of the first (a box or none), and what they share.

What is the same and what differs is composed from small answers, each of which can be checked: match every region,
ask what was done to it, name what is new. A model that writes the whole list at once learns only its surface.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from relata.grounded import Mention, Span
from relata.scene import Box
from relata.tasks import PairFacts, Turn, words


def question(region: Mention) -> tuple[Span, ...]:
    return words("match", region, "?")


def ask(facts: PairFacts, rng: random.Random) -> Turn | None:
    first, second = facts.sides
    region = rng.randrange(len(first.boxes))
    found = facts.links.get(region)
    answer = words("none" if found is None else second.mention(found[0]))
    return Turn("match", question(first.mention(region)), answer)


def ask_new(facts: PairFacts, rng: random.Random) -> Turn | None:
    """The other way round: which region of the first image is this one of the second."""
    first, second = facts.sides
    region = rng.randrange(len(second.boxes))
    found = next((k for k, (other, _) in facts.links.items() if other == region), None)
    answer = words("none" if found is None else first.mention(found))
    return Turn("match", question(second.mention(region)), answer)


def read(spans: Sequence[Span]) -> tuple[int, Box] | None:
    """(image, box) of the region a reply points at, or None."""
    for span in spans:
        if isinstance(span, Mention) and span.boxes:
            return span.image, span.boxes[0]
    return None


class Change(NamedTuple):
    """One difference: a region of the first image (or None: it is new), of the second (or None: it is gone), and the
    change.
    """

    before: int | None
    after: int | None
    change: str


class Comparison(NamedTuple):
    """What two images share (pairs of region positions) and how they differ."""

    common: list[tuple[int, int]]
    differences: list[Change]


def true(facts: PairFacts) -> Comparison:
    """The comparison that a group's links imply."""
    first, second = facts.sides
    links = facts.links
    matched = {other for other, _ in links.values()}
    common = [(k, other) for k, (other, change) in sorted(links.items()) if change == "same"]
    changed = [Change(k, other, change) for k, (other, change) in sorted(links.items()) if change != "same"]
    removed = [Change(k, None, "removed") for k in range(len(first.boxes)) if k not in links]
    added = [Change(None, k, "added") for k in range(len(second.boxes)) if k not in matched]
    return Comparison(common, changed + removed + added)
