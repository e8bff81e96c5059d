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

    def pick(self, options: Sequence[str]) -> str:
        return self.rng.choice(options)

    def fact(self, usable: Callable[[Fact], bool] = lambda fact: True) -> Fact | None:
        """One fact at random, or None if there is none that is usable."""
        found = [fact for fact in self.facts if usable(fact)]
        return self.rng.choice(found) if found else None

    def main(self, most: int) -> str:
        """The largest things, all of a label together."""
        regions = self.scene.regions
        groups = sorted(self.names.kinds(), key=lambda group: -sum(regions[index].box.area for index in group))[:most]
        return words.join([self.names.say(group).text for group in groups])
