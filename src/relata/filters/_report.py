"""What filters removed, per filter, predicate and reason, as a record, as text and as a page with drawn examples."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path

from relata.chat import Example
from relata.scene import Record, Relation, Scene

#: Rows of each table in the text.
_ROWS = 30
#: Predicates of which some removals are drawn, for each filter and reason: those that lost most.
_DRAWN = 5
#: Predicates, with filter and reason, of which some removals are remembered. Later ones are hardly the frequent ones.
_HELD = 2000


class Removed(Record, frozen=True):
    """A relation that a filter removed, or a whole record; a line of `removed.jsonl`."""

    record: str
    """Id of the scene or example."""
    filter: str
    reason: str
    detail: str = ""
    relation: Relation | None = None
    """None: the whole record was removed."""
    failed: bool = False
    """The teacher gave no answer; filtering again may help."""


class Report(Record, frozen=True):
    """Counts of a run: records read = kept + rejected + failed; relations likewise, by what became of their record."""

    filters: tuple[str, ...]
    options: dict[str, str] = {}
    teacher: str = ""
    prompts: dict[str, str] = {}
    """Digests of the prompt files of filters that ask."""
    read: int = 0
    """Scenes or examples."""
    kept: int = 0
    rejected: int = 0
    """Removed as a whole."""
    failed: int = 0
    """Left out because the teacher gave no answer."""
    relations: int = 0
    """Relations of all scenes read."""
    relations_kept: int = 0
    relations_removed: int = 0
    relations_left: int = 0
    """Gone with scenes that were rejected or failed."""
    predicates: dict[str, int] = {}
    """Relations read, by predicate."""
    removed: dict[str, dict[str, dict[str, int]]] = {}
    """By filter, predicate (empty: a whole record) and reason."""

    def rows(self) -> list[tuple[str, str, str, int, float | None]]:
        """Filter, predicate, reason, how many, and their share of all relations of that predicate; most first."""
        found = [
            (name, predicate, reason, n, n / self.predicates[predicate] if predicate else None)
            for name, predicates in self.removed.items()
            for predicate, reasons in predicates.items()
            for reason, n in reasons.items()
        ]
        return sorted(found, key=lambda row: (self.filters.index(row[0]), -row[3], row[1], row[2]))

    def __str__(self) -> str:
        teacher = f", teacher {self.teacher}" if self.teacher else ""
        lines = [f"# filtered by {', '.join(self.filters)}{teacher}", ""]
        lines += [f"{self.read} read = {self.kept} kept + {self.rejected} rejected + {self.failed} failed"]
        if self.relations:
            gone = f"{self.relations_removed} removed + {self.relations_left} of records left out"
            lines += [f"{self.relations} relations = {self.relations_kept} kept + {gone}"]
        rows = self.rows()
        if rows:
            lines += ["", "| filter | predicate | reason | removed | share |", "|---|---|---|---|---|"]
            for name, predicate, reason, n, share in rows[:_ROWS]:
                lines.append(f"| {name} | {_cell(predicate) or 'whole record'} | {reason} | {n} | {_percent(share)} |")
            if len(rows) > _ROWS:
                lines += ["", f"and {len(rows) - _ROWS} more rows in report.json"]
        return "\n".join(lines)


def _cell(text: str) -> str:
    """Words of a data set that cannot break a table."""
    return " ".join(text.replace("|", "/").split())


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


class Tally:
    """Counts while records stream by, and keeps a few to draw for each filter, predicate and reason: those with the
    lowest hash, so that nobody chose them and they come from everywhere in the data."""

    def __init__(self, about: Report, drawn: int) -> None:
        self._about = about
        self._drawn = drawn
        self._sums: Counter[str] = Counter()
        self._predicates: Counter[str] = Counter()
        self._removed: dict[str, dict[str, Counter[str]]] = {name: {} for name in about.filters}
        self._held: dict[tuple[str, str, str], dict[bytes, Scene | Example]] = defaultdict(dict)

    def count(self, record: Scene | Example, kept: Scene | Example | None, removed: Iterable[Removed]) -> None:
        """One record, what is left of it, and what was removed."""
        lines = list(removed)
        fate = "kept" if kept is not None else "failed" if any(line.failed for line in lines) else "rejected"
        self._sums.update(("read", fate))
        before = record.relations if isinstance(record, Scene) else ()
        after = kept.relations if isinstance(kept, Scene) else ()
        single = sum(line.relation is not None for line in lines)
        self._predicates.update(relation.predicate for relation in before)
        self._sums["relations"] += len(before)
        self._sums["relations_kept"] += len(after)
        self._sums["relations_removed"] += single
        self._sums["relations_left"] += len(before) - single if kept is None else 0
        for line in lines:
            predicate = line.relation.predicate if line.relation else ""
            self._removed[line.filter].setdefault(predicate, Counter())[line.reason] += 1
            self._hold((line.filter, predicate, line.reason), record, line)

    def _hold(self, key: tuple[str, str, str], record: Scene | Example, line: Removed) -> None:
        if key not in self._held and len(self._held) == _HELD:
            return
        held = self._held[key]
        rank = blake2b(record.id.encode("utf-8", "replace"), digest_size=8).digest()
        if rank not in held and (len(held) < self._drawn or rank < max(held, default=b"")):
            held[rank] = _drawn(record, line)
            if len(held) > self._drawn:
                del held[max(held)]

    def samples(self, report: Report) -> dict[tuple[str, str], list[Scene | Example]]:
        """What to draw, by filter and reason: one of each of the predicates that lost most, then a second one."""
        found: dict[tuple[str, str], list[list[Scene | Example]]] = {}
        for name, predicate, reason, _, _ in report.rows():
            held = self._held.get((name, predicate, reason), {})
            found.setdefault((name, reason), []).append([held[rank] for rank in sorted(held)])
        return {key: list(_in_turn(lists[:_DRAWN])) for key, lists in found.items()}

    def report(self) -> Report:
        """The sums.

        Raises:
            AssertionError: if they do not add up, which would be a bug of ours.
        """
        removed = {
            name: {p: dict(reasons) for p, reasons in predicates.items()}
            for name, predicates in self._removed.items()
            if predicates
        }
        report = self._about.replace(predicates=dict(self._predicates), removed=removed, **self._sums)
        assert report.read == report.kept + report.rejected + report.failed, report
        sorts = report.relations_kept + report.relations_removed + report.relations_left
        assert report.relations == sorts, report
        return report


def _in_turn(lists: Iterable[list[Scene | Example]]) -> Iterator[Scene | Example]:
    for row in itertools.zip_longest(*lists):
        yield from (one for one in row if one is not None)


def _drawn(record: Scene | Example, line: Removed) -> Scene | Example:
    """What to draw: of a scene the two regions that the relation is about."""
    if not isinstance(record, Scene):
        return record
    why = {"filter": line.filter, "reason": line.reason, "detail": line.detail}
    if line.relation is None:
        return record.replace(relations=(), provenance=why)
    ends = {line.relation.subject, line.relation.object}
    regions = tuple(region for region in record.regions if region.id in ends)
    return record.replace(regions=regions, relations=(line.relation,), captions=(), labels=(), provenance=why)


def page(out: Path, report: Report, samples: dict[tuple[str, str], list[Scene | Example]], images: Path) -> Path:
    """Write the report as `index.html` in a folder, with the drawn examples."""
    from relata.view.report import Gallery, Prose, Section, Table
    from relata.view.report import report as write

    sums = str(report).split("\n\n|")[0].partition("\n\n")[2]
    rows = tuple((n, p or "whole record", r, k, None if s is None else f"{s:.1%}") for n, p, r, k, s in report.rows())
    columns = ("filter", "predicate", "reason", "removed", "share of predicate")
    sections: list[Section] = [Prose("Counts", sums), Table("Removed", columns, rows)]
    for (name, reason), shown in samples.items():
        if shown:
            sections.append(Gallery(f"{name}: {reason}", tuple(shown), images))
    return write(out / "index.html", sections, f"filtered by {', '.join(report.filters)}")
