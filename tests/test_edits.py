"""Edits: applied and taken back they leave nothing behind; what does not fit is refused; rates add up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relata import edits
from relata.edits import Add, Change, Describe, Edit, Looks, Rate, Remove, Rename, apply, flaws, invert, rates
from relata.errors import RelataError
from relata.scene import Box, Region, Relation, Scene, decode, encode

ON, HOLDS, NEAR = Relation(4, "on", 9), Relation(9, "holding", 2, "interactional", 0.5), Relation(2, "near", 4)
SCENE = Scene(
    "s",
    "s.jpg",
    100,
    100,
    tuple(Region(id, label, Box(0, 0, 9 + id, 9)) for id, label in ((4, "cup"), (9, "man"), (2, "table"))),
    (ON, HOLDS, NEAR),
)
BETTER = Looks("mug", ("white", "tall"), "a tall white mug")
CHANGES: tuple[Change, ...] = (
    Remove(0, ON, "he is not a table"),
    Rename(1, HOLDS, HOLDS.replace(predicate="leaning on", kind=None), "no hand is seen"),
    Add(0, Relation(4, "on", 2, "spatial")),
    Describe(4, Looks("cup"), BETTER, "it is tall"),
)


def edit(*changes: Change) -> Edit:
    return Edit("e", "s", changes, "a person")


def test_an_edit_is_applied() -> None:
    found = apply(SCENE, edit(*CHANGES))
    assert [(r.subject, r.predicate, r.object) for r in found.relations] == [
        (4, "on", 2),
        (9, "leaning on", 2),
        (2, "near", 4),
    ]
    assert found.region(4) == Region(4, "mug", Box(0, 0, 13, 9), None, ("white", "tall"), "a tall white mug")
    assert found.regions[1:] == SCENE.regions[1:]
    assert apply(found, invert(SCENE, edit(*CHANGES))) == SCENE


def test_an_edit_without_a_change_changes_nothing() -> None:
    assert apply(SCENE, edit()) == SCENE


def test_edits_are_records() -> None:
    assert decode(encode(edit(*CHANGES)), Edit) == edit(*CHANGES)
    assert b'"op":"rename"' in encode(edit(*CHANGES))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Scene, Edit]:
    """A scene, repeated and self relations among them, and any edit that fits it."""
    words = st.sampled_from(("on", "near", "holding"))
    ids = draw(st.lists(st.integers(0, 50), min_size=1, max_size=4, unique=True))
    related = st.builds(Relation, st.sampled_from(ids), words, st.sampled_from(ids))
    relations = tuple(draw(st.lists(related, max_size=6)))
    regions = tuple(Region(id, draw(words), Box(0, 0, 5, 5)) for id in ids)
    scene = Scene("s", "s.jpg", 10, 10, regions, relations)
    changes: list[Change] = []
    for place, relation in enumerate(relations):
        fate = draw(st.sampled_from(("stay", "remove", "rename")))
        if fate == "remove":
            changes.append(Remove(place, relation))
        elif fate == "rename":
            changes.append(Rename(place, relation, relation.replace(predicate=draw(words), score=0.1)))
    left = len(relations) - sum(isinstance(change, Remove) for change in changes)
    count = draw(st.integers(0, 3))
    places = (
        draw(st.lists(st.integers(0, left + count - 1), min_size=count, max_size=count, unique=True)) if count else []
    )
    changes += [Add(place, draw(related)) for place in places]
    for region in regions:
        if draw(st.booleans()):
            after = Looks(draw(words), draw(st.sampled_from(((), ("red",)))), draw(st.sampled_from((None, "x"))))
            changes.append(Describe(region.id, edits.looks(region), after))
    return scene, Edit("e", "s", tuple(draw(st.permutations(changes))))


@settings(deadline=None, max_examples=300)
@given(case=cases())
def test_applied_and_taken_back_is_as_before(case: tuple[Scene, Edit]) -> None:
    scene, made = case
    after = apply(scene, made)
    back = invert(scene, made)
    assert apply(after, back) == scene
    assert invert(after, back).changes == made.changes
    assert apply(apply(after, back), made) == after


@settings(deadline=None, max_examples=100)
@given(case=cases())
def test_rates_add_up(case: tuple[Scene, Edit]) -> None:
    scene, made = case
    after = apply(scene, made)
    for predicate, rate in rates([made], [scene]).items():
        assert rate.before == rate.kept + rate.removed + rate.renamed
        assert rate.before == sum(r.predicate == predicate for r in scene.relations)
        assert rate.after == sum(r.predicate == predicate for r in after.relations)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Remove(3, ON), "has no relation 3; it has 3"),
        (Remove(-1, NEAR), "has no relation -1"),
        (Remove(0, NEAR), "relation 0 is 4 'on' 9, not 2 'near' 4"),
        (Rename(0, ON, ON.replace(object=2)), "keeps its subject and object"),
        (Add(3, Relation(4, "on", 8)), "has no region 8"),
        (Add(4, Relation(4, "on", 2)), "adds relation 4, but the edited scene has 4"),
        (Describe(1, Looks("cup"), BETTER), "has no region 1"),
        (Describe(4, Looks("pot"), BETTER), "region 4 is .*cup"),
    ],
)
def test_what_does_not_fit_the_scene_is_refused(change: Change, message: str) -> None:
    with pytest.raises(RelataError, match=f"^edit e.*{message}"):
        apply(SCENE, edit(change))


@pytest.mark.parametrize(
    "changes",
    [
        (Remove(0, ON), Rename(0, ON, ON.replace(predicate="under"))),
        (Remove(0, ON), Remove(0, ON)),
        (Describe(4, Looks("cup"), BETTER), Describe(4, Looks("cup"), Looks("pot"))),
        (Add(3, NEAR.replace(predicate="under")), Add(3, NEAR.replace(predicate="by"))),
    ],
)
def test_conflicting_changes_are_refused(changes: tuple[Change, ...]) -> None:
    with pytest.raises(RelataError, match=r"edit e, change 1 .*is changed twice"):
        apply(SCENE, edit(*changes))


def test_an_edit_of_another_scene_is_refused() -> None:
    with pytest.raises(RelataError, match="edit e was made for scene t, not s"):
        apply(SCENE, edit().replace(scene="t"))


def test_what_is_not_worth_applying() -> None:
    made = edit(
        Remove(0, ON),
        Rename(1, HOLDS, HOLDS),
        Add(2, ON),
        Add(3, NEAR),
        Add(4, Relation(9, "seeing", 9)),
        Add(5, Relation(9, " ", 4)),
        Add(6, Relation(9, "Looking  at", 4)),
        Add(7, Relation(9, "looking at", 4)),
        Describe(4, Looks("cup"), Looks("cup")),
        Describe(2, Looks("table"), Looks("")),
    )
    assert [(flaw.change, flaw.reason) for flaw in flaws(SCENE, made)] == [
        (1, "no-change"),
        (2, "re-added"),
        (3, "repeated-relation"),
        (4, "self-relation"),
        (5, "empty-predicate"),
        (7, "repeated-relation"),
        (8, "no-change"),
        (9, "empty-label"),
    ]


def test_rates_by_hand() -> None:
    found = rates([edit(*CHANGES)], [SCENE, SCENE.replace(id="unedited")])
    assert found == {
        "on": Rate(before=1, removed=1, added=1),
        "near": Rate(before=1, kept=1),
        "holding": Rate(before=1, renamed=1),
        "leaning on": Rate(gained=1),
    }
    assert edits.table(found).splitlines()[-1] == "| **all** | 3 | 1 | 1 | 1 | 1 | 1 | 3 |"
    with pytest.raises(RelataError, match="both of scene s"):
        rates([edit(), edit()], [SCENE])
    with pytest.raises(RelataError, match="no scene s for an edit"):
        rates([edit()], [])
