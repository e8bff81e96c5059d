"""Making circular questions from any scenes, by the rules of CRPE (All-Seeing v2, section 4).

Where we depart from the paper: its authors cleaned by hand what no rule can see, and took pictures of rare relations
from a generator. Here wrong options are refused when the annotation says that they are right too, for subjects and
objects as for predicates; and rare relations are those of the given images, in a category of their own.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from relata.benchmarks._crpe_file import Question, compose, rotations
from relata.scene import Scene

NEGATIVES = 3
HOW = "Answer with the letter of the right option only."


class _Draft(NamedTuple):
    """A question before its options are put in order."""

    category: str
    image: str
    stem: str
    right: str
    wrong: tuple[str, ...]


class _Statistics:
    """What the scenes together say about which predicates go with which classes."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        self.labels = sorted({region.label for scene in scenes for region in scene.regions})
        self.of_subject: dict[str, set[str]] = defaultdict(set)
        self.of_object: dict[str, set[str]] = defaultdict(set)
        self.triplets: Counter[tuple[str, str, str]] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        for scene in scenes:
            label = {region.id: region.label for region in scene.regions}
            for relation in scene.relations:
                subject, object = label[relation.subject], label[relation.object]
                self.of_subject[subject].add(relation.predicate)
                self.of_object[object].add(relation.predicate)
                self.triplets[subject, relation.predicate, object] += 1
                self.pairs[subject, object] += 1

    def share(self, subject: str, predicate: str, object: str) -> float:
        """P(predicate | subject, object)."""
        return self.triplets[subject, predicate, object] / self.pairs[subject, object]


def construct(scenes: Iterable[Scene], seed: int = 0, rare: float = 0.2) -> list[Question]:
    """Circular questions on what scenes say, each in its four rotations.

    Existence: which class is in the image; wrong options are classes of other images. Subject, predicate, object: the
    missing part of a relation; wrong subjects and objects are other classes of the image, wrong predicates those with
    P(p|s) > 0 and P(p|o) > 0 over all scenes. Abnormal: a predicate question whose relation is rare given its pair.

    A question is asked only if its two classes occur once in the image and three wrong options are left, none of which
    the scene says is right as well. A scene gives the same questions wherever it stands, as long as the scenes are the
    same together.

    Args:
        seed: chooses among wrong options, and their order.
        rare: the highest P(p|s,o) that counts as abnormal.
    """
    known = list(scenes)
    statistics = _Statistics(known)
    made: list[Question] = []
    groups: Counter[str] = Counter()
    for scene in known:
        rng = random.Random(f"{seed} {scene.id}")
        for draft in _drafts(scene, statistics, rare, rng):
            for question in _circle(draft, f"{draft.category}-{groups[draft.category]}", rng):
                made.append(question.replace(question_id=len(made)))
            groups[draft.category] += 1
    return made


def _circle(draft: _Draft, group: str, rng: random.Random) -> list[Question]:
    options = [draft.right, *rng.sample(draft.wrong, NEGATIVES)]
    text = compose(draft.stem, options, HOW)
    turned = rotations(Question(0, draft.image, text, draft.category, "A", group))
    rng.shuffle(turned)
    return turned


def _drafts(scene: Scene, statistics: _Statistics, rare: float, rng: random.Random) -> Iterator[_Draft]:
    """The questions of a scene that have enough wrong options, each asked once."""
    asked: set[str] = set()
    for draft in (*_existence(scene, statistics, rng), *_relations(scene, statistics, rare)):
        if len(draft.wrong) >= NEGATIVES and draft.stem not in asked:
            asked.add(draft.stem)
            yield draft


def _existence(scene: Scene, statistics: _Statistics, rng: random.Random) -> Iterator[_Draft]:
    present = sorted({region.label for region in scene.regions})
    if present:
        wrong = tuple(label for label in statistics.labels if label not in present)
        yield _Draft("exist", scene.image, "Which of these objects is in the image?", rng.choice(present), wrong)


def _relations(scene: Scene, statistics: _Statistics, rare: float) -> Iterator[_Draft]:
    label = {region.id: region.label for region in scene.regions}
    times = Counter(label.values())
    facts = {(label[r.subject], r.predicate, label[r.object]) for r in scene.relations}
    for relation in scene.relations:
        s, p, o = label[relation.subject], relation.predicate, label[relation.object]
        if times[s] > 1 or times[o] > 1 or s == o:
            continue
        others = [name for name in times if name not in (s, o)]
        subjects = tuple(name for name in others if (name, p, o) not in facts)
        yield _Draft("subject", scene.image, f"What is {p} the {o}?", s, subjects)
        predicates = tuple(
            sorted(q for q in statistics.of_subject[s] & statistics.of_object[o] if (s, q, o) not in facts)
        )
        kind = "abnormal" if statistics.share(s, p, o) <= rare else "predicate"
        yield _Draft(kind, scene.image, f"What is the relation between the {s} and the {o}?", p, predicates)
        objects = tuple(name for name in others if (s, p, name) not in facts)
        yield _Draft("object", scene.image, f"What is the {s} {p}?", o, objects)
