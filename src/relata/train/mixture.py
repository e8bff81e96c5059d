"""What a step learns from: rows, each a few images with many short conversations about them.

Row r of step s is a function of (seed, s, r): the same whoever asks, so that a resumed run sees what the unbroken one
would.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from relata.errors import RelataError, unknown
from relata.grounded import Span
from relata.images import load
from relata.scene import Box, Scene
from relata.synth.edit import edit
from relata.synth.records import to_group, to_scene
from relata.synth.render import render
from relata.synth.world import sample
from relata.tasks import (
    Facts,
    PairFacts,
    Talk,
    Turn,
    choice,
    comparison,
    locate,
    region,
    relation,
    scene_graph,
    transform,
)

#: Questions about one image, by the name a run file gives them.
ONE: dict[str, Callable[[Facts, random.Random], Turn | None]] = {
    "name": region.ask,
    "size": region.ask_size,
    "where": locate.ask,
    "count": locate.ask_count,
    "list": scene_graph.ask_list,
    "relation": relation.ask,
    "is": relation.ask_holds,
    "which": relation.ask_which,
    "choose": choice.ask,
    "choose_subject": choice.ask_subject,
    "choose_object": choice.ask_object,
    "graph": scene_graph.ask,
}
#: Questions about two images.
TWO: dict[str, Callable[[PairFacts, random.Random], Turn | None]] = {
    "match": comparison.ask,
    "match_back": comparison.ask_new,
    "transform": transform.ask,
}

_TRIES = 100


@dataclass
class Row:
    """Images of one conversation, what may be pointed at, and the turns."""

    images: list[np.ndarray]
    regions: list[list[Box]]
    """By which the turns name regions (pixels)."""
    seen: list[list[Box]]
    """Where the model looks: the same boxes, perhaps with noise."""
    turns: Sequence[Turn | Talk]
    sizes: list[tuple[int, int]]
    """(width, height) of each image, pixels."""
    numbers: list[int] = field(default_factory=list)
    """The token number dealt to each region, all images together."""


class Mixture:
    """Turns drawn by weight about scenes of the synthetic world, or of a data set.

    Args:
        weights: weight of each kind of turn.
        pairs: share of rows with two images (synthetic world only).
        noise: see `Stage.box_noise`.
        split: of the synthetic world.
        scenes: scenes of a data set in place of the synthetic world, and the folder of their images.
        most: turns drawn for a row; as many as fit are used.
    """

    def __init__(
        self,
        weights: dict[str, float],
        pairs: float = 0.0,
        noise: float = 0.0,
        split: str = "train",
        scenes: list[Scene] | None = None,
        images: Path | None = None,
        most: int = 48,
    ) -> None:
        for name in weights:
            if name not in ONE and name not in TWO:
                unknown("kind of turn", name, [*ONE, *TWO])
        self.one = {name: weight for name, weight in weights.items() if name in ONE}
        self.two = {name: weight for name, weight in weights.items() if name in TWO}
        if pairs and scenes is not None:
            raise RelataError("pairs of images are drawn from the synthetic world only; set pairs to 0 for a data set")
        if pairs and not self.two:
            raise RelataError(
                f"pairs is {pairs} but no kind of turn asks about two images; add one of {', '.join(TWO)}"
            )
        if pairs < 1 and not self.one:
            raise RelataError(f"no kind of turn asks about one image; add one of {', '.join(ONE)}, or set pairs to 1")
        self.pairs, self.noise, self.split, self.most = pairs, noise, split, most
        self.scenes, self.images = scenes, images
        self.balance = balance() if scenes is None else _inverse(scenes)

    def row(self, seed: int, step: int, index: int) -> Row:
        """A row that has something to ask.

        Raises:
            RelataError: if none of many scenes has a question of the kinds that are wanted.
        """
        rng = random.Random(f"relata row {seed} {step} {index}")
        for _ in range(_TRIES):
            row = self._drawn(rng)
            if row.turns:
                return row
        raise RelataError(f"none of {_TRIES} scenes has a question of the kinds {', '.join((*self.one, *self.two))}")

    def _drawn(self, rng: random.Random) -> Row:
        if self.scenes is not None:
            return self._data_row(rng)
        return self._pair_row(rng) if rng.random() < self.pairs else self._scene_row(rng)

    def _scene_row(self, rng: random.Random) -> Row:
        world = sample(rng, self.split)
        scene = to_scene(world, "row", full=False)
        return self._row(rng, [render(world)], [scene], self._turns(rng, [Facts(scene, 0, self.balance)]))

    def _pair_row(self, rng: random.Random) -> Row:
        pair = edit(rng, sample(rng, self.split), self.split)
        facts = PairFacts(to_group(pair, "row"), self.balance)
        turns = self._turns(rng, facts.sides, facts)
        return self._row(rng, [render(pair.before), render(pair.after)], list(facts.group.scenes), turns)

    def _data_row(self, rng: random.Random) -> Row:
        assert self.scenes is not None
        scene = rng.choice(self.scenes)
        pixels = np.asarray(load(scene.image, self.images))
        return self._row(rng, [pixels], [scene], self._turns(rng, [Facts(scene, 0, self.balance)]))

    def _turns(self, rng: random.Random, sides: Sequence[Facts], pair: PairFacts | None = None) -> list[Turn]:
        """Different questions drawn by weight, those about one image from either side."""
        weights = self.one if pair is None else {**self.one, **self.two}
        turns: dict[tuple[str, tuple[Span, ...]], Turn] = {}
        for name in rng.choices(list(weights), list(weights.values()), k=self.most):
            turn = TWO[name](pair, rng) if pair and name in TWO else ONE[name](rng.choice(sides), rng)
            if turn is not None:
                turns.setdefault((turn.kind, turn.question), turn)
        return list(turns.values())

    def _row(self, rng: random.Random, images: list[np.ndarray], scenes: list[Scene], turns: list[Turn]) -> Row:
        regions = [[region.box for region in scene.regions] for scene in scenes]
        sizes = [(scene.width, scene.height) for scene in scenes]
        seen = regions
        if self.noise and rng.random() < 0.6:
            seen = [[_noisy(box, self.noise, rng) for box in boxes] for boxes in regions]
        return Row(images, regions, seen, turns, sizes)


def _noisy(box: Box, noise: float, rng: random.Random) -> Box:
    x1, y1, x2, y2 = (v + rng.gauss(0, noise) for v in box.tuple())
    return Box(x1, y1, max(x2, x1 + 2), max(y2, y1 + 2))


@cache
def balance() -> dict[str, float]:
    """Inverse frequency of each predicate of the synthetic world, from its first 1,000 scenes."""
    from relata.synth.world import world

    return _inverse([to_scene(world(0, index), "balance", full=False) for index in range(1000)])


def _inverse(scenes: list[Scene]) -> dict[str, float]:
    counts = Counter(relation.predicate for scene in scenes for relation in scene.relations)
    return {predicate: 1 / count for predicate, count in sorted(counts.items())}
