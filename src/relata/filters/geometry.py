"""`geometry`: spatial relations that boxes, masks or depth contradict.

Synthetic Visual Genome (section 3) checks spatial relations by rules on boxes and depth; its rules are lost, these are
ours. Left, right, above and under are judged by the centres of the boxes; in, on and near by containment, contact and
distance; in front of and behind by a depth map or, without one, by which mask cuts into which. A predicate that is no
spatial word passes, and so does whatever there is no evidence for: `vqa` asks about these.

Reasons: `opposite` (the other direction holds), `unclear` (neither direction does), `overlap` (the boxes are nearly
one), `outside`, `apart`, `no-contact`, `not-apart`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from relata.english.words import clean, head, is_person
from relata.filters import Finding
from relata.filters._depth import Depth, hides, median
from relata.filters._words import meaning
from relata.geometry import containment, iou
from relata.scene import Region, Scene

#: Centres must differ by this share of the image's side.
MARGIN = 0.05
#: For left and right: the most IoU.
OVERLAP = 0.5
#: `in`: the least of the subject that lies in the object; `on` for what lies on a ground or hangs on a wall.
INSIDE = 0.8
#: `near`: the most between centres, in shares of the image's diagonal; what touches is near at any size.
NEAR = 0.25
#: Median depths must differ by this share of the map's range.
DEPTH = 0.05
#: Without a depth map: what stands before another thing hides at least this share of the smaller one.
HIDDEN = 0.1

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
        wide, high = self.across * self.width, self.down * self.height
        return float((wide**2 + high**2) ** 0.5 / (self.width**2 + self.height**2) ** 0.5)

    @property
    def touching(self) -> bool:
        """Whether the boxes meet, or nearly so."""
        first, second = self.subject.box, self.object.box
        gap_x = max(first.x1 - second.x2, second.x1 - first.x2) / self.width
        gap_y = max(first.y1 - second.y2, second.y1 - first.y2) / self.height
        return max(gap_x, gap_y) <= self.limits.margin


Fault = tuple[str, str]
Rule = Callable[[Pair], Fault | None]


def find(
    scene: Scene,
    *,
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
        margin: how far centres must differ, in shares of the image's side.
        overlap: the most IoU of boxes left and right of each other.
        inside: the least share of a thing that is in what it is in.
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
        if fault:
            found.append(Finding(index, *fault))
    return found


def knows(predicate: str, depth: bool = False) -> bool:
    """Whether there is a rule for a predicate; in front of and behind need depth."""
    said = meaning(predicate)
    return said in RULES or (depth and said in ("in front of", "behind"))


def _direction(by: float, pair: Pair) -> Fault | None:
    """What is wrong with a direction; `by` is how far it holds, in shares of the side."""
    if by <= -pair.limits.margin:
        return "opposite", f"centres are {-by:.0%} of the side the other way"
    if by < pair.limits.margin:
        return "unclear", f"centres differ by {by:.1%} of the side"
    return None


def _beside(by: float, pair: Pair) -> Fault | None:
    shared = iou(pair.subject.box, pair.object.box)
    if shared >= pair.limits.overlap:
        return "overlap", f"the boxes have an IoU of {shared:.2f}"
    return _direction(by, pair)


def _in(pair: Pair) -> Fault | None:
    inner, outer = pair.subject, pair.object
    if is_person(clean(inner.label)) and containment(outer.box, inner.box) >= pair.limits.inside:
        return None  # a man in a suit
    share = containment(inner.box, outer.box)
    return None if share >= pair.limits.inside else ("outside", f"{share:.0%} of it is inside")


def _containing(pair: Pair) -> Fault | None:
    return _in(pair._replace(subject=pair.object, object=pair.subject))


def _on(pair: Pair) -> Fault | None:
    """It touches, and stands with its bottom on the other, or lies within it, or is the upper one."""
    if not pair.touching:
        return "apart", "the boxes do not meet"
    upper, lower = pair.subject.box, pair.object.box
    spare = pair.limits.margin * pair.height
    stands = lower.y1 - spare <= upper.y2 <= lower.y2 + spare
    hangs = head(clean(pair.object.label)) in _OVERHEAD
    within = containment(upper, lower) >= pair.limits.inside
    return None if stands or hangs or within or pair.down >= pair.limits.margin else ("no-contact", "it reaches below")


def _near(pair: Pair) -> Fault | None:
    return None if pair.apart < pair.limits.near or pair.touching else ("apart", f"{pair.apart:.0%} of the diagonal")


def _far(pair: Pair) -> Fault | None:
    return ("not-apart", "the boxes meet") if pair.touching else None


def _touching(pair: Pair) -> Fault | None:
    return None if pair.touching else ("apart", "the boxes do not meet")


def _nearer(front: Region, back: Region, map: Depth, margin: float) -> Fault | None:
    by = (median(map, front) - median(map, back)) / map.range
    if by <= -margin:
        return "opposite", f"median depths differ by {-by:.0%} of the range the other way"
    return ("unclear", f"median depths differ by {by:.1%} of the range") if by < margin else None


def _hides(front: Region, back: Region, least: float) -> Fault | None:
    """Only what the masks tell against: most things beside each other hide nothing."""
    if front.mask is None or back.mask is None:
        return None
    by = hides(back.mask, front.mask)
    return ("opposite", f"it is the one that is hidden, by {by:.0%} of the smaller mask") if by >= least else None


#: By meaning (see `_words`). What is above or under a thing often overlaps it: an umbrella and a man, sky and mountain.
RULES: dict[str, Rule] = {
    "left of": lambda pair: _beside(pair.across, pair),
    "right of": lambda pair: _beside(-pair.across, pair),
    "above": lambda pair: _direction(pair.down, pair),
    "under": lambda pair: _direction(-pair.down, pair),
    "in": _in,
    "containing": _containing,
    "on": _on,
    "near": _near,
    "far from": _far,
    "touching": _touching,
}
