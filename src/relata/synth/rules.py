"""What stands in which relation, and which combinations training never shows.

Nine exclusive predicates, read off the geometry alone; the most specific one wins:

- `attached to`: a black line joins the two. It has no direction: both orders carry it.
- `in`: the box of the subject, drawn later, lies wholly within the outline of the object.
- `in front of`, `behind`: the front one hides 10-55 % of the other and sticks out of it by a fifth of itself or more.
- `on`: the bottom of the subject's box is the top of the object's, centred within 12 % of the wider one.
- `left of`, `right of`, `above`, `under`: by the centres, where one axis is 1.35 times the other or more.

Any other pair is ambiguous: it has no predicate, is never asked, and counts neither for nor against a model. So are
the inverses of `in` and `on` (what contains, what carries), which none of the nine names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relata.synth.shapes import area, room, shared

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "cyan", "brown")
TEXTURES = ("plain", "striped")
PREDICATES = ("left of", "right of", "above", "under", "in", "on", "in front of", "behind", "attached to")
LEFT, RIGHT, ABOVE, UNDER, IN, ON, FRONT, BEHIND, ATTACHED = range(9)
INVERSE = {LEFT: RIGHT, RIGHT: LEFT, ABOVE: UNDER, UNDER: ABOVE, FRONT: BEHIND, BEHIND: FRONT, ATTACHED: ATTACHED}

SIZE = 96
#: Pixels between things that have nothing to do with each other.
APART = 7
#: Least and most pixels between two boxes that a line joins, along the longer gap.
LINE = (8, 16)
COVERED = (0.10, 0.55)
STICKS_OUT = 0.2
CENTRED = 0.12
DOMINANT = 1.35

Box = tuple[float, float, float, float]
Relations = dict[tuple[int, int], int]


def relate(
    boxes: Sequence[Box], shapes: Sequence[int], order: Sequence[int], links: Sequence[tuple[int, int]]
) -> Relations:
    """The predicate (an index of `PREDICATES`) of every ordered pair that has one.

    Boxes are in pixels, `order` lists the objects as they are drawn, and `links` the pairs that a line joins.
    """
    relations: Relations = {}
    for depth, top in enumerate(order):
        for below in order[:depth]:
            if (top, below) in links or (below, top) in links:
                relations[top, below] = relations[below, top] = ATTACHED
                continue
            predicate = _predicate(boxes[top], shapes[top], boxes[below], shapes[below])
            if predicate is None:
                continue
            if predicate == ON and boxes[top][1] > boxes[below][1]:
                relations[below, top] = ON
                continue
            relations[top, below] = predicate
            if predicate in INVERSE:
                relations[below, top] = INVERSE[predicate]
    return relations


def _predicate(top: Box, top_shape: int, below: Box, below_shape: int) -> int | None:
    """The predicate of what is drawn later towards what is drawn earlier; ON means that either is on the other."""
    ax1, ay1, ax2, ay2 = top
    bx1, by1, bx2, by2 = below
    if ax1 < bx2 and bx1 < ax2 and ay1 < by2 and by1 < ay2:
        return overlap(int(ax2 - ax1), top_shape, int(bx2 - bx1), below_shape, int(ax1 - bx1), int(ay1 - by1))
    dx, dy = ax1 + ax2 - bx1 - bx2, ay1 + ay2 - by1 - by2
    wide, high = abs(dx), abs(dy)
    if (ay2 == by1 or by2 == ay1) and wide <= 2 * CENTRED * max(ax2 - ax1, bx2 - bx1):
        return ON
    if wide >= DOMINANT * high:
        return LEFT if dx < 0 else RIGHT
    if high >= DOMINANT * wide:
        return ABOVE if dy < 0 else UNDER
    return None


def overlap(side: int, shape: int, below_side: int, below: int, dx: int, dy: int) -> int | None:
    """IN, FRONT or neither, for a shape drawn over another with its corner `dx`, `dy` pixels from the other's."""
    if (dx, dy) in room(below, below_side, side):
        return IN
    hidden = shared(below, below_side, shape, side, dx, dy)
    least, most = COVERED
    if least <= hidden / area(below, below_side) <= most and hidden <= (1 - STICKS_OUT) * area(shape, side):
        return FRONT
    return None


_STEPS = (1, 1, 3, 3, 2, 2)


def _held_out_triples() -> frozenset[tuple[int, int, int]]:
    """28 of the 324 (shape, predicate, shape) combinations, closed under inversion, at most one predicate a shape pair.

    With every predicate three of its 36 ordered shape pairs go; `attached to`, which is symmetric, loses four.
    """
    triples = set()
    for form, predicate in enumerate((LEFT, ABOVE, IN, ON, FRONT, ATTACHED)):
        for turn in range(2 if predicate == ATTACHED else 3):
            first = (2 * turn + form) % 6
            second = (first + _STEPS[form]) % 6
            triples.add((first, predicate, second))
            if predicate in INVERSE:
                triples.add((second, INVERSE[predicate], first))
    return frozenset(triples)


HELD_OUT_TRIPLES = _held_out_triples()


def held_out_look(colour: int, shape: int) -> bool:
    """Whether training never shows this colour on this shape: 6 of the 48 pairs, colour i with shape i."""
    return colour == shape


def triples(shapes: Sequence[int], relations: Mapping[tuple[int, int], int]) -> set[tuple[int, int, int]]:
    """The (shape, predicate, shape) combinations of a scene, as indices."""
    return {(shapes[i], predicate, shapes[j]) for (i, j), predicate in relations.items()}
