"""Multiple choice: reading an option out of a reply, grouping questions that count together, averaging.

Reading never sees the right answer: it returns the letters that a reply claims, and a reply that claims none is
unreadable, which is wrong and counted apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from relata.errors import RelataError, unknown
from relata.metrics.interval import Rate, rate
from relata.scene import Record

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Rules(Record, frozen=True):
    """Every choice in a multiple choice score."""

    name: str
    reading: Literal["strict", "first", "first or text", "lenient"]
    grouping: Literal["none", "circular", "id"]
    """What counts as one: a row; `size` consecutive rows of a category; the rows of a category with one group id. A
    group is right only if all its rows are."""
    averaging: Literal["pooled", "categories"]
    """The mean over units, or the mean of the categories' means."""
    size: int = 4


PRESETS: dict[str, Rules] = {
    rules.name: rules
    for rules in (
        # All-Seeing v2, eval_crpe.py: the reply is one character, rows are grouped as they stand in the file.
        Rules("official", "strict", "circular", "categories"),
        Rules("fixed", "lenient", "id", "categories"),
        # VLMEvalKit's CRPE: no circular rule, and the total pools questions.
        Rules("vlmevalkit", "first or text", "none", "pooled"),
        # Plain accuracy on all rows, as lmms-eval has it.
        Rules("rows", "lenient", "none", "pooled"),
    )
}


def preset(name: str) -> Rules:
    """The published rules of this name.

    Raises:
        RelataError: if there are none; near names are offered.
    """
    if name not in PRESETS:
        unknown("set of rules", name, PRESETS)
    return PRESETS[name]


class Item(Record, frozen=True):
    """A reply to one question. `answer` is the right letter, `options` the texts of A, B, C ... in order."""

    reply: str
    answer: str
    options: tuple[str, ...]
    category: str = ""
    group: str = ""


@dataclass(frozen=True)
class Result:
    """A multiple choice score. The rates count units: rows, or groups of rows."""

    total: Rate
    categories: dict[str, Rate]
    unreadable: float
    """Share of replies that no option could be read from."""


def score(items: Sequence[Item], rules: Rules, over: Sequence[str] | None = None) -> Result:
    """Score the replies, which stand in the order of the question file.

    Args:
        over: the categories that enter the total (None: all).

    Raises:
        RelataError: if rows are to be grouped by `size` and do not come out even.
    """
    claims = [read(item.reply, item.options, rules.reading) for item in items]
    units = _units(items, [item.answer in claim for item, claim in zip(items, claims)], rules)
    names = list(dict.fromkeys(category for category, _ in units))
    bottom = np.eye(len(names))[np.array([names.index(category) for category, _ in units], int)]
    top = bottom * np.array([right for _, right in units], float)[:, None]
    used = [column for column, name in enumerate(names) if over is None or name in over]
    tops, bottoms = top[:, used], bottom[:, used]
    if rules.averaging == "pooled":
        tops, bottoms = tops.sum(1), bottoms.sum(1)
    return Result(
        total=rate(tops, bottoms, int(bottoms.sum())),
        categories={name: rate(top[:, k], bottom[:, k], int(bottom[:, k].sum())) for k, name in enumerate(names)},
        unreadable=sum(not claim for claim in claims) / max(len(items), 1),
    )


