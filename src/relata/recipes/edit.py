"""`edit`: a teacher goes over a scene graph that a model or an annotator made (SG-EDIT of SVG, section 2.2).

One request per image: the teacher sees the image with numbered regions and numbered relations, and answers with
changes: relations to remove, rename and add, regions to describe better. The result is the edited scene, and the edit
itself, with every value before and after (see `relata.edits`). Two changes of one thing make the reply contradict
itself: it is rejected whole, as is one that is mostly wrong; in any other, a change that breaks a rule is left out with
its reason.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from relata import notation, spatial
from relata.edits import Add, Change, Describe, Edit, Looks, Remove, Rename, apply, flaws
from relata.edits import looks as looks_of
from relata.english.graphs import described, looks, numbered
from relata.filters import Finding, Rejection, geometry, logic
from relata.prompts import sheet, template
from relata.recipes._false import Known
from relata.recipes._here import Here
from relata.recipes._marks import marked
from relata.recipes._reply import value
from relata.scene import Kind, Relation, Scene
from relata.teachers import Prompt

#: A reply of whose changes more than this share breaks rules is rejected whole.
MOST_WRONG = 0.5
#: What the filter `geometry` finds that says that a relation does not hold; `no-contact` is a doubt (shirt on hanger).
CONTRADICTED = frozenset(("opposite", "apart", "not-apart"))
#: Relations that the rules add to one scene, at most.
ADDED = 5


class RemoveIt(msgspec.Struct, tag="remove", tag_field="op", forbid_unknown_fields=True):
    """Relation r`relation` does not hold."""

    relation: int
    reason: str


class RenameIt(msgspec.Struct, tag="rename", tag_field="op", forbid_unknown_fields=True):
    """Relation r`relation` needs another predicate."""

    relation: int
    predicate: str
    reason: str


class AddIt(msgspec.Struct, tag="add", tag_field="op", forbid_unknown_fields=True):
    """A relation between two regions, by number, is missing."""

    subject: int
    predicate: str
    object: int
    reason: str
    kind: Kind | None = None


class DescribeIt(msgspec.Struct, tag="describe", tag_field="op", forbid_unknown_fields=True):
    """A region, by number, with a label, all its attributes and a description; empty ones stay as they are."""

    region: int
    reason: str
    label: str = ""
    attributes: list[str] = []
    description: str = ""


class Reply(msgspec.Struct, forbid_unknown_fields=True):
    """What a teacher answers."""

    edits: list[RemoveIt | RenameIt | AddIt | DescribeIt]


@dataclass(frozen=True, slots=True)
class Item:
    """One scene graph to go over."""

    id: str
    source: Scene

    def pictures(self, root: Path) -> tuple[bytes, ...]:
        """What the teacher is shown in place of the plain picture: the regions' numbers drawn on it."""
        return (marked(self.source, root),)


def items(scene: Scene, here: Here) -> list[Item | Rejection]:
    """One request, or a rejection where there are no regions."""
    return [Item(f"{scene.id}/edit", scene)] if scene.regions else [Rejection("no-regions", id=scene.id)]


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    scene = item.source
    parts = (sheet(scene.replace(relations=())), described(scene), numbered(scene))
    return template("edit", "graph").fill("\n\n".join(filter(None, parts)))._replace(schema=Reply)


def offline(item: Item, rng: random.Random) -> str:
    """The reply by rules: what geometry and logic contradict goes or is turned round, what boxes show plainly of pairs
    without a relation is added, and regions with attributes get a description."""
    scene = item.source
    changes: list[RemoveIt | RenameIt | AddIt | DescribeIt] = list(_mended(scene))
    gone = {change.relation for change in changes if isinstance(change, RemoveIt)}
    left = [relation for number, relation in enumerate(scene.relations, 1) if number not in gone]
    changes += _missing(scene, left)
    changes += [
        DescribeIt(number, "no description yet", description=looks(region, scene))
        for number, region in enumerate(scene.regions, 1)
        if region.attributes and not region.description
    ]
    return msgspec.json.encode(Reply(changes)).decode()


def _mended(scene: Scene) -> Iterator[RemoveIt | RenameIt]:
    box = {region.id: region.box for region in scene.regions}
    said = {(r.subject, r.predicate, r.object) for r in scene.relations}
    wrong = _contradicted(scene)
    for at, finding in sorted(wrong.items()):
        relation = scene.relations[at]
        shown = spatial.clear(box[relation.subject], box[relation.object], scene.width, scene.height)
        word = spatial.SAID[shown] if shown else ""
        turned = (relation.subject, word, relation.object)
        if finding.reason == "opposite" and word and turned not in said:
            said.add(turned)
            yield RenameIt(at + 1, word, finding.detail)
        else:
            yield RemoveIt(at + 1, f"{finding.reason}: {finding.detail}")
    # what is gone must not count against what is right
    kept = [at for at in range(len(scene.relations)) if at not in wrong]
    rest = scene.replace(relations=tuple(scene.relations[at] for at in kept))
    for finding in logic.find(rest):
        if finding.reason == "symmetric":
            continue  # true both ways
        yield RemoveIt(kept[finding.relation] + 1, f"{finding.reason}: {finding.detail}")


