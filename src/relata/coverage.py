"""Predicate coverage: which relations data has many of and which few, and what it costs to fill the tail.

Predicates are long-tailed: `on` is said many times as often as `hanging from`, and a model that always says the
frequent one looks good on average. Predicates sorted by frequency are cut by their share of all relations: the head is
those that together make up the first half, the body those up to nine tenths, the tail the rest.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, chain
from pathlib import Path

from relata import store
from relata.chat import Example, Preference
from relata.english.predicates import plain
from relata.errors import RelataError
from relata.graph import pairs
from relata.grounded import Predicate
from relata.scene import Record, Scene

Counted = Scene | Example | Preference

#: Head and body end where predicates so far make up these shares of all relations.
HEAD, BODY = 0.5, 0.9


class Coverage(Record, frozen=True):
    """How often each predicate is said, most frequent first."""

    counts: dict[str, int]

    @property
    def total(self) -> int:
        """Relations."""
        return sum(self.counts.values())

    @property
    def entropy(self) -> float:
        """Bits: 0 if one predicate is all there is, log2 of their number if all are equally frequent."""
        return -sum(n / self.total * math.log2(n / self.total) for n in self.counts.values()) + 0.0

    @property
    def effective(self) -> float:
        """As many equally frequent predicates would have the same entropy."""
        return float(2**self.entropy)

    def parts(self) -> dict[str, list[str]]:
        """The predicates of head, body and tail."""
        found: dict[str, list[str]] = {"head": [], "body": [], "tail": []}
        before = 0
        for predicate, after in zip(self.counts, accumulate(self.counts.values()), strict=True):
            share = before / self.total
            found["head" if share < HEAD else "body" if share < BODY else "tail"].append(predicate)
            before = after
        return found

    def fill(self, target: int, price: float = 0.0, acceptance: float | Mapping[str, float] = 1.0) -> Fill:
        """What it takes to have every predicate `target` times.

        Args:
            target: relations of each predicate.
            price: US dollars of one relation made, kept or not.
            acceptance: the share of what is made that filters keep, 0 to 1; one for all, or by predicate (others 1).

        Raises:
            RelataError: on a target below 1, or an acceptance outside 0 to 1.
        """
        if target < 1 or price < 0:
            raise RelataError(f"target is {target} and price {price}; a target is 1 or more, a price 0 or more")
        missing = {predicate: target - n for predicate, n in self.counts.items() if n < target}
        make: dict[str, int] = {}
        for predicate, n in missing.items():
            rate = acceptance.get(predicate, 1.0) if isinstance(acceptance, Mapping) else acceptance
            if not 0 < rate <= 1:
                raise RelataError(f"acceptance of {predicate!r} is {rate}; it is a share above 0 and up to 1")
            make[predicate] = math.ceil(n / rate)
        return Fill(target, missing, make, sum(make.values()) * price)

    def __str__(self) -> str:
        if not self.counts:
            return "no relations"
        most = next(iter(self.counts))
        share = f"{self.counts[most] / self.total:.1%}"
        lines = [
            f"{self.total} relations, {len(self.counts)} predicates; {self.entropy:.2f} bits, as of "
            f"{self.effective:.1f} equally frequent ones; the most frequent, {most!r}, is {share} of all",
            "",
            "| part | predicates | relations | share | from | to |",
            "|---|---|---|---|---|---|",
        ]
        for part, names in self.parts().items():
            if names:
                said = sum(self.counts[name] for name in names)
                ends = f"{names[0]} ({self.counts[names[0]]}) | {names[-1]} ({self.counts[names[-1]]})"
                lines.append(f"| {part} | {len(names)} | {said} | {said / self.total:.1%} | {ends} |")
        return "\n".join(lines)


class Fill(Record, frozen=True):
    """What is missing for a balanced set, and what it costs."""

    target: int
    missing: dict[str, int]
    """Relations that have to be kept, by predicate."""
    make: dict[str, int]
    """Relations that have to be made for that."""
    cost: float
    """US dollars."""

    def __str__(self) -> str:
        few = ", ".join(f"{name} {n}" for name, n in sorted(self.make.items(), key=lambda item: -item[1])[:8])
        sums = f"{sum(self.missing.values())} relations of {len(self.missing)} predicates are missing"
        made = f"{sum(self.make.values())} have to be made, for ${self.cost:.2f}"
        return f"to have each {self.target} times: {sums}; {made}" + (f"\nmost of them: {few}" if few else "")


def coverage(data: Iterable[Counted] | str | os.PathLike[str]) -> Coverage:
    """How often each predicate is said in scenes, in the answers of examples or in the better answers of preferences,
    once per pair of regions.

    Predicates are counted in lower case and without copula or article; synonyms apart.

    Args:
        data: records, or a file or folder of them.

    Raises:
        RelataError: if there is no such file or folder, or a record is damaged.
    """
    records = _records(Path(data)) if isinstance(data, (str, os.PathLike)) else data
    counts = Counter(plain(predicate) for record in records for predicate in _said(record))
    return Coverage(dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))))


def _records(path: Path) -> Iterator[Counted]:
    if path.is_dir():
        names = {file.type for file in store.listed(path)}
        kind = next((kind for kind in (Example, Preference) if kind.__name__ in names), Scene)
    elif path.is_file():
        with path.open("rb") as lines:
            first = lines.readline()
        kind = Preference if b'"chosen":' in first else Example if b'"messages":' in first else Scene
    else:
        raise RelataError(f"{path} does not exist; give a file or folder of scenes, examples or preferences")
    return iter(store.records(path, kind))


def _said(record: Counted) -> Iterator[str]:
    if isinstance(record, Scene):
        yield from (relation.predicate for relation in record.relations)
        return
    answers = [record.chosen] if isinstance(record, Preference) else []
    answers += [message.spans for message in record.messages if message.role == "assistant"]
    for span in chain.from_iterable(answers):
        if isinstance(span, Predicate):
            yield from (span.text for _ in pairs(span))
