"""`attributes`: two images of one kind of thing whose colour, hair or hat is the same, or is not; half of each.

R(a, b) = 1 where things of one label say the same of one aspect (see `english.aspects`). Where a scene has several
things of a label, it is asked about none of them, for the question would not say which.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator

from relata.english import words
from relata.english.aspects import aspects
from relata.groups._collect import Count, Facets, Share, group, pairs
from relata.notation import words as harmless
from relata.scene import Group, Scene

_MARK = "\t"


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    aspect: tuple[str, ...] = (),
    same: Share = 0.5,
    most: Count = 2,
) -> Iterator[Group]:
    """Pairs of scenes, about one aspect of one kind of thing.

    Args:
        aspect: which to ask about, e.g. `colour` or `hat`; all if none is named.
        same: share of pairs in which it is the same.
        most: pairs that a scene starts, and those into which it is taken for one value, at most, of either kind.
    """
    for pair in pairs(scenes, lambda scene: values(scene, aspect), rng, same, most):
        label, _, name = pair.facet.partition(_MARK)
        yield group(pair, name, label=label)


def values(scene: Scene, wanted: tuple[str, ...] = ()) -> Facets:
    """What is said of each thing that is the only one of its label, by label and aspect."""
    nouns = [words.clean(harmless(region.label)) or "object" for region in scene.regions]
    count = Counter(nouns)
    return {
        f"{noun}{_MARK}{name}": frozenset((found.value,))
        for noun, region in zip(nouns, scene.regions)
        if count[noun] == 1
        for name, found in aspects(region).items()
        if not wanted or name in wanted
    }
