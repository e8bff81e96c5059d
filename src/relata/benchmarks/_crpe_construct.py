"""Making circular questions from any scenes, by the rules of CRPE (All-Seeing v2, section 4).

Where we depart from the paper: its authors cleaned by hand what no rule can see. Here an option is wrong only if the
annotations do not say it, in whatever words, and if boxes that could tell speak against it. Pictures of abnormal
relations came from a generator: `abnormal` lists the triplets to have drawn, and the rare relations of the given images
are asked about in a category of their own.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from relata.benchmarks._crpe_file import Question, compose, rotations
from relata.english import words
from relata.english.meanings import same_way
from relata.english.predicates import phrase, plain
from relata.filters import geometry
from relata.geometry import iou
from relata.scene import Record, Region, Relation, Scene

NEGATIVES = 3
HOW = "Answer with the letter of the right option only."
ABNORMAL_IMAGES = "abnormal_images"
"""Folder of pictures made of abnormal relations; their questions stand in the predicate split."""
RARE = 0.2
#: Two boxes with a higher IoU may be around one thing under two names.
SAME = 0.5


class Triplet(Record, frozen=True):
    """A relation of classes, and how usual it is."""

    subject: str
    predicate: str
    object: str
    share: float
    """P(predicate | subject, object) over all scenes."""
    times: int
    pairs: int
    """Relations of any predicate between the two classes."""


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
        self.labels = sorted({_label(region) for scene in scenes for region in scene.regions})
        self.of_subject: dict[str, set[str]] = defaultdict(set)
        self.of_object: dict[str, set[str]] = defaultdict(set)
        self.triplets: Counter[tuple[str, str, str]] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        for scene in scenes:
            label = {region.id: _label(region) for region in scene.regions}
            for relation in scene.relations:
                subject, predicate, object = label[relation.subject], plain(relation.predicate), label[relation.object]
                self.of_subject[subject].add(predicate)
                self.of_object[object].add(predicate)
                self.triplets[subject, predicate, object] += 1
                self.pairs[subject, object] += 1

    def share(self, subject: str, predicate: str, object: str) -> float:
        """P(predicate | subject, object)."""
        return self.triplets[subject, predicate, object] / max(1, self.pairs[subject, object])


def construct(scenes: Iterable[Scene], seed: int = 0, rare: float = RARE) -> list[Question]:
    """Circular questions on what scenes say, each in its four rotations.

    Existence: which class is in the image; wrong options are classes of other images. Subject, predicate, object: the
    missing part of a relation; wrong subjects and objects are other classes of the image, wrong predicates those with
    P(p|s) > 0 and P(p|o) > 0 over all scenes. Abnormal: a predicate question whose relation is rare given its pair.

    A question is asked only if its two classes occur once in the image and three wrong options are left. No option is
    wrong that the scene says, in whatever words, or that is spatial and that the filter `geometry` lets pass. A scene
    gives the same questions wherever it stands, as long as the scenes are the same together.

    Scenes whose image lies in a folder `abnormal_images` are asked for their predicates alone, in that split, and do
    not count in any P.

    Args:
        seed: chooses among wrong options, and their order.
        rare: the highest P(p|s,o) that counts as abnormal.
    """
    known = list(scenes)
    statistics = _Statistics([scene for scene in known if not _drawn(scene)])
    made: list[Question] = []
    groups: Counter[str] = Counter()
    for scene in known:
        rng = random.Random(f"{seed} {scene.id}")
        for draft in _drafts(scene, statistics, rare, rng):
            for question in _circle(draft, f"{draft.category}-{groups[draft.category]}", rng):
                made.append(question.replace(question_id=len(made)))
            groups[draft.category] += 1
    return made


def abnormal(scenes: Iterable[Scene], rare: float = RARE) -> list[Triplet]:
    """The triplets with the least P(p|s,o), the rarest first: rare, and real, since somebody annotated them.

    The paper has pictures made of these, and checked by people, to see whether a model goes by what is usual.
    """
    statistics = _Statistics([scene for scene in scenes if not _drawn(scene)])
    found = [
        Triplet(s, p, o, statistics.share(s, p, o), times, statistics.pairs[s, o])
        for (s, p, o), times in statistics.triplets.items()
        if s != o and statistics.share(s, p, o) <= rare
    ]
    return sorted(found, key=lambda one: (one.share, one.subject, one.predicate, one.object))


def _label(region: Region) -> str:
    return words.clean(region.label)


def _drawn(scene: Scene) -> bool:
    """Whether a picture was made of an abnormal relation."""
    return ABNORMAL_IMAGES in PurePosixPath(scene.image).parts


def _circle(draft: _Draft, group: str, rng: random.Random) -> list[Question]:
    options = [draft.right, *rng.sample(draft.wrong, NEGATIVES)]
    text = compose(draft.stem, options, HOW)
    turned = rotations(Question(0, draft.image, text, draft.category, "A", group))
    rng.shuffle(turned)
    return turned


def _drafts(scene: Scene, statistics: _Statistics, rare: float, rng: random.Random) -> Iterator[_Draft]:
    """The questions of a scene that have enough wrong options, each asked once."""
    asked: set[str] = set()
    found = list(_relations(scene, statistics, rare))
    if _drawn(scene):
        found = [draft._replace(category="predicate") for draft in found if draft.category in ("predicate", "abnormal")]
    else:
        found[:0] = _existence(scene, statistics, rng)
    for draft in found:
        if len(draft.wrong) >= NEGATIVES and draft.stem not in asked:
            asked.add(draft.stem)
            yield draft


def _existence(scene: Scene, statistics: _Statistics, rng: random.Random) -> Iterator[_Draft]:
    present = sorted({_label(region) for region in scene.regions})
    if present:
        told = [_kinds(text) for text in (*present, *scene.captions)]
        anybody = any(map(words.is_person, present))
        wrong = tuple(
            label
            for label in statistics.labels
            if not (anybody and words.is_person(label)) and not any(_same(_kinds(label), other) for other in told)
        )
        yield _Draft("exist", scene.image, "Which of these objects is in the image?", rng.choice(present), wrong)


def _kinds(text: str) -> frozenset[str]:
    """The words of a text, as many."""
    found = text.lower().replace(",", " ").replace(".", " ").split()
    return frozenset(word if words.is_plural(word) else words.plural(word) for word in found)


def _same(label: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one is the other or a kind of it: `glass` and `wine glasses`."""
    return label <= other or other <= label


