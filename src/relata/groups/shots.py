"""`shots`: a few labelled examples, then one to be judged by them: normal or abnormal, benign or malignant.

The examples are as many of each class, in random order; the last scene is the query. RelationVLM evaluates with 2, 4
and 8 (section 4). Scenes are parted by their id alone into those to train with and those to test with, whatever the
seed: examples always come from the first, so a query of the test has never been seen, and another seed gives other
examples for the same queries.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from msgspec import Meta

from relata.errors import RelataError
from relata.groups._collect import Count, Sample, Share
from relata.scene import Group, Scene

Shots = Annotated[int, Meta(ge=2)]


def groups(
    scenes: Iterable[Scene],
    rng: random.Random,
    *,
    classes: tuple[str, ...] = ("normal", "abnormal"),
    shots: Shots = 4,
    split: Literal["train", "test", "all"] = "train",
    test: Share = 0.2,
    most: Count = 1,
) -> Iterator[Group]:
    """Episodes: `shots` examples and a query each.

    A scene's class is the one that is among the labels of its image; with none of them it has the last class, so that
    the many kinds of defects are all `abnormal`.

    Args:
        classes: two or more.
        shots: examples per episode, a multiple of the number of classes.
        split: which scenes are queries; `all` parts nothing.
        test: share of the scenes to test with.
        most: episodes per query, each with other examples.

    Raises:
        RelataError: if the shots cannot be shared out, or the scenes are too few for a single episode.
    """
    if len(set(classes)) < 2 or shots % len(classes):
        raise RelataError(f"{shots} shots cannot be shared out evenly among classes {list(classes)}; give a multiple")
    samples: defaultdict[str, Sample] = defaultdict(Sample)
    early: list[Scene] = []
    made = 0
    for scene in scenes:
        held = split != "all" and held_out(scene.id, test)
        if split == "all" or held == (split == "test"):
            found = list(_episodes(scene, samples, rng, classes, shots, most))
            early += [] if found else [scene]  # it came before there were examples enough; its turn comes at the end
            made += len(found)
            yield from found
        if not held:
            samples[class_of(scene, classes)].add(scene, {}, rng)
    for scene in early:
        for group in _episodes(scene, samples, rng, classes, shots, most):
            made += 1
            yield group
    if not made:
        counts = {name: len(samples[name].kept) for name in classes}
        raise RelataError(f"no episode of {shots} shots can be made: examples of each class, {counts}; see `classes`")


def class_of(scene: Scene, classes: tuple[str, ...]) -> str:
    """The class of a scene."""
    return next((name for name in classes if name in scene.labels), classes[-1])


def held_out(id: str, test: float) -> bool:
    """Whether a scene is to test with; by its id alone."""
    return int(hashlib.sha256(id.encode()).hexdigest()[:8], 16) < test * 2**32


def _episodes(
    query: Scene, samples: dict[str, Sample], rng: random.Random, classes: tuple[str, ...], shots: int, most: int
) -> Iterator[Group]:
    each = shots // len(classes)
    for number in range(most):
        known = {name: [scene for scene, _ in samples[name].kept if scene.id != query.id] for name in classes}
        if any(len(found) < each for found in known.values()):
            return
        chosen = [(name, scene) for name in classes for scene in rng.sample(known[name], each)]
        rng.shuffle(chosen)
        told = [*(name for name, _ in chosen), class_of(query, classes)]
        provenance = {"relation": "few-shot", "classes": json.dumps(classes), "labels": json.dumps(told)}
        yield Group(f"{query.id}/{shots}-shot/{number}", (*(scene for _, scene in chosen), query), (), None, provenance)
