"""`category`: two images that show a thing of the same kind, or two that show nothing of the same kind.

R(a, b) = 1 where a label is in both, of a region or of the whole image. With the default, only such pairs are made, as
`similarity` wants them; `contrast` asks whether two birds are of one species, with `same=0.5` and `of="image"`. A
negative is a pair that has no label in common, does not show people under different names, and of which neither's
captions speak of what the other shows.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Literal

from relata.english import words
from relata.groups._collect import Count, Facets, Share, group, pairs
from relata.notation import words as harmless
from relata.scene import Group, Scene

Labels = Literal["all", "image", "regions"]

_FACET = "category"


def groups(
    scenes: Iterable[Scene], rng: random.Random, *, of: Labels = "all", same: Share = 1.0, most: Count = 2
) -> Iterator[Group]:
    """Pairs of scenes.

    Args:
        of: whose labels count: those of the whole image, of its regions, or all.
        same: share of pairs that have a category in common.
        most: pairs that a scene starts, and those into which it is taken for one value, at most, of either kind.
    """

    def differ(one: Scene, other: Scene) -> bool:
        kinds = [categories(scene, of)[_FACET] for scene in (one, other)]
        people = all(any(map(words.is_person, found)) for found in kinds)
        return not people and not _told(kinds[0], other) and not _told(kinds[1], one)

    for pair in pairs(scenes, lambda scene: categories(scene, of), rng, same, most, differ):
        yield group(pair, _FACET)


def categories(scene: Scene, of: Labels = "all") -> Facets:
    """The labels of a scene as nouns."""
    labels = () if of == "regions" else scene.labels
    labels += () if of == "image" else tuple(region.label for region in scene.regions)
    found = frozenset(words.clean(harmless(label)) for label in labels) - {""}
    return {_FACET: found} if found else {}


def _told(kinds: frozenset[str], scene: Scene) -> bool:
    """Whether a caption of a scene names one of the kinds of things."""
    said = words.spaced(scene.captions)
    return any(f" {form} " in said for kind in kinds for form in (kind, words.plural(kind)))
