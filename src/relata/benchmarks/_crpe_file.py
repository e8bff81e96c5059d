"""The question files of CRPE: reading, rotating, writing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from relata import store
from relata.errors import RelataError
from relata.metrics.choice import LETTERS
from relata.scene import Record, encode

_OPTION = re.compile(r"^\s*([A-Z])[.)]\s*(.*?)\s*$", re.MULTILINE)


class Question(Record, frozen=True):
    """One row of the file: a question with its options in one order."""

    question_id: int | str
    image: str
    text: str
    """The question, a line per option (`A. dog`), and how to answer."""
    category: str
    """exist, subject, predicate or object; abnormal in files that `construct` made."""
    correct_option: str
    """The right letter."""
    group: str = ""
    """The same for the rotations of one question."""

    @property
    def id(self) -> str:
        return str(self.question_id)

    @property
    def options(self) -> tuple[str, ...]:
        """The texts of A, B, C ... in order."""
        return _parts(self.text).options


class _Parts(NamedTuple):
    stem: str
    options: tuple[str, ...]
    tail: str


class _Row(msgspec.Struct):
    """A line of any of the published files; `*_meta.jsonl` may give `question` and `choices` instead of `text`."""

    image: str
    category: str
    correct_option: str
    question_id: int | str | None = None
    text: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    group: str = ""


def questions(data: str | Path) -> list[Question]:
    """The questions of a file. One in which every question stands once is rotated.

    Raises:
        RelataError: naming the line, on a damaged record, an id that occurs twice, options that are not lettered from
            A, or a right option that is not among them.
    """
    rows = [_question(row, f"{data}:{line}", line) for line, row in enumerate(store.records(data, _Row), 1)]
    twice = [id for id, times in Counter(question.id for question in rows).items() if times > 1]
    if twice:
        raise RelataError(f"{data}: question_id {twice[0]} occurs more than once; ids must be unique")
    names: dict[tuple[str, ...], str] = {}
    for row in rows:
        names.setdefault(_identity(row), f"{row.category}-{len(names)}")
    grouped = [row if row.group else row.replace(group=names[_identity(row)]) for row in rows]
    if len(names) < len(rows):
        return grouped
    return [turned for question in grouped for turned in rotations(question)]


def _question(row: _Row, where: str, line: int) -> Question:
    text = row.text or compose(row.question, row.choices)
    options = _parts(text).options
    letters = LETTERS[: len(options)]
    right = row.correct_option
    if right not in tuple(letters) and options.count(right) == 1:
        right = letters[options.index(right)]
    if len(options) < 2 or right not in tuple(letters):
        raise RelataError(
            f"{where}: correct_option {row.correct_option!r} is none of the options {list(options)}; expected lines "
            f"'A. ...', 'B. ...' in `text`, or `choices`"
        )
    id = line if row.question_id is None else row.question_id
    return Question(id, row.image, text, row.category, right, row.group)


def _parts(text: str) -> _Parts:
    """The question, its options, which are lettered from A, and what follows them."""
    run: list[re.Match[str]] = []
    for line in _OPTION.finditer(text):
        if line[1] == LETTERS[len(run)]:
            run.append(line)
        elif line[1] == "A":
            run = [line]
    if not run:
        return _Parts(text, (), "")
    return _Parts(text[: run[0].start()].strip(), tuple(line[2] for line in run), text[run[-1].end() :].strip())


def _identity(question: Question) -> tuple[str, ...]:
    """What the rotations of one question have in common."""
    parts = _parts(question.text)
    words = (" ".join(part.casefold().split()) for part in (parts.stem, *sorted(parts.options)))
    return (question.category, question.image, *words)


def compose(stem: str, options: Sequence[str], tail: str = "") -> str:
    """The text of a question."""
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, options)]
    return "\n".join([stem, *lines, *([tail] if tail else [])])


def rotations(question: Question) -> list[Question]:
    """The question with its options in every rotation, so that each letter is right once; ids get `.0`, `.1` ..."""
    stem, options, tail = _parts(question.text)
    right = LETTERS.index(question.correct_option)
    return [
        question.replace(
            question_id=f"{question.question_id}.{turn}",
            text=compose(stem, options[turn:] + options[:turn], tail),
            correct_option=LETTERS[(right - turn) % len(options)],
        )
        for turn in range(len(options))
    ]


def write(questions: Iterable[Question], path: str | Path) -> None:
    """Write questions in the published layout, with their `group` beside; `questions(path)` gives them back."""
    store.write(Path(path), (encode(question) + b"\n" for question in questions))
