"""`geometry`: spatial relations that boxes, masks or depth contradict.

Synthetic Visual Genome (section 2.1) checks spatial relations by rules on boxes and depth; its rules are lost, these
are ours. Left, right, above and under are judged by the centres of the boxes; in, on and near by containment, contact
and distance; in front of and behind by a depth map or, without one, by which mask cuts into which.

Boxes contradict some relations, show others, and are silent about the rest: whether a thumb within the box of a tie is
above it, they cannot tell. What is contradicted goes; what is merely not shown stays, unless `strict` is given, and
`vqa` asks a teacher about it. A predicate that is no spatial word passes.

Reasons: `opposite` (the other direction holds), `apart` (too far from each other), `not-apart` (they touch),
`no-contact` (it reaches below what it is said to be on); with `strict` also `unclear` (not shown).
"""

from __future__ import annotations

from collections.abc import Callable
from math import hypot
from pathlib import Path
from typing import NamedTuple

from relata.english.meanings import meaning
from relata.english.words import clean, head, is_person
from relata.filters import Finding
from relata.filters._depth import Depth, hides, median
from relata.geometry import containment, iou
from relata.scene import Region, Scene

#: Centres must differ by this share of the image's side.
MARGIN = 0.05
#: Boxes of a larger IoU are too much the same to show a direction.
OVERLAP = 0.5
#: A box is in another one if at least this share of it is.
INSIDE = 0.8
#: `near`: the most between centres, in shares of the image's diagonal; what touches is near at any size.
NEAR = 0.25
#: Median depths must differ by this share of the map's range.
DEPTH = 0.05
#: Without a depth map: what stands before another thing hides at least this share of the smaller one.
HIDDEN = 0.1

#: The reason of what is neither contradicted nor shown.
UNCLEAR = "unclear"
#: Things that others are on from below.
_OVERHEAD = frozenset(("ceiling", "roof"))


class Limits(NamedTuple):
    """The margins of one call."""

    margin: float
    overlap: float
    inside: float
    near: float


class Pair(NamedTuple):
    """Two regions in their image."""

    subject: Region
    object: Region
    width: float
    height: float
    limits: Limits

    @property
    def ends(self) -> tuple[Region, Region]:
        return self.subject, self.object

    @property
    def across(self) -> float:
        """How far the object's centre is to the right of the subject's, in shares of the width."""
        first, second = self.subject.box, self.object.box
        return (second.x1 + second.x2 - first.x1 - first.x2) / 2 / self.width

    @property
    def down(self) -> float:
        """How far the object's centre is below the subject's, in shares of the height."""
        first, second = self.subject.box, self.object.box
        return (second.y1 + second.y2 - first.y1 - first.y2) / 2 / self.height

    @property
    def apart(self) -> float:
        """Between the centres, in shares of the diagonal."""
        return hypot(self.across * self.width, self.down * self.height) / hypot(self.width, self.height)

    @property
    def gaps(self) -> tuple[float, float]:
        """Between the boxes, across and down, in pixels; 0 where they overlap."""
        first, second = self.subject.box, self.object.box
        across = max(first.x1 - second.x2, second.x1 - first.x2)
        return max(across, 0.0), max(first.y1 - second.y2, second.y1 - first.y2, 0.0)

    @property
    def touching(self) -> bool:
        """Whether the boxes meet, or nearly so."""
        across, down = self.gaps
        return max(across / self.width, down / self.height) <= self.limits.margin

    @property
    def within(self) -> float:
        """The share of the subject that is in the object."""
        return containment(self.subject.box, self.object.box)

    @property
    def turned(self) -> Pair:
        return self._replace(subject=self.object, object=self.subject)


class Fault(NamedTuple):
    """Why a relation is wrong, or not shown."""

    reason: str
    detail: str


Rule = Callable[[Pair], Fault | None]


def find(
    scene: Scene,
    *,
    strict: bool = False,
    margin: float = MARGIN,
    overlap: float = OVERLAP,
    inside: float = INSIDE,
    near: float = NEAR,
    depth: str = "",
    depth_margin: float = DEPTH,
    near_is: str = "large",
    hidden: float = HIDDEN,
) -> list[Finding]:
    """The relations of a scene that geometry contradicts.

    Args:
        strict: find those too that geometry has a rule for and does not show.
        margin: how far centres must differ, in shares of the image's side.
        overlap: from this IoU on, boxes show no direction.
        inside: from this share on, one box is in the other.
        near: the most between centres of things near each other, in shares of the diagonal.
        depth: a folder of depth maps, `<name of the image>.png` or `.npy`.
        depth_margin: how far median depths must differ, in shares of the map's range.
        near_is: whether `large` or `small` values of a depth map are near (`large`: Depth-Anything).
        hidden: without depth maps, how much the masks have to tell against in front of and behind.

    Raises:
        RelataError: on a depth map that is missing, damaged or has not the image's proportions.
    """
    limits = Limits(margin, overlap, inside, near)
    regions = {region.id: region for region in scene.regions}
    found = []
    map: Depth | None = None
    for index, relation in enumerate(scene.relations):
        said = meaning(relation.predicate)
        pair = Pair(regions[relation.subject], regions[relation.object], scene.width, scene.height, limits)
        if relation.subject == relation.object:
            continue  # `logic` finds these
        if said in ("in front of", "behind"):
            front, back = pair.ends if said == "in front of" else pair.ends[::-1]
            if depth:
                map = map or Depth.read(Path(depth), scene, near_is)
                fault = _nearer(front, back, map, depth_margin)
            else:
                fault = _hides(front, back, hidden)
        elif rule := RULES.get(said):
            fault = rule(pair)
        else:
            continue
        if fault and (strict or fault.reason != UNCLEAR):
            found.append(Finding(index, *fault))
    return found


