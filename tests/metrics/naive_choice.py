"""Three published ways to score CRPE's rows, written out as plain loops from their description."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

OPTIONS = ("on", "on top of", "riding", "a dog")


class Row(NamedTuple):
    category: str
    answer: str
    options: tuple[str, ...]
    reply: str


def mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def official(rows: Sequence[Row]) -> dict[str, float]:
    """Accuracy by category: one character, four consecutive rows of a category count together."""
    right = defaultdict(list)
    for row in rows:
        right[row.category].append(len(row.reply) == 1 and row.reply == row.answer)
    return {name: mean([all(marks[i : i + 4]) for i in range(0, len(marks), 4)]) for name, marks in right.items()}


def vlmevalkit(rows: Sequence[Row]) -> float:
    """All rows pooled: a lone character or a leading A to D is compared, else the right option's text is looked for."""
    marks = []
    for row in rows:
        if len(row.reply) == 1 or row.reply[:1] in ("A", "B", "C", "D"):
            marks.append(row.reply[0] == row.answer)
        else:
            text = row.options["ABCD".index(row.answer)]
            marks.append(text.lower() in row.reply.lower())
    return mean(marks)


def replies(options: Sequence[str], letter: str) -> list[str]:
    """What models say: letters in many wrappings, texts, refusals, other languages, JSON, nothing."""
    text = options["ABCD".index(letter)]
    return [
        *(
            letter,
            letter.lower(),
            f"{letter}.",
            f"({letter})",
            f" {letter}",
            f"{letter}\n",
            f"**{letter}**",
            f"Answer: {letter}",
        ),
        *(
            f"{letter}. {text}",
            text,
            text.upper(),
            f"The answer is {letter}.",
            f"the man is {text} the horse",
            f"{text}.",
        ),
        *(
            f'{{"answer": "{letter}"}}',
            f"答案是{letter}",
            f"选{letter}。",
            "我不知道",
            f"Option {letter} is correct",
            "E",
            "?",
        ),
        *(
            "",
            " ",
            "I'm sorry, but I cannot help with that.",
            "A dog",
            "B or C",
            "ABCD",
            "None of the above",
            "Both",
            "图中没有",
        ),
    ]


def rows(seed: int, groups: int = 80) -> list[Row]:
    """Four rotations of each question in order, answered at random; about half of the questions by the right letter."""
    rng = random.Random(seed)
    made = []
    for _ in range(groups):
        category, knows = rng.choice(("exist", "subject", "predicate", "object")), rng.random() < 0.5
        first = rng.sample(OPTIONS, 4)
        for turn in range(4):
            options = tuple(first[turn:] + first[:turn])
            answer = "ABCD"[options.index(first[0])]
            said = rng.choice(replies(options, rng.choice("ABCD")))
            made.append(Row(category, answer, options, answer if knows else said))
    return made
