"""The notation in which a teacher cites regions: it is told of regions as `[3] dog`, and cites them by number.

    a [dog](3) is <lying on>(3->5) the [rug](5)        a mention: words in brackets, then region numbers
    two [people](1, 2) are <riding>(1, 2->4, 6) ...    a predicate: words, then subjects -> objects
    What is happening at [](3)?                        a bare reference: no words

Subjects and objects pair in order; a single one on either side is shared by all. A teacher never sees or writes
coordinates; reading a reply gives the regions' own boxes. Brackets inside the words are not allowed: `words`, which is
that of `relata.quoting`, takes them out of labels before they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from relata.grounded import Mention, Predicate, Problem, Span, Text
from relata.quoting import words as words
from relata.scene import Box

#: `3`, `1, 2`, `#3` and `1 and 2`, as teachers write them
_LIST = r"([\d#,&\s]+(?:and[\d#,&\s]+)*)"
_NUMBERS = rf"\s*\({_LIST}(?:(?:->|=>|→){_LIST})?\)"
_CITATION = re.compile(rf"\[([^\[\]<>]*)\]{_NUMBERS}|<([^\[\]<>]+)>{_NUMBERS}")
_LEFTOVER = re.compile(r"[\[\]<>]|->|→")
_COORDINATES = re.compile(r"[\[(]\s*-?\d+(?:\.\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?){3}\s*[\])]")


def cite(text: str, regions: Iterable[int]) -> str:
    """A mention: `[text](1,2)`. Regions are counted from 1."""
    return f"[{text}]({','.join(map(str, regions))})"


def relate(text: str, subjects: Iterable[int], objects: Iterable[int]) -> str:
    """A predicate: `<text>(1,2->3)`. Regions are counted from 1."""
    return f"<{text}>({','.join(map(str, subjects))}->{','.join(map(str, objects))})"


def read(text: str, boxes: Sequence[Box]) -> tuple[tuple[Span, ...], list[Problem]]:
    """Grounded text from a reply, and what could not be read as meant; never raises.

    Problems are `unknown-region` (a number beyond the regions), `no-objects` (a predicate without an arrow),
    `malformed` (a bracket or arrow that belongs to no citation) and `coordinates` (four numbers in brackets, which the
    teacher must have made up).

    Args:
        boxes: the regions' boxes in pixels; region 1 is the first.
    """
    spans: list[Span] = []
    problems: list[Problem] = []
    at = 0
    for match in _CITATION.finditer(text):
        _plain(text[at : match.start()], at, spans, problems)
        at = match.end()
        mention, here, extra, predicate, subjects, objects = match.groups()
        if predicate is None and extra is None:
            cited = _boxes(here, boxes, match, problems)
            spans.append(Mention(mention.strip(), cited))
        elif predicate is not None and objects is not None:
            sides = _boxes(subjects, boxes, match, problems), _boxes(objects, boxes, match, problems)
            spans.append(Predicate(predicate.strip(), *sides))
        else:
            kind = "no-objects" if predicate is not None else "malformed"
            problems.append(Problem(kind, match.group()[:40], match.start()))
    _plain(text[at:], at, spans, problems)
    return tuple(spans), problems


def _plain(text: str, at: int, spans: list[Span], problems: list[Problem]) -> None:
    if not text:
        return
    spans.append(Text(text))
    wrong = _COORDINATES.search(text) or _LEFTOVER.search(text)
    if wrong:
        kind = "coordinates" if len(wrong.group()) > 2 else "malformed"
        problems.append(Problem(kind, text[wrong.start() : wrong.start() + 40], at + wrong.start()))


def _boxes(numbers: str, boxes: Sequence[Box], match: re.Match[str], problems: list[Problem]) -> tuple[Box, ...]:
    cited = re.findall(r"\d+", numbers)
    known = [int(number) for number in cited if len(number) < 7 and 1 <= int(number) <= len(boxes)]
    if len(known) < len(cited) or not cited:
        problems.append(Problem("unknown-region", match.group()[:40], match.start()))
    return tuple(boxes[number - 1] for number in known)
