"""What became of everything that a recipe asked for."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from relata.chat import Example
from relata.filters import Rejection
from relata.grounded import Predicate
from relata.scene import Record

#: Rows of each table in the summary.
_ROWS = 20


class Report(Record, frozen=True):
    """Counts of a run; `read == kept + rejected + failed`."""

    recipe: str
    teacher: str
    scenes: int = 0
    """Scenes read."""
    read: int = 0
    """Things to decide on: one per request, and one for whatever was turned away before asking."""
    kept: int = 0
    """Examples written."""
    rejected: int = 0
    """Turned away by a filter, with a reason, in `rejected.jsonl`."""
    failed: int = 0
    """Requests without a reply; also in `rejected.jsonl`."""
    kinds: dict[str, int] = {}
    """Examples of each kind."""
    reasons: dict[str, int] = {}
    """Rejections and failures by reason."""
    predicates: dict[str, int] = {}
    """How often each predicate is said in the answers, once per pair of regions."""

    def __str__(self) -> str:
        sums = f"{self.read} read = {self.kept} kept + {self.rejected} rejected + {self.failed} failed"
        lines = [f"# {self.recipe}, teacher {self.teacher}", "", f"{self.scenes} scenes; {sums}"]
        lines += _table("Examples", self.kinds) + _table("Rejected and failed", self.reasons)
        lines += _table("Predicates", self.predicates)
        if self.predicates:
            lines += ["", _spread(self.predicates)]
        return "\n".join(lines)


def count(plan: tuple[str, str], scenes: int, read: int, kept: Sequence[Example], lost: Sequence[Rejection]) -> Report:
    """The report of some scenes; `plan` is the recipe and the teacher."""
    failed = sum(rejection.failed for rejection in lost)
    return Report(
        *plan,
        scenes=scenes,
        read=read,
        kept=len(kept),
        rejected=len(lost) - failed,
        failed=failed,
        kinds=dict(Counter(example.recipe for example in kept)),
        reasons=dict(Counter(rejection.reason for rejection in lost)),
        predicates=dict(_predicates(kept)),
    )


def add(one: Report, other: Report) -> Report:
    """The report of two parts of a run."""
    return Report(
        one.recipe,
        one.teacher,
        *(getattr(one, name) + getattr(other, name) for name in ("scenes", "read", "kept", "rejected", "failed")),
        *(_summed(getattr(one, name), getattr(other, name)) for name in ("kinds", "reasons", "predicates")),
    )


def _summed(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return dict(Counter(one) + Counter(other))


def _predicates(examples: Iterable[Example]) -> Counter[str]:
    """How often each predicate is said in answers."""
    found: Counter[str] = Counter()
    for example in examples:
        for message in example.messages:
            if message.role == "assistant":
                for span in message.spans:
                    if isinstance(span, Predicate):
                        found[span.text] += max(len(span.subjects), len(span.objects))
    return found


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
