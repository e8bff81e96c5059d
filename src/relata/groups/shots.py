"""`shots`: a few labelled examples, then one to be judged by them: normal or abnormal, benign or malignant.

The examples are as many of each class, in random order, and of the query's own product where that is known
(`provenance["product"]`): nobody judges a bottle by cables. The last scene is the query. RelationVLM evaluates with 2,
4 and 8 (section 4). Scenes are parted by their id alone into those to train with and those to test with, whatever the
seed: examples always come from the first, so a query of the test has never been seen, and another seed gives other
examples for the same queries.
"""

from __future__ import annotations

import hashlib
import json
import random
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import Meta

from relata.errors import RelataError
from relata.groups._collect import Count, Sample, Share
from relata.scene import Group, Scene

Shots = Annotated[int, Meta(ge=2)]
#: Product, class.
Kind = tuple[str, str]


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    classes: tuple[str, ...] = ("normal", "abnormal"),
    others: str = "",
    shots: Shots = 4,
    split: Literal["train", "test", "all"] = "train",
    test: Share = 0.2,
    most: Count = 1,
) -> Iterator[Group]:
    """Episodes: `shots` examples and a query each.

    A scene's class is the one that is among the labels of its image.

    Args:
        classes: two or more.
        others: the class of scenes that have none of these labels, e.g. `abnormal` where labels are kinds of defects;
            if empty, they are left out, and a warning tells how many.
        shots: examples per episode, a multiple of the number of classes.
        split: which scenes are queries; `all` parts nothing.
        test: share of the scenes to test with.
        most: episodes per query, each with other examples.

    Raises:
        RelataError: if the shots cannot be shared out, or the scenes are too few for a single episode.
    """
    if len(set(classes)) < 2 or shots % len(classes):
        raise RelataError(f"{shots} shots cannot be shared out evenly among classes {list(classes)}; give a multiple")
    if others and others not in classes:
        raise RelataError(f"others={others!r} is none of the classes {list(classes)}")
    samples: defaultdict[Kind, Sample] = defaultdict(Sample)
    early: list[tuple[Scene, str]] = []
    made = without = 0
    for scene in scenes:
        own = class_of(scene, classes, others)
        if not own:
            without += 1
            continue
        held = split != "all" and held_out(scene.id, test)
        if split == "all" or held == (split == "test"):
            found = list(_episodes(scene, own, samples, rng, classes, shots, most))
            if not found:  # it came before there were examples enough; its turn comes at the end
                early.append((scene, own))
            made += len(found)
            yield from found
        if not held:
            samples[_product(scene), own].add(scene, {}, rng)
    for scene, own in early:
        for group in _episodes(scene, own, samples, rng, classes, shots, most):
            made += 1
            yield group
    if without:
        warnings.warn(f"{without:,} scenes have none of the classes {list(classes)}; see `others`", stacklevel=2)
    if not made:
        counts = {kind: len(sample.kept) for kind, sample in samples.items() if sample.kept}
        raise RelataError(f"no episode of {shots} shots can be made: examples of each kind, {counts}; see `classes`")


def class_of(scene: Scene, classes: tuple[str, ...], others: str = "") -> str:
    """The class of a scene; `others` if it has none."""
    return next((name for name in classes if name in scene.labels), others)


def _product(scene: Scene) -> str:
    return scene.provenance.get("product", "")


def held_out(id: str, test: float) -> bool:
    """Whether a scene is to test with; by its id alone."""
    return int(hashlib.sha256(id.encode()).hexdigest()[:8], 16) < test * 2**32


def _episodes(
    query: Scene,
    own: str,
    samples: defaultdict[Kind, Sample],
    rng: random.Random,
    classes: tuple[str, ...],
    shots: int,
    most: int,
) -> Iterator[Group]:
    each = shots // len(classes)
    for number in range(most):
        kept = {name: samples[_product(query), name].kept for name in classes}
        known = {name: [scene for scene, _ in some if scene.id != query.id] for name, some in kept.items()}
        if any(len(found) < each for found in known.values()):
            return
        chosen = [(name, scene) for name in classes for scene in rng.sample(known[name], each)]
        rng.shuffle(chosen)
        told = [*(name for name, _ in chosen), own]
        provenance = {"relation": "few-shot", "classes": json.dumps(classes), "labels": json.dumps(told)}
        yield Group(f"{query.id}/{shots}-shot/{number}", (*(scene for _, scene in chosen), query), (), None, provenance)
