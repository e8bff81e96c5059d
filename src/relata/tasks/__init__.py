"""A task is what a skill means: the question's words, the value's type, `write` (value -> grounded text) and `read`
(reply -> value).

The same words serve training, inference and scoring. A file per task; each has `ask(facts, rng) -> Turn | None`,
which draws one question with its true answer from a scene, or None where the scene has nothing to ask, and `read`,
which takes a reply's spans apart again. Questions are a few plain words, for they are asked by the hundred.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from relata.grounded import Mention, Span, Text
from relata.scene import Box, Group, Scene


class Turn(NamedTuple):
    """A question and its answer. `kind` names the task, and the form of it where there are several."""

    kind: str
    question: tuple[Span, ...]
    answer: tuple[Span, ...]

    @property
    def parts(self) -> tuple[tuple[tuple[Span, ...], bool], ...]:
        """The conversation in order: what is said, and whether it is an answer, to be learnt."""
        return (self.question, False), (self.answer, True)


class Talk(NamedTuple):
    """A conversation of any length, in the form of `Turn.parts`."""

    kind: str
    parts: tuple[tuple[tuple[Span, ...], bool], ...]


@dataclass(frozen=True)
class Facts:
    """What questions about one image of a conversation are drawn from. Regions are meant by position, 0, 1, 2 ..."""

    scene: Scene
    image: int = 0
    balance: dict[str, float] = field(default_factory=dict)
    """Weight of each predicate when one is drawn; 1 if absent. The inverse of its frequency asks all equally often."""

    @cached_property
    def boxes(self) -> list[Box]:
        return [region.box for region in self.scene.regions]

    @cached_property
    def labels(self) -> list[str]:
        return [region.label for region in self.scene.regions]

    @cached_property
    def relations(self) -> dict[tuple[int, int], str]:
        """The predicate of each ordered pair that has one (the first, where it has several)."""
        position = {region.id: k for k, region in enumerate(self.scene.regions)}
        pairs: dict[tuple[int, int], str] = {}
        for relation in self.scene.relations:
            pairs.setdefault((position[relation.subject], position[relation.object]), relation.predicate)
        return pairs

    def mention(self, *regions: int, text: str = "") -> Mention:
        return Mention(text, tuple(self.boxes[k] for k in regions), self.image)

    def pair(self, rng: random.Random) -> tuple[int, int] | None:
        """An ordered pair that is related, its predicate drawn by `balance`."""
        pairs = list(self.relations)
        if not pairs:
            return None
        weights = [self.balance.get(self.relations[pair], 1.0) for pair in pairs]
        return rng.choices(pairs, weights)[0]


@dataclass(frozen=True)
class PairFacts:
    """What questions about two images are drawn from."""

    group: Group
    balance: dict[str, float] = field(default_factory=dict)
    """See `Facts.balance`."""

    @cached_property
    def sides(self) -> tuple[Facts, Facts]:
        return Facts(self.group.scenes[0], 0, self.balance), Facts(self.group.scenes[1], 1, self.balance)

    @cached_property
    def links(self) -> dict[int, tuple[int, str]]:
        """Region of the first image -> (region of the second image, what was done to it)."""
        at = [{region.id: k for k, region in enumerate(scene.regions)} for scene in self.group.scenes]
        return {at[0][x.first[1]]: (at[1][x.second[1]], x.transform or "same") for x in self.group.links}


def words(*parts: str | Span) -> tuple[Span, ...]:
    """Spans from plain words and spans."""
    return tuple(Text(part) if isinstance(part, str) else part for part in parts)
