"""Edits as a page draws them: the picture, and the relations before and after with what was done to each."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from relata.edits import Add, Change, Describe, Edit, Looks, Remove, Rename, apply
from relata.errors import RelataError
from relata.scene import Relation, Scene
from relata.view.parts import Edge, Item, Piece, Place, Show, Turn, facts
from relata.view.scenes import panel, places, relations, told
from relata.view.words import clean, line


class Edited(NamedTuple):
    """An edit with the scene that it is of, as it was before or as it is after; None where nobody has it."""

    edit: Edit
    scene: Scene | None


def edited(record: Edited, show: Show) -> Item:
    """The scene with all relations of before and after; an edit whose scene is missing, or another one, as text."""
    edit, after = record.edit, record.scene and _after(record.scene, record.edit)
    counts = Counter(_done(change) for change in edit.changes)
    changes = ", ".join(f"{count} {done}" for done, count in counts.items()) or "none"
    about = facts({"scene": edit.scene, "changes": changes, "edited by": edit.author, **edit.provenance})
    if after is None or not _ends(edit) <= {region.id for region in after.regions}:
        turns = tuple(Turn(_done(change), (Piece(_said(change)),)) for change in edit.changes)
        return Item(line(edit.id), "edit", (), (), turns, about)
    at = places(after, 0)
    edges = [_edge(change, at) for change in edit.changes if not isinstance(change, Describe)]
    new = {change.after for change in edit.changes if isinstance(change, (Add, Rename))}
    edges += [edge for edge, relation in zip(relations(after, 0), after.relations) if relation not in new]
    described = [change for change in edit.changes if isinstance(change, Describe)]
    turns = tuple(Turn("described", _described(change, after, at)) for change in described)
    shown = panel(after, show, range(len(after.regions)))
    return Item(line(edit.id), "edit", (shown,), tuple(edges), turns, about)


def _after(scene: Scene, edit: Edit) -> Scene:
    """The edited scene; one that the edit cannot be applied to is taken to be it."""
    try:
        return apply(scene, edit)
    except RelataError:
        return scene


def _done(change: Change) -> str:
    return {Remove: "removed", Rename: "renamed", Add: "added", Describe: "described"}[type(change)]


def _relation(change: Remove | Rename | Add) -> Relation:
    return change.before if isinstance(change, Remove) else change.after


def _ends(edit: Edit) -> set[int]:
    """The regions that an edit speaks of."""
    found: set[int] = set()
    for change in edit.changes:
        if isinstance(change, Describe):
            found.add(change.region)
        else:
            found |= {_relation(change).subject, _relation(change).object}
    return found


def _edge(change: Remove | Rename | Add, at: dict[int, Place]) -> Edge:
    relation = _relation(change)
    was = line(change.before.predicate) if isinstance(change, Rename) else ""
    about = (line(change.reason),) if change.reason else told(relation)
    return Edge(
        at[relation.subject], line(relation.predicate), at[relation.object], about, change=_done(change), was=was
    )


def _described(change: Describe, scene: Scene, at: dict[int, Place]) -> tuple[Piece, ...]:
    """`shirt: was "shirt"; now "shirt", maroon, "a maroon sweater" (reason)`."""
    reason = f" ({clean(change.reason)})" if change.reason else ""
    text = f": was {_looks(change.before)}; now {_looks(change.after)}{reason}"
    return Piece(clean(scene.region(change.region).label), (at[change.region],)), Piece(text)


def _looks(looks: Looks) -> str:
    parts = [f"“{looks.label}”", *looks.attributes, *([f"“{looks.description}”"] if looks.description else [])]
    return clean(", ".join(parts))


def _said(change: Change) -> str:
    """A change in words, without its scene."""
    reason = f" ({change.reason})" if change.reason else ""
    if isinstance(change, Describe):
        return clean(f"region {change.region}: was {_looks(change.before)}; now {_looks(change.after)}{reason}")
    relation = _relation(change)
    was = f" (was “{change.before.predicate}”)" if isinstance(change, Rename) else ""
    return clean(f"region {relation.subject} “{relation.predicate}” region {relation.object}{was}{reason}")
