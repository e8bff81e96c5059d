"""`frames`: whose left and right it is, the viewer's or the object's own, and whether the boxes agree.

`left of the car` may be the side that a viewer sees on the left or the driver's left; annotators mix the two, which is
a known noise of spatial data (Visual Spatial Reasoning, arXiv 2205.00363). A relation of left or right is tagged by its
words:

- `viewer`: it says so (`on the left side of the image`, `from the viewer's perspective`), or the object has no left
  side of its own (a tree, a ball);
- `object`: it says so (`to its left`, `on the driver's left`);
- `ambiguous`: neither, and the object has a front (a person, an animal, a car, a chair).

Boxes tell which reading holds: the viewer's, or the opposite one, which an object that faces the viewer has.

Reasons: `other-frame` (an ambiguous one that holds only in the other frame than the data set's), `viewer-contradicted`
(the words mean the viewer, the boxes say the opposite).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from relata.english.meanings import meaning
from relata.english.words import clean, head, is_person, words
from relata.errors import RelataError
from relata.filters import Finding
from relata.scene import Relation, Scene

Frame = Literal["viewer", "object", "ambiguous"]

#: Centres must differ by this share of the width for a reading to hold.
MARGIN = 0.05
#: A data set is consistent if this share of its ambiguous relations that boxes decide hold in one frame.
CONSISTENT = 0.95

_VIEWER = re.compile(
    r"\b(?:viewer|observer|camera|onlooker)\b|\b(?:image|photo|photograph|picture|frame|scene)\b|\bas seen\b|\bmy\b"
)
_OBJECT = re.compile(
    r"\b(?:its|his|her|their)(?: own)? (?:left|right)\b"
    r"|(?:(?<!viewer)(?<!observer)(?<!camera)'s|s') (?:own )?(?:left|right)\b"
)
_SIDE = re.compile(r"\b(left|right)\b")

#: Things with a front of their own, beside persons and animals.
_FRONTED = frozenset(
    words(
        """
        airplane armchair bed bench bicycle bike boat bus cabinet camera car cart chair clock computer couch desk doll
        dresser fireplace fridge helicopter house jeep laptop machine microwave mirror monitor moped motorbike
        motorcycle oven phone piano plane printer radio refrigerator robot scooter screen ship shop sofa statue stove
        stroller suv taxi teddy telephone television throne toilet tractor train tram truck tv van vehicle
        wagon wheelchair
        """
    )
)
_ANIMALS = frozenset(
    words(
        """
        animal bear bird bull calf camel cat cattle chicken cow deer dog donkey duck eagle elephant fish fox frog
        giraffe goat goose hen horse kitten lamb lion monkey mouse owl parrot penguin pig pigeon pony puppy rabbit
        rooster sheep swan tiger turkey turtle zebra
        """
    )
)


class Tag(NamedTuple):
    """What a relation's words say of its frame, and what the boxes say."""

    relation: int
    """Position in `scene.relations`."""
    frame: Frame
    holds: Literal["viewer", "opposite", "unclear"]


class Census(NamedTuple):
    """Left and right in one data set: counts of words, and of the readings of what is ambiguous."""

    frames: Counter[str]
    ambiguous: Counter[str]

    @property
    def share(self) -> float:
        """The share of ambiguous relations that hold for the viewer, of those that boxes decide; NaN if none is."""
        decided = self.ambiguous["viewer"] + self.ambiguous["opposite"]
        return self.ambiguous["viewer"] / decided if decided else float("nan")

    @property
    def consistent(self) -> bool:
        """Whether nearly all hold in one frame; so it is where nothing is decided."""
        return not 1 - CONSISTENT < self.share < CONSISTENT

    def __str__(self) -> str:
        said = ", ".join(f"{n} {frame}" for frame, n in sorted(self.frames.items()))
        if not self.ambiguous:
            return said
        held = ", ".join(f"{n} {reading}" for reading, n in sorted(self.ambiguous.items()))
        verdict = "consistent" if self.consistent else "NOT consistent"
        return f"{said}; of the ambiguous, by the boxes: {held}; {verdict} ({self.share:.1%} viewer)"


def find(scene: Scene, *, frame: str = "viewer", margin: float = MARGIN) -> list[Finding]:
    """The relations of left and right that hold in another frame than they should.

    Args:
        frame: whose left and right the data set means where its words leave it open: `viewer`, or `object`, which is
            taken to face the viewer.
        margin: how far centres must differ, in shares of the width.

    Raises:
        RelataError: on another frame.
    """
    if frame not in ("viewer", "object"):
        raise RelataError(f"frame is {frame!r}; write viewer or object")
    against = "opposite" if frame == "viewer" else "viewer"
    found = []
    for tag in tags(scene, margin):
        words = scene.relations[tag.relation].predicate
        if tag.frame == "viewer" and tag.holds == "opposite":
            found.append(Finding(tag.relation, "viewer-contradicted", words))
        elif tag.frame == "ambiguous" and tag.holds == against:
            found.append(Finding(tag.relation, "other-frame", f"{words}: holds for the {_holder(tag)}"))
    return found


def _holder(tag: Tag) -> str:
    return "viewer only" if tag.holds == "viewer" else "object's own side only"


def tags(scene: Scene, margin: float = MARGIN) -> list[Tag]:
    """The relations of left and right with their frames."""
    boxes = {region.id: region.box for region in scene.regions}
    labels = {region.id: region.label for region in scene.regions}
    found = []
    for index, relation in enumerate(scene.relations):
        side = _SIDE.search(relation.predicate.lower())
        if side is None or relation.subject == relation.object or not _is_direction(relation):
            continue
        first, second = boxes[relation.subject], boxes[relation.object]
        by = (second.x1 + second.x2 - first.x1 - first.x2) / 2 / scene.width * (1 if side[1] == "left" else -1)
        holds: Literal["viewer", "opposite", "unclear"] = "unclear"
        if abs(by) >= margin:
            holds = "viewer" if by > 0 else "opposite"
        found.append(Tag(index, frame_of(relation.predicate, labels[relation.object]), holds))
    return found


def _is_direction(relation: Relation) -> bool:
    """`turning left` and `right hand of` are no directions between two things."""
    said = relation.predicate.lower()
    return meaning(said) in ("left of", "right of") or bool(_OBJECT.search(said))


def frame_of(predicate: str, object: str) -> Frame:
    """Whose left and right a predicate means, said of an object of this label."""
    said = predicate.lower()
    if _OBJECT.search(said):
        return "object"
    if _VIEWER.search(said):
        return "viewer"
    noun = clean(object)
    fronted = is_person(noun) or head(noun) in _FRONTED or head(noun) in _ANIMALS
    return "ambiguous" if fronted else "viewer"


def census(scenes: Iterable[Scene], margin: float = MARGIN) -> dict[str, Census]:
    """Per source of relations: how its left and right are said, and in which frame the ambiguous ones hold."""
    found: dict[str, Census] = {}
    for scene in scenes:
        for tag in tags(scene, margin):
            source = scene.relations[tag.relation].source or "unnamed"
            counts = found.setdefault(source, Census(Counter(), Counter()))
            counts.frames[tag.frame] += 1
            if tag.frame == "ambiguous":
                counts.ambiguous[tag.holds] += 1
    return found
