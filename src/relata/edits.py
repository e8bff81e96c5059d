"""Edits of scene graphs: typed differences that can be reviewed, applied to a scene, and taken back (SG-EDIT, Synthetic
Visual Genome, section 2.2).

    Remove   relation 3 was `cup wearing chair`
    Rename   relation 1 was `man on bench` and is `man sitting on bench`
    Add      `man talking to woman`, as relation 7
    Describe region 4 was `shirt` and is `shirt`, maroon, "a maroon sweater"

An edit holds every value before and after, so that a person can judge it without the scene, and so that it is refused
where the scene is no longer the one that it was made for. Striking out a change of an edit leaves an edit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from relata.errors import RelataError
from relata.scene import Record, Region, Relation, Scene


class Looks(Record, frozen=True):
    """What is said of a region, beside where it is."""

    label: str
    attributes: tuple[str, ...] = ()
    description: str | None = None


class Remove(Record, frozen=True, tag="remove", tag_field="op"):
    """A relation that does not hold. `at` is its position in the scene before the edit."""

    at: int
    before: Relation
    reason: str = ""


class Rename(Record, frozen=True, tag="rename", tag_field="op"):
    """A relation with another predicate. `at` is its position in the scene before the edit."""

    at: int
    before: Relation
    after: Relation
    reason: str = ""


class Add(Record, frozen=True, tag="add", tag_field="op"):
    """A relation that was missing. `at` is its position in the scene after the edit."""

    at: int
    after: Relation
    reason: str = ""


class Describe(Record, frozen=True, tag="describe", tag_field="op"):
    """A region with another label, other attributes or another description."""

    region: int
    before: Looks
    after: Looks
    reason: str = ""


Change = Remove | Rename | Add | Describe


class Edit(Record, frozen=True):
    """What one editor changed in one scene; no changes at all is a judgement too."""

    id: str
    scene: str
    """The scene's id."""
    changes: tuple[Change, ...] = ()
    author: str = ""
    """Who edited; empty where the provenance names the teacher."""
    provenance: dict[str, str] = {}


class Flaw(NamedTuple):
    """What is wrong with the content of one change, though it can be applied."""

    change: int
    """Its position in `edit.changes`."""
    reason: str
    """A short fixed word, e.g. `self-relation`."""
    detail: str


def looks(region: Region) -> Looks:
    """What is said of a region now."""
    return Looks(region.label, region.attributes, region.description)


def apply(scene: Scene, edit: Edit) -> Scene:
    """The scene after the edit. Relations that stay keep their order.

    Raises:
        RelataError: if the edit was made for another scene or for another state of it, names a region or relation that
            does not exist, or changes one thing twice.
    """
    validate(scene, edit)
    fate = {change.at: change for change in edit.changes if isinstance(change, (Remove, Rename))}
    relations: list[Relation] = []
    for at, relation in enumerate(scene.relations):
        change = fate.get(at)
        if not isinstance(change, Remove):
            relations.append(change.after if isinstance(change, Rename) else relation)
    for addition in sorted((c for c in edit.changes if isinstance(c, Add)), key=lambda c: c.at):
        relations.insert(addition.at, addition.after)
    described = {change.region: change.after for change in edit.changes if isinstance(change, Describe)}
    regions = tuple(
        region.replace(
            label=described[region.id].label,
            attributes=described[region.id].attributes,
            description=described[region.id].description,
        )
        if region.id in described
        else region
        for region in scene.regions
    )
    return scene.replace(regions=regions, relations=tuple(relations))


