"""Filters at the end of a recipe: what a teacher said is checked before it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from relata.chat import Example
from relata.door import Asks
from relata.errors import RelataError
from relata.filters import Finding, Rejection
from relata.filters._load import Filter, load
from relata.graph import pairs
from relata.grounded import Predicate
from relata.scene import Group, Record, Relation, Scene
from relata.teachers import NoReply


async def screen(
    record: Record, source: Scene | Group, specs: Sequence[str], judge: Asks, images: Path
) -> list[Record]:
    """The record as far as filters leave it, and a rejection for each thing that they found.

    A filter that judges examples turns the whole example away. One that judges relations takes them out of a scene; an
    example that says such a relation is turned away, for its text cannot be mended.
    """
    away: list[Record] = []
    for spec in specs:
        filter = _loaded(spec, str(images))
        try:
            found = await _findings(filter, record, source, judge)
        except NoReply as error:
            return [*away, Rejection("no-reply", f"filter {filter.name}: {error}", record.id, failed=True)]  # type: ignore[attr-defined]
        if isinstance(found, Rejection):
            return [*away, found.replace(reason=f"{filter.name}/{found.reason}", id=record.id)]  # type: ignore[attr-defined]
        if found and isinstance(record, Scene):
            away += [_told(record, filter.name, finding) for finding in found]
            bad = {finding.relation for finding in found}
            record = record.replace(relations=tuple(r for k, r in enumerate(record.relations) if k not in bad))
        elif found and isinstance(record, Example) and isinstance(source, Scene):
            return [*away, _told(_said(record, source), filter.name, found[0]).replace(id=record.id)]
    return [record, *away]


@lru_cache(maxsize=32)
def _loaded(spec: str, images: str) -> Filter:
    """A filter named as `geometry`, or with options as `geometry:strict=true:depth=maps`."""
    name, *rest = spec.split(":")
    given = {option: value for option, _, value in (one.partition("=") for one in rest)}
    return load([name], {"images": images, **given}, given)[0]


async def _findings(
    filter: Filter, record: Record, source: Scene | Group, judge: Asks
) -> Sequence[Finding] | Rejection | None:
    """What one filter has to say about a record."""
    if filter.single and isinstance(record, Example) and isinstance(source, Scene):
        record = _said(record, source)
    return await filter.found(record, judge) if isinstance(record, filter.judges) else None


def usable(spec: str) -> None:
    """Check that a filter can be used on what a recipe makes.

    Raises:
        RelataError: if there is no such filter or option, or it judges something else.
    """
    filter = _loaded(spec, "")
    if not filter.single and filter.judges is not Example:
        raise RelataError(f"filter {filter.name} does not judge relations or examples, so a recipe cannot use it")


def _told(scene: Scene, name: str, finding: Finding) -> Rejection:
    relation = scene.relations[finding.relation]
    said = f"{_name(scene, relation.subject)} {relation.predicate} {_name(scene, relation.object)}"
    return Rejection(f"{name}/{finding.reason}", f"{said}: {finding.detail}", id=scene.id)


def _name(scene: Scene, id: int) -> str:
    return f"{scene.region(id).label}({id})"


def _said(example: Example, source: Scene) -> Scene:
    """The source with the relations that the example's answers say, as far as they are about its regions."""
    ids = {region.box: region.id for region in source.regions}
    said = tuple(
        Relation(ids[subject], span.text, ids[object])
        for message in example.messages
        if message.role == "assistant"
        for span in message.spans
        if isinstance(span, Predicate)
        for subject, object in pairs(span)
        if subject in ids and object in ids
    )
    return source.replace(relations=said)
