"""What is needed to ask about one scene, and a turn of a conversation about it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from relata.english import words
from relata.english.facts import Fact, facts, triples
from relata.english.names import Names
from relata.scene import Scene


class Turn(NamedTuple):
    """A question and its answer, in the notation."""

    question: str
    answer: str


Ask = Callable[["Talk"], Turn | None]


class Talk:
    """What is needed to ask about one scene."""

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene = scene
        self.rng = rng
        self.names = Names(scene)
        self.relations = triples(scene)
        self.facts = facts(self.relations, self.names.nouns)
        self.told: set[Fact] = set()
        """Facts that have been spoken of; nothing is asked twice."""
        self.placed: set[int] = set()
        """Regions of which it has been said where they are, or how many there are."""
        self.listed = False
        """Whether the main things have been listed."""

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def fact(self, usable: Callable[[Fact], bool] = lambda fact: True) -> Fact | None:
        """One fact at random that has not been spoken of, or None if there is none that is usable."""
        found = [fact for fact in self.facts if fact not in self.told and usable(fact)]
        if not found:
            return None
        fact = self.rng.choice(found)
        self.told.add(fact)
        return fact

    def group(self, usable: Callable[[list[int]], bool]) -> list[int] | None:
        """All regions of one label at random, whose place has not been told, or None if there are none."""
        found = [group for group in self.names.kinds() if self.placed.isdisjoint(group) and usable(group)]
        if not found:
            return None
        group = self.rng.choice(found)
        self.placed.update(group)
        return group

    def main(self, most: int) -> str:
        """The largest things, all of a label together."""
        regions = self.scene.regions
        groups = sorted(self.names.kinds(), key=lambda group: -sum(regions[index].box.area for index in group))[:most]
        return words.join([self.names.say(group).text for group in groups])
