"""`identity`: two images of the same individual, or of two different ones of a kind; half of each.

R(a, b) = 1 where a region of either has the same `identity`. Asked are regions of one label: two people, two dogs. The
evaluation of RelationVLM has as many pairs of either kind, and so has this.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator

from relata.english import words
from relata.groups._collect import Count, Facets, Share, group, pairs
from relata.notation import words as harmless
from relata.scene import Group, Link, Scene


def groups(scenes: Iterable[Scene], rng: random.Random, *, same: Share = 0.5, most: Count = 2) -> Iterator[Group]:
    """Pairs of scenes; the regions of the same individual are linked.

    Args:
        same: share of pairs that show the same individual.
        most: pairs that a scene starts, and those into which it is taken for one value, at most, of either kind.
    """
    for pair in pairs(scenes, identities, rng, same, most):
        links = [
            Link((0, one.id), (1, other.id))
            for one in pair.first.regions
            for other in pair.second.regions
            if one.identity is not None and one.identity == other.identity
        ]
        yield group(pair, "identity", label=pair.facet, links=links)


def identities(scene: Scene) -> Facets:
    """The individuals of a scene by label; only those that are the only ones of their label, so that `is it the same
    person` has one meaning."""
    nouns = [words.clean(harmless(region.label)) or "object" for region in scene.regions]
    count = Counter(nouns)
    return {
        noun: frozenset((region.identity,))
        for noun, region in zip(nouns, scene.regions)
        if region.identity is not None and count[noun] == 1
    }