def _relations(scene: Scene, statistics: _Statistics, rare: float) -> Iterator[_Draft]:
    label = {region.id: _label(region) for region in scene.regions}
    by_label: dict[str, list[Region]] = defaultdict(list)
    for region in scene.regions:
        by_label[label[region.id]].append(region)
    facts = _Facts(scene)
    for relation in scene.relations:
        s, p, o = label[relation.subject], plain(relation.predicate), label[relation.object]
        if len(by_label[s]) > 1 or len(by_label[o]) > 1 or s == o or not p:
            continue
        (subject,), (object,) = by_label[s], by_label[o]
        others = {
            name: regions
            for name, regions in by_label.items()
            if all(iou(region.box, end.box) <= SAME for region in regions for end in (subject, object))
        }
        is_, does = ("are", "do") if words.is_plural(s) else ("is", "does")
        said = phrase(p)
        yield _Draft(
            "subject",
            scene.image,
            f"What is {p} the {o}?" if said.copula else f"What {said.one} the {o}?",
            s,
            tuple(n for n, rs in others.items() if facts.false([Relation(r.id, p, object.id) for r in rs])),
        )
        predicates = sorted(statistics.of_subject[s] & statistics.of_object[o])
        yield _Draft(
            "abnormal" if statistics.share(s, p, o) <= rare else "predicate",
            scene.image,
            f"What is the relation between the {s} and the {o}?",
            p,
            tuple(q for q in predicates if facts.false([Relation(subject.id, q, object.id)])),
        )
        yield _Draft(
            "object",
            scene.image,
            f"What {is_} the {s} {p}?" if said.copula else f"What {does} the {s} {said.many}?",
            o,
            tuple(n for n, rs in others.items() if facts.false([Relation(subject.id, p, r.id) for r in rs])),
        )


class _Facts:
    """What one scene says of its regions."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene.replace(regions=tuple(region.replace(mask=None) for region in scene.regions))
        self.said = {same_way(r.subject, plain(r.predicate), r.object) for r in scene.relations}

    def false(self, claims: Sequence[Relation]) -> bool:
        """Whether no claim holds as far as can be told: none is annotated, and boxes speak against the spatial ones."""
        if any(same_way(claim.subject, claim.predicate, claim.object) in self.said for claim in claims):
            return False
        spatial = tuple(claim for claim in claims if geometry.knows(claim.predicate))
        return len(geometry.find(self.scene.replace(relations=spatial))) == len(spatial)