def invert(scene: Scene, edit: Edit) -> Edit:
    """The edit that takes this one back: `apply(apply(scene, edit), invert(scene, edit)) == scene`.

    Raises:
        RelataError: as `apply`.
    """
    validate(scene, edit)
    gone = {change.at for change in edit.changes if isinstance(change, Remove)}
    after: list[int | None] = [at for at in range(len(scene.relations)) if at not in gone]
    for position in sorted(change.at for change in edit.changes if isinstance(change, Add)):
        after.insert(position, None)
    moved = {before: now for now, before in enumerate(after) if before is not None}
    changes: list[Change] = []
    for change in edit.changes:
        if isinstance(change, Remove):
            changes.append(Add(change.at, change.before, change.reason))
        elif isinstance(change, Add):
            changes.append(Remove(change.at, change.after, change.reason))
        elif isinstance(change, Rename):
            changes.append(Rename(moved[change.at], change.after, change.before, change.reason))
        else:
            changes.append(Describe(change.region, change.after, change.before, change.reason))
    return edit.replace(id=f"{edit.id}/back", changes=tuple(changes))


def validate(scene: Scene, edit: Edit) -> None:
    """Refuse an edit that cannot be applied to this scene.

    Raises:
        RelataError: naming the edit, the change and what it says, as `apply`.
    """
    if edit.scene != scene.id:
        raise RelataError(f"edit {edit.id} was made for scene {edit.scene}, not {scene.id}")
    ids = {region.id for region in scene.regions}
    seen: set[tuple[str, int]] = set()
    for number, change in enumerate(edit.changes):
        problem = _misfit(scene, ids, change) or _twice(change, seen)
        if problem:
            raise RelataError(f"edit {edit.id}, change {number} ({_name(change)}): {problem}")
    removed = sum(isinstance(change, Remove) for change in edit.changes)
    added = [change.at for change in edit.changes if isinstance(change, Add)]
    total = len(scene.relations) - removed + len(added)
    for at in added:
        if not 0 <= at < total:
            raise RelataError(f"edit {edit.id}: adds relation {at}, but the edited scene has {total}, from 0 on")


def _misfit(scene: Scene, ids: set[int], change: Change) -> str:
    """Why a change does not fit the scene; empty if it does."""
    if isinstance(change, Describe):
        if change.region not in ids:
            return f"the scene has no region {change.region}"
        now = looks(scene.region(change.region))
        return "" if now == change.before else f"region {change.region} is {now}, not {change.before}"
    for relation in (change.after,) if isinstance(change, Add) else ():
        missing = {relation.subject, relation.object} - ids
        if missing:
            return f"the scene has no region {min(missing)}"
    if isinstance(change, Add):
        return ""
    if not 0 <= change.at < len(scene.relations):
        return f"the scene has no relation {change.at}; it has {len(scene.relations)}, from 0 on"
    there = scene.relations[change.at]
    if there != change.before:
        return f"relation {change.at} is {_said(there)}, not {_said(change.before)}"
    if isinstance(change, Rename) and _ends(change.after) != _ends(change.before):
        return "a renamed relation keeps its subject and object; remove it and add another"
    return ""


def _twice(change: Change, seen: set[tuple[str, int]]) -> str:
    """Why a change conflicts with an earlier one; empty if it does not."""
    if isinstance(change, Describe):
        key = ("region", change.region)
    else:
        key = ("added relation" if isinstance(change, Add) else "relation", change.at)
    if key in seen:
        return f"{key[0]} {key[1]} is changed twice; keep one of the changes"
    seen.add(key)
    return ""


def flaws(scene: Scene, edit: Edit) -> list[Flaw]:
    """What makes changes not worth applying: `self-relation`, `empty-predicate`, `repeated-relation` (one that stays,
    or of another addition), `re-added` (what the edit removes), `no-change`, `empty-label`.

    Raises:
        RelataError: as `validate`.
    """
    validate(scene, edit)
    fate = {change.at: change for change in edit.changes if isinstance(change, (Remove, Rename))}
    said = {_triple(r) for at, r in enumerate(scene.relations) if at not in fate}
    removed = {_triple(change.before) for change in fate.values() if isinstance(change, Remove)} - said
    found: list[Flaw] = []
    for number, change in enumerate(edit.changes):
        if isinstance(change, Describe):
            if change.after == change.before:
                found.append(Flaw(number, "no-change", change.after.label))
            elif not change.after.label.strip():
                found.append(Flaw(number, "empty-label", f"region {change.region}"))
        elif not isinstance(change, Remove):
            reason = _reason(change, said, removed)
            if reason:
                found.append(Flaw(number, reason, _said(change.after)))
            said.add(_triple(change.after))
    return found