def knows(predicate: str) -> bool:
    """Whether boxes can show that a predicate holds; in front of and behind, they cannot."""
    return meaning(predicate) in RULES


def _direction(by: float, pair: Pair) -> Fault | None:
    """What is wrong with a direction; `by` is how far it holds, in shares of the side.

    Where one box is in the other the centres contradict nothing: an engine left of a plane may be anywhere on it.
    """
    shared = iou(pair.subject.box, pair.object.box)
    if shared >= pair.limits.overlap:
        return Fault(UNCLEAR, f"the boxes have an IoU of {shared:.2f}")
    if by >= pair.limits.margin:
        return None
    if by > -pair.limits.margin:
        return Fault(UNCLEAR, f"centres differ by {by:.1%} of the side")
    nested = max(pair.within, pair.turned.within) >= pair.limits.inside
    return Fault(UNCLEAR if nested else "opposite", f"centres are {-by:.0%} of the side the other way")


def _in(pair: Pair) -> Fault | None:
    share, other = pair.within, pair.turned.within
    if share >= pair.limits.inside:
        return None
    if is_person(clean(pair.subject.label)) and other >= pair.limits.inside:
        return None  # a man in a suit
    if not pair.touching:
        return Fault("apart", "the boxes do not meet")
    turned = other >= pair.limits.inside and share <= 1 - pair.limits.inside
    return Fault("opposite" if turned else UNCLEAR, f"{share:.0%} of it is inside")


def _on(pair: Pair) -> Fault | None:
    """It touches, and stands with its bottom on the other, or lies within it, or is the upper one."""
    if not pair.touching:
        return Fault("apart", "the boxes do not meet")
    upper, lower = pair.subject.box, pair.object.box
    spare = pair.limits.margin * pair.height
    stands = lower.y1 - spare <= upper.y2 <= lower.y2 + spare
    hangs = head(clean(pair.object.label)) in _OVERHEAD
    lies = pair.within >= pair.limits.inside
    if stands or hangs or lies or pair.down >= pair.limits.margin:
        return None
    return Fault("no-contact", "it reaches below")


def _near(pair: Pair) -> Fault | None:
    if pair.touching or pair.apart < pair.limits.near:
        return None
    gap = hypot(*pair.gaps) / hypot(pair.width, pair.height)
    told = f"centres are {pair.apart:.0%} of the diagonal apart, edges {gap:.0%}"
    return Fault("apart" if gap >= pair.limits.near else UNCLEAR, told)


def _far(pair: Pair) -> Fault | None:
    return Fault("not-apart", "the boxes meet") if pair.touching else None


def _touching(pair: Pair) -> Fault | None:
    return None if pair.touching else Fault("apart", "the boxes do not meet")


def _nearer(front: Region, back: Region, map: Depth, margin: float) -> Fault | None:
    by = (median(map, front) - median(map, back)) / map.range
    if by >= margin:
        return None
    if by > -margin:
        return Fault(UNCLEAR, f"median depths differ by {by:.1%} of the range")
    return Fault("opposite", f"median depths differ by {-by:.0%} of the range the other way")


def _hides(front: Region, back: Region, least: float) -> Fault | None:
    """Only what the masks tell against: most things beside each other hide nothing."""
    if front.mask is None or back.mask is None:
        return None
    by = hides(back.mask, front.mask)
    return Fault("opposite", f"it is the one that is hidden, by {by:.0%} of the smaller mask") if by >= least else None


#: By meaning, see `relata.english.meanings`.
RULES: dict[str, Rule] = {
    "left of": lambda pair: _direction(pair.across, pair),
    "right of": lambda pair: _direction(-pair.across, pair),
    "above": lambda pair: _direction(pair.down, pair),
    "under": lambda pair: _direction(-pair.down, pair),
    "in": _in,
    "containing": lambda pair: _in(pair.turned),
    "on": _on,
    "near": _near,
    "far from": _far,
    "touching": _touching,
}
