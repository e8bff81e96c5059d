"""`category`: two images that show a thing of the same kind, or two that show nothing of the same kind.

R(a, b) = 1 where a label is in both, of a region or of the whole image. With the default, only such pairs are made, as
`similarity` wants them; `same=0.5` gives as many that have no label in common, to ask whether two birds are of one
species.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from relata.english import words
from relata.groups._collect import Count, Facets, Share, group, pairs
from relata.notation import words as harmless
from relata.scene import Group, Scene

_FACET = "category"


def groups(scenes: Iterable[Scene], rng: random.Random, *, same: Share = 1.0, most: Count = 2) -> Iterator[Group]:
    """Pairs of scenes.

    Args:
        same: share of pairs that have a category in common.
        most: pairs per scene, at most, of either kind.
    """
    for pair in pairs(scenes, categories, rng, same, most):
        yield group(pair, _FACET)


def categories(scene: Scene) -> Facets:
    """The labels of a scene as nouns."""
    labels = (*scene.labels, *(region.label for region in scene.regions))
    found = frozenset(words.clean(harmless(label)) for label in labels) - {""}
    return {_FACET: found} if found else {}
