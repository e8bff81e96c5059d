"""What is false in an image, with the evidence: negatives that are true negatives.

What is merely not annotated may still hold, so it is never called false. Evidence is, in this order:

- `opposite`: of the same pair the opposite is annotated, left of for right of;
- `asymmetric`: the same is annotated the other way round, and cannot hold both ways;
- `exclusive`: a predicate is annotated that excludes it in any photo (`english.predicates`);
- `boxes`: the boxes lie wholly the other way (`relata.spatial`);
- `apart`: the boxes do not even come near each other, and it needs contact;
- `absent`: the thing is one that nobody who annotates an image leaves out, and is in no label or caption.

Left and right are the viewer's; of a thing with a left side of its own boxes do not tell, since annotators may mean
that one. What is ground for others (a road, water) has often a box around one part of it, so no contact can be missed
there. Nothing counts against what is annotated, in whatever words of its meaning.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from relata import spatial
from relata.english import premises, words
from relata.english.facts import Triple, triples
from relata.english.meanings import CONVERSE, ONE_WAY, SYMMETRIC, meaning
from relata.english.predicates import excluded, plain
from relata.english.talk import Talk
from relata.filters import frames
from relata.scene import Scene

#: Needs contact, so that boxes around whole things have to meet.
CONTACT = frozenset(
    (
        "on",
        "in",
        "containing",
        "touching",
        "riding",
        "sitting on",
        "standing on",
        "lying on",
        "walking on",
        "holding",
        "carrying",
        "wearing",
        "leaning on",
        "parked on",
        "eating",
        "hugging",
        "kissing",
    )
)
#: Things that others are on or in, and whose box may be around one part of them.
_GROUND = words.words(
    """
    area bay beach bush bushes ceiling city cloud clouds court dirt earth field fields floor forest garden grass ground
    hill hills lake land lawn light lot mountain mountains ocean park path pavement platform pool porch river road roof
    room sand sea shade shadow shadows shelf shore sidewalk sky snow street surface table track tracks trail tree trees
    wall walls water wave waves way yard
    """
)
_INSIDE = frozenset(("in", "containing"))
#: Boxes that need contact are apart if the gap is at least this share of the image's side.
GAP = 0.1
#: An image with fewer regions is not annotated as a whole, so that nothing can be called absent.
WHOLE = 8


class Negative(NamedTuple):
    """A statement that is false, made of a true one. Regions by position."""

    way: str
    """How it was made: `swapped`, `inverse`, `predicate`, `object`."""
    subject: int
    predicate: str
    object: int
    """-1: a thing that is not in the image."""
    evidence: str
    noun: str = ""
    """What is not in the image."""


class Known:
    """What is known to hold in a scene, and what cannot hold because of it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.true = triples(scene)
        self._said: dict[tuple[int, int], list[str]] = {}
        for subject, predicate, object in self.true:
            self._said.setdefault((subject, object), []).append(predicate)

    def holds(self, subject: int, predicate: str, object: int) -> bool:
        """Whether it is annotated, in whatever words, or follows from its converse."""
        said = meaning(predicate)
        here = {meaning(other) for other in self._said.get((subject, object), ())}
        back = {meaning(other) for other in self._said.get((object, subject), ())}
        return said in here or (said in SYMMETRIC and said in back) or CONVERSE.get(said) in back

    def doubtful(self, subject: int, predicate: str, object: int) -> str:
        """Why an annotated relation is not to be relied on: the boxes show the opposite; empty if they do not."""
        shown = self._shown(subject, object)
        return f"the boxes show {shown}" if shown and CONVERSE.get(shown) == meaning(predicate) else ""

    def false(self, subject: int, predicate: str, object: int) -> str:
        """The evidence that something does not hold; empty if there is none."""
        if subject == object or self.holds(subject, predicate, object):
            return ""
        said, shown = meaning(predicate), self._shown(subject, object)
        if said == shown:
            return ""  # unannotated, and true
        here, back = self._said.get((subject, object), []), self._said.get((object, subject), [])
        if said in ("above", "under") and not _INSIDE.isdisjoint(map(meaning, (*here, *back))):
            return ""  # a rock in the water may be above and under it
        for other in here:
            if CONVERSE.get(meaning(other)) == said:
                return f"opposite: {other} is annotated"
        for other in back:
            if meaning(other) == said and said in ONE_WAY:
                return f"asymmetric: {other} is annotated the other way round"
        for other in here:
            if plain(predicate) in excluded(other):
                return f"exclusive: {other} is annotated"
        if shown and CONVERSE[shown] == said and self._viewers(said, object):
            return f"boxes: {shown}"
        gap = self._gap(subject, object)
        touching = any(meaning(other) in CONTACT for other in (*here, *back))
        if said in CONTACT and gap >= GAP and not touching and self.whole(subject) and self.whole(object):
            return f"apart: the boxes are {gap:.0%} of the side from each other"
        return ""

    def _viewers(self, said: str, object: int) -> bool:
        """Whether a direction can only be the viewer's."""
        sideways = said in ("left of", "right of")
        return not sideways or frames.frame_of(said, self.scene.regions[object].label) == "viewer"

    def whole(self, region: int) -> bool:
        """Whether a box is around the whole thing."""
        noun = words.clean(self.scene.regions[region].label)
        return not (words.is_mass(noun) or words.is_unique(noun) or words.head(noun) in _GROUND)

    def _shown(self, subject: int, object: int) -> str | None:
        first, second = self.scene.regions[subject].box, self.scene.regions[object].box
        return spatial.clear(first, second, self.scene.width, self.scene.height)

    def _gap(self, subject: int, object: int) -> float:
        """Between two boxes, in shares of the side across which they are further apart; below 0 if they meet."""
        first, second = self.scene.regions[subject].box, self.scene.regions[object].box
        across = max(first.x1 - second.x2, second.x1 - first.x2) / self.scene.width
        down = max(first.y1 - second.y2, second.y1 - first.y2) / self.scene.height
        return max(across, down)

    def kept(self, true: Triple, rng: random.Random) -> list[Negative]:
        """The negatives that keep the predicate of a true relation: the two things swapped, or another object."""
        subject, predicate, object = true
        found: list[Negative] = []
        if meaning(predicate) in ONE_WAY and (evidence := self.false(object, predicate, subject)):
            found.append(Negative("swapped", object, predicate, subject, evidence))
        others = [
            Negative("object", subject, predicate, other, evidence)
            for other in range(len(self.scene.regions))
            if other != object and (evidence := self.false(subject, predicate, other))
        ]
        return found + (others or list(self._absent(true, rng)))

    def replaced(self, true: Triple, predicate: str) -> Negative | None:
        """A true relation with another predicate, if that is false."""
        subject, said, object = true
        evidence = self.false(subject, predicate, object)
        if not evidence:
            return None
        way = "inverse" if CONVERSE.get(meaning(said)) == meaning(predicate) else "predicate"
        return Negative(way, subject, predicate, object, evidence)

    def _absent(self, true: Triple, rng: random.Random) -> Iterator[Negative]:
        """With a thing in place of the object that could well be there, and is not."""
        subject, predicate, _ = true
        fitting = premises.FITTING.get(predicate, ())
        if fitting and len(self.scene.regions) >= WHOLE:
            absent = set(premises.absent_things(Talk(self.scene, rng)))
            for noun in fitting:
                if noun in absent:
                    yield Negative("object", subject, predicate, -1, f"absent: no {noun} is annotated or told of", noun)
