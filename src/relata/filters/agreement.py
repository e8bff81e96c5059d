"""`agreement`: keeps what several sources say: data sets, teachers or models, told apart by `Relation.source`.

For scenes that `merge` put together. Words of one meaning agree (`on`, `on top of`), and so do converses (A left of B,
B right of A) and the two directions of what holds both ways. Where sources agree, all their wordings stay; `logic`
removes those said twice. A relation may name several sources, `vsd; psg`.

Reason: `too-few-sources`.
"""

from __future__ import annotations

from relata.english.meanings import same_way
from relata.errors import RelataError
from relata.filters import Finding
from relata.scene import Relation, Scene


def find(scene: Scene, *, sources: int = 2) -> list[Finding]:
    """The relations that fewer than so many sources say. One without a source speaks for the unnamed ones, as one.

    Raises:
        RelataError: if `sources` is below 2.
    """
    if sources < 2:
        raise RelataError(f"sources is {sources}; agreement takes 2 or more")
    said: dict[tuple[int, str, int], set[str]] = {}
    keys = [same_way(r.subject, r.predicate, r.object) for r in scene.relations]
    for key, relation in zip(keys, scene.relations, strict=True):
        said.setdefault(key, set()).update(_sources(relation))
    return [
        Finding(index, "too-few-sources", f"said by {', '.join(sorted(said[key])) or 'nobody'} alone")
        for index, key in enumerate(keys)
        if len(said[key]) < sources
    ]


def _sources(relation: Relation) -> set[str]:
    return {name.strip() for name in (relation.source or "unnamed").split(";")}
