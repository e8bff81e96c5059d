"""`logic`: relations that cannot hold together, whatever the image shows, and relations said twice.

- `self`: a region is related to itself.
- `cycle`: A left of B and B left of A; A right of B and A left of B; A above B above C above A. At least one is false.
  Those of least score go, and the others stay once the circle is broken; where all scores are alike, all go.
- `exclusive`: two predicates of one pair that exclude each other, standing on and sitting on; likewise by score.
- `repeated`: said before in the same words; `synonym`: in other words of the same meaning; `symmetric`: the other way
  round, for predicates that hold both ways. The first one said stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from relata.english.meanings import ACYCLIC, SYMMETRIC, meaning, same_way
from relata.english.predicates import excluded, plain
from relata.filters import Finding
from relata.scene import Relation, Scene


def find(scene: Scene, *, duplicates: bool = True) -> list[Finding]:
    """The relations of a scene that contradict each other, and those said twice.

    Args:
        duplicates: find relations said twice too, not only contradictions.
    """
    relations = scene.relations
    names = {region.id: f"{region.label} {region.id}" for region in scene.regions}
    found = {n: Finding(n, "self", names[r.subject]) for n, r in enumerate(relations) if r.subject == r.object}
    if duplicates:
        for finding in _said_twice(relations):
            found.setdefault(finding.relation, finding)
    for finding in _cycles(relations, found, names):
        found[finding.relation] = finding
    for finding in _exclusive(relations, found):
        found[finding.relation] = finding
    return [found[n] for n in sorted(found)]


def _said_twice(relations: Sequence[Relation]) -> Iterator[Finding]:
    """Converses do not count: `A left of B` and `B right of A` are two ways to ask about one thing."""
    said: dict[tuple[int, str, int], int] = {}
    for index, relation in enumerate(relations):
        what = meaning(relation.predicate)
        subject, object = relation.subject, relation.object
        if what in SYMMETRIC:
            subject, object = min(subject, object), max(subject, object)
        earlier = said.setdefault((subject, what, object), index)
        if earlier == index:
            continue
        first = relations[earlier]
        if first.subject != relation.subject:
            yield Finding(index, "symmetric", f"{first.predicate} was said the other way round")
        elif plain(first.predicate) == plain(relation.predicate):
            yield Finding(index, "repeated", first.predicate)
        else:
            yield Finding(index, "synonym", f"{relation.predicate} after {first.predicate}")


def _cycles(relations: Sequence[Relation], out: Iterable[int], names: dict[int, str]) -> Iterator[Finding]:
    """The relations to leave out so that nothing runs in a circle."""
    edges: dict[str, dict[int, tuple[int, int]]] = {}
    for index, relation in enumerate(relations):
        if index not in out:
            subject, said, object = same_way(relation.subject, relation.predicate, relation.object)
            if said in ACYCLIC:
                edges.setdefault(said, {})[index] = (subject, object)
    for said, of in edges.items():
        while circles := [circle for circle in _components(of.values()) if len(circle) > 1]:
            for circle in circles:
                inside = [index for index, (a, b) in of.items() if a in circle and b in circle]
                for index in _least(inside, relations):
                    del of[index]
                    around = ", ".join(names[id] for id in sorted(circle)[:4])
                    yield Finding(index, "cycle", f"{said} runs in a circle of {len(circle)}: {around}")


def _components(edges: Iterable[tuple[int, int]]) -> list[set[int]]:
    """The strongly connected components of a graph: the regions that each can be reached from all others of its own.

    Tarjan's algorithm, without recursion.
    """
    out: dict[int, list[int]] = {}
    for a, b in edges:
        out.setdefault(a, []).append(b)
        out.setdefault(b, [])
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    found: list[set[int]] = []
    done: set[int] = set()
    for root in out:
        if root in order:
            continue
        work = [(root, iter(out[root]))]
        order[root] = low[root] = len(order)
        path.append(root)
        while work:
            at, ways = work[-1]
            for to in ways:
                if to not in order:
                    order[to] = low[to] = len(order)
                    path.append(to)
                    work.append((to, iter(out[to])))
                    break
                if to not in done:
                    low[at] = min(low[at], order[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == order[at]:
                    part = {path.pop()}
                    while at not in part:
                        part.add(path.pop())
                    found.append(part)
                    done |= part
    return found


def _exclusive(relations: Sequence[Relation], out: Iterable[int]) -> Iterator[Finding]:
    """Predicates of one pair that exclude each other in any photo."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for index, relation in enumerate(relations):
        if index not in out:
            pairs.setdefault((relation.subject, relation.object), []).append(index)
    for together in pairs.values():
        words = {index: plain(relations[index].predicate) for index in together}
        clash = _clashes(words)
        while against := [n for n in words if any(clash(n, m) for m in words)]:
            least = _least(against, relations)
            for index in least:
                other = next(words[m] for m in words if clash(index, m))
                yield Finding(index, "exclusive", f"{words[index]} and {other} exclude each other")
            for index in least:
                del words[index]


def _clashes(words: dict[int, str]) -> Callable[[int, int], bool]:
    """Whether two relations of a pair exclude each other; by circles, opposite directions are found already."""
    barred = {n: set(excluded(word)) for n, word in words.items()}
    said = dict(words)
    return lambda n, m: said[m] in barred[n] or said[n] in barred[m]


def _least(some: Sequence[int], relations: Sequence[Relation]) -> list[int]:
    """Those of least score; a relation without a score counts as less certain than any that has one."""
    scores = {n: _score(relations[n]) for n in some}
    least = min(scores.values())
    return [n for n in some if scores[n] == least]


def _score(relation: Relation) -> float:
    return float("-inf") if relation.score is None else relation.score
