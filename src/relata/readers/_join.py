"""`joined`: scenes of the same photo as one scene."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from relata.geometry import iou_matrix
from relata.readers._words import same
from relata.scene import Region, Relation, Scene

#: Two regions of different sources are one object from this IoU on, if their labels agree ...
IOU_SAME_LABEL = 0.7
#: ... and from this one on whatever their labels are (`woman` and `person`) ...
IOU_ANY_LABEL = 0.9
#: ... unless they cover more than this share of the image: `sky` and `field` may both span all of it.
MOST_SHARE = 0.5


def joined(scenes: Sequence[Scene]) -> Scene:
    """One scene out of several of the same photo and size; its id, image, labels and boxes are the first ones'.

    Raises:
        RelataError: if boxes of a later scene do not fit the size of the first.
    """
    first, *others = scenes
    for other in others:
        first = _join(first, other)
    return first


def _sources(one: Relation, other: Relation) -> str | None:
    """Who says a relation, where several do: that they agree is worth knowing."""
    told = [name for relation in (one, other) for name in (relation.source or "").split("; ") if name]
    return "; ".join(dict.fromkeys(told)) or None


def _join(first: Scene, second: Scene) -> Scene:
    regions = {region.id: region for region in first.regions}
    twin = coinciding(first, second)
    free = max((region.id for region in first.regions + second.regions), default=-1) + 1
    renamed: dict[int, int] = {}
    for region in second.regions:
        if region.id in twin:
            renamed[region.id] = twin[region.id]
            regions[twin[region.id]] = _both(regions[twin[region.id]], region)
            continue
        id, free = (free, free + 1) if region.id in regions else (region.id, free)
        renamed[region.id] = id
        regions[id] = region.replace(id=id)
    relations = {(r.subject, r.predicate, r.object): r for r in first.relations}
    for relation in second.relations:
        moved = relation.replace(subject=renamed[relation.subject], object=renamed[relation.object])
        key = (moved.subject, moved.predicate, moved.object)
        known = relations.get(key)
        relations[key] = known.replace(source=_sources(known, moved)) if known else moved
    captions: dict[str, str] = {}
    for text in first.captions + second.captions:
        captions.setdefault(" ".join(text.split()).casefold(), text)
    return first.replace(
        regions=tuple(regions.values()),
        relations=tuple(relations.values()),
        captions=tuple(captions.values()),
        labels=tuple(dict.fromkeys(first.labels + second.labels)),
        provenance=_all_sources(first.provenance, second.provenance),
    )


def coinciding(first: Scene, second: Scene) -> dict[int, int]:
    """Which region of the first scene each region of the second one is, by id; each has one partner at most, the best.

    Regions of one scene never become one: whoever made it told them apart.
    """
    overlap = iou_matrix([r.box for r in first.regions], [r.box for r in second.regions])
    limit = MOST_SHARE * first.width * first.height
    pairs = []
    for i, j in np.argwhere(overlap >= IOU_SAME_LABEL).tolist():
        a, b = first.regions[i], second.regions[j]
        agree = same(a.label) == same(b.label)
        if agree or (overlap[i, j] >= IOU_ANY_LABEL and max(a.box.area, b.box.area) <= limit):
            pairs.append((not agree, -float(overlap[i, j]), i, j))
    partner: dict[int, int] = {}
    taken = set()
    for _, _, i, j in sorted(pairs):
        a, b = first.regions[i], second.regions[j]
        if a.id not in taken and b.id not in partner:
            taken.add(a.id)
            partner[b.id] = a.id
    return partner


def _both(first: Region, second: Region) -> Region:
    """The first region with what only the second one says; a label that differs is kept as the description."""
    other_name = second.label if same(first.label) != same(second.label) else None
    return first.replace(
        mask=first.mask or second.mask,
        attributes=tuple(dict.fromkeys(first.attributes + second.attributes)),
        description=first.description or second.description or other_name,
        identity=first.identity or second.identity,
    )


def _all_sources(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    merged = dict(first)
    for key, value in second.items():
        said = merged[key].split("; ") if key in merged else []
        merged[key] = "; ".join(said + [part for part in value.split("; ") if part not in said])
    return merged