def _contradicted(scene: Scene) -> dict[int, Finding]:
    """The relations that boxes or masks contradict, by position."""
    known = Known(scene)
    place = {region.id: k for k, region in enumerate(scene.regions)}
    found: dict[int, Finding] = {}
    for finding in geometry.find(scene):
        relation = scene.relations[finding.relation]
        # where a road has a box around one part of it, a van may well be on another one
        whole = all(known.whole(place[end]) for end in (relation.subject, relation.object))
        if finding.reason in CONTRADICTED and (finding.reason != "apart" or whole):
            found[finding.relation] = finding
    return found


def _missing(scene: Scene, relations: Sequence[Relation]) -> list[AddIt]:
    """The nearest clear neighbour of each region, large ones first, where the two have no relation either way."""
    related = {frozenset((r.subject, r.object)) for r in relations}
    number = {region.id: n for n, region in enumerate(scene.regions, 1)}
    found: list[AddIt] = []
    for region in sorted(scene.regions, key=lambda region: (-region.box.area, region.id)):
        for other, word in spatial.neighbours(scene, region)[:1]:
            pair = frozenset((region.id, other.id))
            if pair not in related and len(found) < ADDED:
                related.add(pair)
                found.append(AddIt(number[region.id], word, number[other.id], "boxes show it", "spatial"))
    return found


def read(reply: str, item: Item) -> Rejection | list[Scene | Edit | Rejection]:
    """The edited scene, the edit, and a rejection for each change that was left out; or one for the reply."""
    said = value(reply, Reply)
    if isinstance(said, Rejection):
        return said
    scene = item.source
    lost: list[Rejection] = []
    changes: list[Change] = []
    for told in said.edits:
        change = _change(scene, told)
        if isinstance(change, Rejection):
            lost.append(change)
        else:
            changes.append(change)
    twice = _conflict(changes)
    if twice:
        return Rejection("conflict", twice)
    edit = _placed(item, changes)
    while found := flaws(scene, edit):  # leaving one out may show another: a rename that was to make room
        bad = {flaw.change for flaw in found}
        lost += [Rejection(flaw.reason, flaw.detail) for flaw in found]
        edit = _placed(item, [change for number, change in enumerate(edit.changes) if number not in bad])
    if len(lost) > MOST_WRONG * len(said.edits):
        detail = f"{len(lost)} of {len(said.edits)}, e.g. {lost[0].reason}: {lost[0].detail}"
        return Rejection("mostly-wrong", detail)
    return [apply(scene, edit), edit, *lost]


def _change(scene: Scene, told: RemoveIt | RenameIt | AddIt | DescribeIt) -> Change | Rejection:
    """A change as it is kept, by region ids and positions; additions are placed later."""
    reason = notation.words(told.reason)
    if isinstance(told, AddIt):
        for number in (told.subject, told.object):
            if not 1 <= number <= len(scene.regions):
                return Rejection("unknown-region", f"[{number}] in {told.predicate!r}")
        subject, object = scene.regions[told.subject - 1].id, scene.regions[told.object - 1].id
        return Add(0, Relation(subject, _said(told.predicate), object, told.kind, source="edit"), reason)
    if isinstance(told, DescribeIt):
        if not 1 <= told.region <= len(scene.regions):
            return Rejection("unknown-region", f"[{told.region}]")
        region = scene.regions[told.region - 1]
        attributes = tuple(dict.fromkeys(filter(None, map(_said, told.attributes)))) or region.attributes
        description = _said(told.description) or region.description
        after = Looks(_said(told.label) or region.label, attributes, description)
        return Describe(region.id, looks_of(region), after, reason)
    if not 1 <= told.relation <= len(scene.relations):
        return Rejection("unknown-relation", f"r{told.relation}")
    before = scene.relations[told.relation - 1]
    if isinstance(told, RemoveIt):
        return Remove(told.relation - 1, before, reason)
    # another predicate may be of another kind, and nobody has scored it
    renamed = before.replace(predicate=_said(told.predicate), kind=None, score=None, source="edit")
    return Rename(told.relation - 1, before, renamed, reason)


def _conflict(changes: Sequence[Change]) -> str:
    """Which thing is changed twice; empty if none is."""
    seen: set[tuple[str, int]] = set()
    for change in changes:
        if not isinstance(change, Add):
            key = ("region", change.region) if isinstance(change, Describe) else ("relation", change.at)
            if key in seen:
                what = f"r{key[1] + 1}" if key[0] == "relation" else f"region {key[1]}"
                return f"{what} is changed twice"
            seen.add(key)
    return ""


def _placed(item: Item, changes: Sequence[Change]) -> Edit:
    """The edit of these changes, additions at the end of the scene's relations."""
    at = len(item.source.relations) - sum(isinstance(change, Remove) for change in changes)
    placed: list[Change] = []
    for change in changes:
        if isinstance(change, Add):
            change, at = change.replace(at=at), at + 1
        placed.append(change)
    return Edit(item.id, item.source.id, tuple(placed))


def _said(text: str) -> str:
    return notation.words(text).strip(" .")
