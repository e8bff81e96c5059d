"""`nouns`: pairs of scenes at several levels of similarity, by the nouns that their captions share (CaD-VI, 3.1).

Levels are 0-1, 2-3, 4-5, 6-7 and 8 or more shared nouns, in equal parts; the paper has "different levels" and leaves
them open. How pairs are drawn within a level stands in `_mining`. Of a scene with several captions the nouns of all
count; of one without any, those of its regions' labels.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterable, Iterator
from typing import Annotated

from msgspec import Meta

from relata.groups._collect import Count
from relata.groups._mining import LEVELS, mine, quotas
from relata.nouns import noun_sets, tagger
from relata.scene import Group, Scene, decode, encode

Several = Annotated[int, Meta(ge=2)]


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    pairs: Annotated[int, Meta(ge=0)] = 0,
    per_scene: Annotated[float, Meta(gt=0)] = 278 / 873,
    levels: tuple[str, ...] = LEVELS,
    shares: tuple[float, ...] = (),
    most: Count = 4,
    size: Several = 2,
    nouns: str = "rules",
    processes: Count = 1,
) -> Iterator[Group]:
    """Groups of scenes whose captions share nouns. Each says in its provenance how many, which, and by which tagger.

    Scenes are kept as bytes while groups are drawn, a few hundred each for a scene with a caption and no regions.

    Args:
        pairs: groups in all; 0 leaves it to `per_scene`.
        per_scene: groups for each scene. The paper has 278K for its 873K.
        levels: numbers of shared nouns: `2-3`, `5` or `8+`.
        shares: of each level in all groups; equal ones if empty.
        most: groups that one image may be in.
        size: scenes in a group; each of the others shares so many nouns with the first. The paper has pairs.
        nouns: who finds the nouns: `rules`, `spacy` or `spacy:MODEL`.
        processes: for finding nouns.

    Raises:
        RelataError: if a level is none, the shares do not fit, or the tagger is not installed.
    """
    kept: list[bytes] = []
    images: list[str] = []

    def texts() -> Iterator[str]:
        for scene in scenes:
            kept.append(encode(scene))
            images.append(scene.image)
            yield text(scene)

    sets = noun_sets(texts(), nouns, processes)
    if len(kept) < size:
        return
    wanted = pairs or max(round(len(kept) * per_scene), 1)
    number = {image: k for k, image in enumerate(dict.fromkeys(images))}
    mined = mine(
        sets, wanted, levels=levels, shares=shares, most=most, size=size,
        images=[number[image] for image in images], seed=rng.getrandbits(32),
    )  # fmt: skip
    found = [int((mined.levels == k).sum()) for k in range(len(levels))]
    if any(count < share for count, share in zip(found, quotas(wanted, len(levels), shares))):
        told = ", ".join(f"{count:,} at {level}" for level, count in zip(levels, found))
        warnings.warn(f"{wanted:,} groups were asked for, {sum(found):,} found: {told}", stacklevel=2)
    name = tagger(nouns).name
    for members, shared, level in zip(mined.members.tolist(), mined.shared.tolist(), mined.levels.tolist()):
        chosen = tuple(decode(kept[k], Scene) for k in members)
        common = [noun for noun in sets.of(members[0]) if all(noun in sets.of(k) for k in members[1:])]
        about = {
            "relation": "shared nouns", "label": ", ".join(common), "level": levels[level],
            "shared": " ".join(map(str, shared)), "nouns": name,
        }  # fmt: skip
        yield Group("+".join(scene.id for scene in chosen), chosen, provenance=about)


def text(scene: Scene) -> str:
    """The words whose nouns stand for a scene."""
    said = [caption for caption in scene.captions if caption.strip()]
    return " . ".join(said or [region.label for region in scene.regions])