def _units(items: Sequence[Item], right: Sequence[bool], rules: Rules) -> list[tuple[str, bool]]:
    """The category of each thing that counts as one, and whether it is right."""
    if rules.grouping == "none":
        return [(item.category, ok) for item, ok in zip(items, right)]
    groups: dict[tuple[str, str | int], list[int]] = defaultdict(list)
    seen: dict[str, int] = defaultdict(int)
    for row, item in enumerate(items):
        groups[item.category, item.group if rules.grouping == "id" else seen[item.category] // rules.size].append(row)
        seen[item.category] += 1
    if rules.grouping == "circular":
        _check_circles(groups, rules)
    return [(category, all(right[row] for row in rows)) for (category, _), rows in groups.items()]


def _check_circles(groups: Mapping[tuple[str, str | int], list[int]], rules: Rules) -> None:
    for (category, _), rows in groups.items():
        if len(rows) != rules.size:
            raise RelataError(
                f"category {category!r}: its rows are no multiple of {rules.size} (the last group has {len(rows)}); "
                f"rules {rules.name} group consecutive rows, so no row may be missing"
            )


def read(reply: str, options: Sequence[str], reading: Literal["strict", "first", "first or text", "lenient"]) -> str:
    """The letters that a reply claims; empty if it is unreadable. Only `first or text` can return several."""
    letters: str = _READINGS[reading](reply, options)
    return letters


def _strict(reply: str, options: Sequence[str]) -> str:
    """One character, equal to a letter. `B.` and `b` are unreadable."""
    return reply if len(reply) == 1 and reply in LETTERS[: len(options)] else ""


def _first(reply: str, options: Sequence[str]) -> str:
    """The first character after white space, whatever follows: `Bird` is B."""
    return _strict(reply.strip()[:1], options)


def _first_or_text(reply: str, options: Sequence[str]) -> str:
    """The first character if it is A to D, else every option whose text the reply contains.

    VLMEvalKit's rule, in which `Answer: B` is A. It cuts the option's text from the right answer's fifth character on,
    which we read as "after the letter"; an answer that is a bare letter would there make any such reply right.
    """
    if len(reply) == 1 or reply[:1] in tuple("ABCD"):
        return _strict(reply[:1], options)
    return "".join(letter for letter, text in zip(LETTERS, options) if text and text.lower() in reply.lower())


_WRAP = " \t\r\n\"'`*_()[]{}<>.,:;!。，：；！（）【】「」"
_MARKED = re.compile(
    r"(?i:answer|option|choice|choose|select|答案|选项|选择|选)"
    r"(?i:[^A-Za-z0-9]+(?:is|are|option|answer|letter|would be))*"
    r"[^A-Za-z0-9]*"
    r"(?:([A-Z])(?![A-Za-z0-9])|([a-z])(?=\W*$))"
)
_ALONE = re.compile(r"(?<![A-Za-z0-9'’])(?:A(?! (?!is\b)[a-z])|[B-Z])(?![A-Za-z0-9'’])")


def _lenient(reply: str, options: Sequence[str]) -> str:
    """What a person would read, by the first of these rules that finds a letter:

    1. a letter alone, in any case and wrapping: `b)`, `**B**`;
    2. the text of an option alone: `on.`;
    3. a letter after "answer", "option", "choose" and the like, also in Chinese and JSON; the last one if they differ;
    4. the only capital that stands alone and is no article: `B. on`, `I think it is (B)`, but not `A dog`;
    5. the text of exactly one option, as whole words in a sentence.
    """
    letters = LETTERS[: len(options)]
    bare = reply.strip(_WRAP)
    if len(bare) == 1 and bare.upper() in letters:
        return bare.upper()
    texts = [text.strip(_WRAP).lower() for text in options]
    if bare and texts.count(bare.lower()) == 1:
        return letters[texts.index(bare.lower())]
    marked = [letter for letter in map(str.upper, "".join(map("".join, _MARKED.findall(reply)))) if letter in letters]
    if marked:
        return marked[-1]
    alone = {letter for letter in _ALONE.findall(reply) if letter in letters}
    if alone:
        return "".join(alone) if len(alone) == 1 else ""
    return _mentioned(reply.lower(), texts)


def _mentioned(reply: str, texts: Sequence[str]) -> str:
    """The letter of the only text that the reply has as whole words; `on` does not count inside `on top of`."""
    found = []
    for text in sorted(filter(None, texts), key=len, reverse=True):
        reply, times = re.subn(rf"(?<!\w){re.escape(text)}(?!\w)", "\n", reply)
        if times:
            found.append(LETTERS[texts.index(text)])
    return found[0] if len(found) == 1 else ""


_READINGS: dict[str, Callable[[str, Sequence[str]], str]] = {
    "strict": _strict,
    "first": _first,
    "first or text": _first_or_text,
    "lenient": _lenient,
}
