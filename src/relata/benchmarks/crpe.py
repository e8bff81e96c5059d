"""`crpe`: circular questions on existence, subject, predicate and object (All-Seeing v2, arXiv 2402.19474, section 4).

Each question stands four times in the file, its options rotated, so that every letter is right once. The authors count
it only if all four replies are right, and average the three relation splits. Other numbers go by the same name, so
every score here says which it is:

    official     eval_crpe.py: the reply is one character, four consecutive rows of a category are one question
    fixed        the reply is read as a person would, the rows of one question are found by what they ask
    vlmevalkit   each row by itself; the first letter, or an option's text inside the reply; all rows pooled
    rows         each row by itself, read as a person would; all rows pooled, as lmms-eval has it

Files: `crpe_exist.jsonl` and `crpe_relation.jsonl`, and their unexpanded `*_meta.jsonl`, which are rotated on reading.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from relata.benchmarks._answers import Reply
from relata.benchmarks._crpe_construct import ABNORMAL_IMAGES, Triplet, abnormal, construct
from relata.benchmarks._crpe_file import Question, questions, rotations, write
from relata.benchmarks._scores import Details, Score, Scored, Value, rules_of
from relata.chat import Answer
from relata.errors import RelataError
from relata.metrics import choice
from relata.metrics.choice import LETTERS

__all__ = [
    "PROTOCOLS",
    "Question",
    "Triplet",
    "abnormal",
    "check",
    "construct",
    "questions",
    "rotations",
    "score",
    "write",
]

PROTOCOLS = ("official", "fixed", "vlmevalkit", "rows")
RELATION = ("subject", "predicate", "object")
"""The splits that the headline averages."""


def check(questions: Sequence[Question], protocol: str) -> None:
    """Refuse questions that the protocol cannot group, before a model is asked anything."""
    score(questions, {question.id: Answer(question.id, "") for question in questions}, protocol)


def score(questions: Sequence[Question], replies: Mapping[str, Reply], protocol: str) -> Scored:
    """The score under one protocol; the table has a row per category.

    Raises:
        RelataError: if rows do not fall into groups as the protocol needs it, or a reply is a scene.
    """
    rules = choice.preset(protocol)
    if rules.grouping == "id":
        _check_groups(questions)
    items = [_item(question, replies[question.id]) for question in questions]
    present = tuple(dict.fromkeys(question.category for question in questions))
    split = tuple(category for category in RELATION if category in present) or present
    result = choice.score(items, rules, split if rules.averaging == "categories" else None)
    table = {category: Value.of(found) for category, found in result.categories.items()}
    abnormal = [item for item, question in zip(items, questions) if ABNORMAL_IMAGES in Path(question.image).parts]
    if abnormal:
        table["abnormal images"] = Value.of(choice.score(abnormal, rules).total)
    unit = "accuracy" if rules.grouping == "none" else "circular accuracy"
    over = f"mean of {', '.join(split)}" if rules.averaging == "categories" else "all rows"
    headline = Score.of(f"{unit}, {over}", result.total, result.unreadable)
    return Scored(headline, Details(rules_of(rules), {}, table))


def _item(question: Question, reply: Reply) -> choice.Item:
    if not isinstance(reply, Answer):
        raise RelataError(f"question {question.id} is answered with a scene; crpe needs the reply's text")
    return choice.Item(reply.text, question.correct_option, question.options, question.category, question.group)


def _check_groups(questions: Sequence[Question]) -> None:
    """Refuse a group that favours a letter: a reply that is always the same letter must score 0."""
    groups: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        groups[question.category, question.group].append(question)
    for (category, group), rows in groups.items():
        right = [row.correct_option for row in rows]
        if len({right.count(letter) for letter in LETTERS[: len(rows[0].options)]}) != 1:
            raise RelataError(
                f"group {group!r} of category {category!r} has right letters {', '.join(right)}, but rotations ask for "
                f"each equally often; is a row missing? Protocol official does not look at this"
            )
