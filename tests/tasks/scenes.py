"""Two hand-written scenes and what is known across them."""

from __future__ import annotations

from relata.dialects.relata import RegionTokens
from relata.grounded import Span
from relata.scene import Box, Group, Link, Region, Relation, Scene
from relata.tasks import Facts, PairFacts

BOXES = [Box(x, y, x + 20, y + 20) for x, y in ((0, 0), (40, 0), (40, 40), (0, 70), (70, 70))]
#: Region ids are not positions: tasks speak of regions by position.
IDS = (10, 7, 30, 2, 5)
LABELS = ("plain red circle", "plain blue star", "striped red square", "plain green circle", "plain blue star")
#: By position. Four predicates, one of them twice with the same object (3 and 4 are under 2).
RELATIONS = {
    (0, 1): "left of",
    (1, 0): "right of",
    (2, 3): "above",
    (3, 2): "under",
    (4, 2): "under",
    (4, 3): "right of",
}

SCENE = Scene(
    "hand",
    "hand.png",
    100,
    100,
    tuple(
        Region(id, label, box, attributes=(size, "shiny") if size else ())
        for id, label, box, size in zip(IDS, LABELS, BOXES, ("small", "large", "", "small", "small"))
    ),
    tuple(Relation(IDS[s], predicate, IDS[o]) for (s, o), predicate in RELATIONS.items()),
)
FACTS = Facts(SCENE, 0, {"left of": 1.0, "right of": 1.0, "above": 1.0, "under": 1.0, "on": 1.0})

#: 0 stays, 1 is recoloured, 2 is removed, 3 stays, 4 moves; then one is new. In another order than before.
AFTER = Scene(
    "after",
    "after.png",
    100,
    100,
    (
        Region(0, "striped cyan ring", Box(20, 40, 30, 50)),
        Region(1, "plain red star", BOXES[1]),
        Region(2, "plain red circle", BOXES[0]),
        Region(3, "plain blue star", Box(50, 70, 70, 90)),
        Region(4, "plain green circle", BOXES[3]),
    ),
    (Relation(2, "left of", 1),),
)
LINKS = {0: (2, "same"), 1: (1, "recoloured"), 3: (4, "same"), 4: (3, "moved left")}
PAIR = PairFacts(
    Group(
        "pair",
        (SCENE, AFTER),
        tuple(
            Link((0, IDS[first]), (1, second), None if change == "same" else change)
            for first, (second, change) in LINKS.items()
        ),
    )
)

_TOKENS = RegionTokens([[r.box for r in scene.regions] for scene in (SCENE, AFTER)])


def text(spans: tuple[Span, ...]) -> str:
    """In region tokens: <r0>-<r4> are the first scene's, <r5>-<r9> the second's."""
    return _TOKENS.write(spans)


def reply(words: str) -> tuple[Span, ...]:
    """What a model that says these words means."""
    return _TOKENS.read(words)[0]
