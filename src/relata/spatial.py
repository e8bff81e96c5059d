"""Spatial relations that boxes show beyond doubt, for rules that speak or judge without a teacher.

Stricter than the filter `geometry`, which has to let pass whatever may be true: here the boxes are wholly beside, or
wholly above each other. What depends on depth or contact (in front of, on, in, near) is never claimed.
"""

from __future__ import annotations

from relata.scene import Box, Region, Scene

#: Centres must differ by this share of the image's side.
MARGIN = 0.1
#: Mainly sideways: so many times further apart than up and down, in pixels.
MAINLY = 1.35
#: What is said of what boxes show: a thing that is lower in the picture need not be underneath.
SAID = {"left of": "left of", "right of": "right of", "above": "above", "under": "below"}


def clear(subject: Box, object: Box, width: float, height: float) -> str | None:
    """`left of`, `right of`, `above` or `under`, seen by the viewer; None where boxes do not tell.

    Of boxes that meet neither sideways nor up and down, only those that lie mainly sideways tell: what is up in another
    corner is not above.
    """
    across = (object.x1 + object.x2 - subject.x1 - subject.x2) / 2
    down = (object.y1 + object.y2 - subject.y1 - subject.y2) / 2
    beside = subject.x2 <= object.x1 or object.x2 <= subject.x1
    stacked = subject.y2 <= object.y1 or object.y2 <= subject.y1
    if beside and (not stacked or abs(across) >= MAINLY * abs(down)):
        word, by = ("left of", across / width) if across > 0 else ("right of", -across / width)
    elif stacked and not beside:
        word, by = ("above", down / height) if down > 0 else ("under", -down / height)
    else:
        return None
    return word if by >= MARGIN else None


def neighbours(scene: Scene, region: Region) -> list[tuple[Region, str]]:
    """The other regions with what can be said of this one and them beyond doubt, the nearest centres first."""
    found = []
    for other in scene.regions:
        word = clear(region.box, other.box, scene.width, scene.height) if other.id != region.id else None
        if word:
            found.append((_distance(region.box, other.box), other.id, other, SAID[word]))
    return [(other, word) for _, _, other, word in sorted(found, key=lambda row: row[:2])]


def _distance(a: Box, b: Box) -> float:
    return (a.x1 + a.x2 - b.x1 - b.x2) ** 2 + (a.y1 + a.y2 - b.y1 - b.y2) ** 2