def _reason(change: Add | Rename, said: set[tuple[int, str, int]], removed: set[tuple[int, str, int]]) -> str:
    after = change.after
    if not after.predicate.strip():
        return "empty-predicate"
    if after.subject == after.object:
        return "self-relation"
    if isinstance(change, Rename) and change.after == change.before:
        return "no-change"
    if _triple(after) in said:
        return "repeated-relation"
    return "re-added" if _triple(after) in removed else ""


def _triple(relation: Relation) -> tuple[int, str, int]:
    return relation.subject, " ".join(relation.predicate.lower().split()), relation.object


def _ends(relation: Relation) -> tuple[int, int]:
    return relation.subject, relation.object


def _said(relation: Relation) -> str:
    return f"{relation.subject} '{relation.predicate}' {relation.object}"


def _name(change: Change) -> str:
    return type(change).__name__.lower()


class Rate(Record, frozen=True):
    """What became of the relations with one predicate. `before == kept + removed + renamed`."""

    before: int = 0
    kept: int = 0
    removed: int = 0
    renamed: int = 0
    """Relations that lost this predicate to another."""
    added: int = 0
    gained: int = 0
    """Relations that got this predicate in place of another."""

    @property
    def after(self) -> int:
        """Relations with this predicate in the edited scenes."""
        return self.kept + self.added + self.gained


def rates(edits: Iterable[Edit], scenes: Iterable[Scene]) -> dict[str, Rate]:
    """How often relations of each predicate were kept, removed, renamed and added, the most frequent predicate first.

    Args:
        edits: each of another scene.
        scenes: those that were edited, as they were before; others among them are not counted.

    Raises:
        RelataError: if an edit's scene is missing, two edits are of one scene, or one does not fit its scene.
    """
    by_scene: dict[str, Edit] = {}
    for edit in edits:
        if edit.scene in by_scene:
            raise RelataError(f"edits {by_scene[edit.scene].id} and {edit.id} are both of scene {edit.scene}; keep one")
        by_scene[edit.scene] = edit
    counts: Counter[tuple[str, str]] = Counter()
    for scene in scenes:
        found = by_scene.pop(scene.id, None)
        if found:
            validate(scene, found)
            counts.update(("before", relation.predicate) for relation in scene.relations)
            counts.update(_counted(found.changes))
    if by_scene:
        raise RelataError(f"no scene {next(iter(by_scene))} for an edit of it ({len(by_scene)} such edits)")
    table = {predicate: _rate(counts, predicate) for predicate in {predicate for _, predicate in counts}}
    return dict(sorted(table.items(), key=lambda row: (-row[1].before, -row[1].after, row[0])))


def _counted(changes: Sequence[Change]) -> Iterable[tuple[str, str]]:
    for change in changes:
        if isinstance(change, Remove):
            yield "removed", change.before.predicate
        elif isinstance(change, Rename):
            yield "renamed", change.before.predicate
            yield "gained", change.after.predicate
        elif isinstance(change, Add):
            yield "added", change.after.predicate


def _rate(counts: Counter[tuple[str, str]], predicate: str) -> Rate:
    before, removed, renamed, added, gained = (
        counts[kind, predicate] for kind in ("before", "removed", "renamed", "added", "gained")
    )
    return Rate(before, before - removed - renamed, removed, renamed, added, gained)


def table(found: dict[str, Rate]) -> str:
    """Rates as a Markdown table, with a last row for all predicates."""
    total = Rate(*(sum(getattr(rate, name) for rate in found.values()) for name in Rate.__struct_fields__))
    rows = [
        f"| {predicate} | {r.before} | {r.kept} | {r.removed} | {r.renamed} | {r.added} | {r.gained} | {r.after} |"
        for predicate, r in [*found.items(), ("**all**", total)]
    ]
    head = "| predicate | before | kept | removed | renamed away | added | renamed to | after |"
    return "\n".join([head, "|---" * 8 + "|", *rows])
