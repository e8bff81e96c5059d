"""What only all rows together tell: repeated rows, constant answers, a model that always says the same."""

from __future__ import annotations

import math
import re
from collections import Counter
from hashlib import blake2b

from relata.english.predicates import plain
from relata.linter.sheet import Row, Sheet

#: With fewer answers, letters or relations, shares say nothing.
LEAST = 50
#: Shares from which on one answer, or one predicate, is suspicious.
_CONSTANT, _ONE = 0.8, 0.6
#: A letter is right so many standard deviations more often than chance.
_BIAS = 6.0
#: Words of a long answer, and about how many different images it may be given.
_LONG, _COPIES = 20, 5

_LETTER = re.compile(r"\(?([A-H])(?:[.):]|\Z)(?:\s|\Z)")


class Content:
    """Counts over the rows of one part of the data.

    Args:
        ids: the kind of finding for an id that comes again.
    """

    def __init__(self, sheet: Sheet, ids: str) -> None:
        self._sheet = sheet
        self._kind = ids
        self._ids: dict[str, int] = {}
        self._rows: dict[bytes, int] = {}
        self._answers: Counter[bytes] = Counter()
        self._texts: dict[bytes, str] = {}
        self._letters: Counter[str] = Counter()
        self._predicates: Counter[str] = Counter()
        self._long: dict[bytes, tuple[list[int], set[str]]] = {}

    def add(self, row: Row, at: int) -> None:
        """Take in one row; `at` is its place in the sheet."""
        if row.id:
            first = self._ids.setdefault(row.id, at)
            if first != at:
                self._sheet.add(self._kind, f"{row.id!r} is the id of {self._where(first)} too")
        images = [picture.path for picture in row.pictures]
        if len(set(images)) < len(images):
            self._sheet.add("repeated-image", next(path for path in images if images.count(path) > 1))
        self._predicates.update(map(plain, row.predicates))
        if not row.turns:
            return
        first = self._rows.setdefault(_digest("\0".join((*images, *(text for _, text in row.turns), row.apart))), at)
        if first != at:
            self._sheet.add("repeated-conversation", f"as {self._where(first)}")
        for role, text in row.turns:
            if role == "assistant":
                self._answer(text.strip(), row.apart, "\0".join(images), at)

    def _answer(self, text: str, apart: str, images: str, at: int) -> None:
        key = _digest(text.lower() + apart)
        self._answers[key] += 1
        if self._answers[key] == 1 and len(text) <= 60:
            self._texts[key] = text
        if (letter := _LETTER.match(text)) and len(text) < 80:
            self._letters[letter[1]] += 1
        if text.count(" ") >= _LONG and images:
            rows, shown = self._long.setdefault(key, ([], set()))
            rows.append(at)
            shown.add(images)

    def finish(self) -> None:
        """Findings about the whole."""
        answers = self._answers.total()
        for key, count in self._answers.most_common(1):
            if answers >= LEAST and count > _CONSTANT * answers:
                said = repr(self._texts.get(key, "a long text"))
                self._sheet.whole("constant-answer", f"{said} is {count:,} of {answers:,} answers")
        self._biased()
        relations = self._predicates.total()
        for predicate, count in self._predicates.most_common(1):
            if relations >= LEAST and count > _ONE * relations:
                bits = -sum(n / relations * math.log2(n / relations) for n in self._predicates.values())
                self._sheet.whole(
                    "one-predicate",
                    f"{predicate!r} is {count:,} of {relations:,} relations; {bits + 0.0:.2f} bits",
                )
        for rows, shown in self._long.values():
            if len(shown) > _COPIES:
                for at in rows:
                    self._sheet.add("copied-answer", f"the answer about {len(shown)} different images", at)

    def _biased(self) -> None:
        """One of the letters that are ever right is right too often for chance."""
        total, options = self._letters.total(), max(len(self._letters), 2)
        for letter, count in self._letters.most_common(1):
            sigma = math.sqrt(total * (1 / options) * (1 - 1 / options))
            if total >= LEAST and count - total / options > _BIAS * sigma:
                self._sheet.whole("letter-bias", f"{letter!r} is right {count:,} of {total:,} times")

    def _where(self, at: int) -> str:
        file, number, _ = self._sheet.places[at]
        return f"{file}:{number}"


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
