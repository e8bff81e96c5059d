"""What became of everything that a recipe asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from relata.chat import Example, Preference
from relata.filters import Rejection
from relata.grounded import Predicate, Span
from relata.scene import Record, Scene

#: Rows of each table in the summary.
_ROWS = 20


class Report(Record, frozen=True):
    """Counts of a run; `read == kept + rejected + failed`."""

    recipe: str
    teacher: str
    of: str = "scenes"
    """What the recipe reads: `scenes` or `groups`."""
    sources: int = 0
    """How many of them."""
    read: int = 0
    """Things to decide on: one per request, and one for whatever was turned away before asking."""
    kept: int = 0
    """Records written: examples, or whatever the recipe makes."""
    rejected: int = 0
    """Turned away by a filter, with a reason, in `rejected.jsonl`."""
    failed: int = 0
    """Requests without a reply; also in `rejected.jsonl`."""
    kinds: dict[str, int] = {}
    """Records of each kind."""
    reasons: dict[str, int] = {}
    """Rejections and failures by reason."""
    predicates: dict[str, int] = {}
    """How often each predicate is said in the answers, once per pair of regions."""

    def __str__(self) -> str:
        sums = f"{self.read} read = {self.kept} kept + {self.rejected} rejected + {self.failed} failed"
        lines = [f"# {self.recipe}, teacher {self.teacher}", "", f"{self.sources} {self.of}; {sums}"]
        lines += _table("Kept", self.kinds) + _table("Rejected and failed", self.reasons)
        lines += _table("Predicates", self.predicates)
        if self.predicates:
            lines += ["", _spread(self.predicates)]
        return "\n".join(lines)


def count(
    plan: tuple[str, str, str], sources: int, read: int, kept: Sequence[Record], lost: Sequence[Rejection]
) -> Report:
    """The report of some scenes or groups; `plan` is the recipe, the teacher and what is read."""
    failed = sum(rejection.failed for rejection in lost)
    return Report(
        *plan,
        sources=sources,
        read=read,
        kept=len(kept),
        rejected=len(lost) - failed,
        failed=failed,
        kinds=dict(Counter(_kind(record) for record in kept)),
        reasons=dict(Counter(rejection.reason for rejection in lost)),
        predicates=dict(_predicates(kept)),
    )


def add(one: Report, other: Report) -> Report:
    """The report of two parts of a run."""
    return Report(
        one.recipe,
        one.teacher,
        one.of,
        *(getattr(one, name) + getattr(other, name) for name in ("sources", "read", "kept", "rejected", "failed")),
        *(_summed(getattr(one, name), getattr(other, name)) for name in ("kinds", "reasons", "predicates")),
    )


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _kind(record: Record) -> str:
    return getattr(record, "recipe", "") or type(record).__name__.lower()


def _predicates(records: Iterable[Record]) -> Counter[str]:
    """How often each predicate is said in answers, or stands in scenes."""
    found: Counter[str] = Counter()
    for record in records:
        if isinstance(record, Scene):
            found.update(relation.predicate for relation in record.relations)
        for spans in _answers(record):
            for span in spans:
                if isinstance(span, Predicate):
                    found[span.text] += max(len(span.subjects), len(span.objects))
    return found


def _answers(record: Record) -> list[tuple[Span, ...]]:
    if isinstance(record, Preference):
        return [record.chosen]
    if isinstance(record, Example):
        return [message.spans for message in record.messages if message.role == "assistant"]
    return []


def _table(title: str, table: dict[str, int]) -> list[str]:
    rows = sorted(table.items(), key=lambda row: (-row[1], row[0]))
    shown = [f"{number:8d}  {name}" for name, number in rows[:_ROWS]]
    more = [f"          and {len(rows) - _ROWS} more"] if len(rows) > _ROWS else []
    return ["", f"## {title}", "", *shown, *more] if rows else []


def _spread(predicates: dict[str, int]) -> str:
    """How evenly the predicates are used: a teacher that always says `on` shows here."""
    said = sum(predicates.values())
    name, most = max(predicates.items(), key=lambda row: (row[1], row[0]))
    bits = -sum(n / said * math.log2(n / said) for n in predicates.values())
    share = f"{100 * most / said:.0f} %"
    return f"{len(predicates)} predicates, {bits:.2f} bits; the most frequent, {name!r}, is {share} of all"
