"""`locate`: where something with a given name is, a list of boxes; also counting, a number."""

from __future__ import annotations

import random
from collections.abc import Sequence

from relata.grounded import Mention, Span, plain
from relata.scene import Box
from relata.tasks import Facts, Turn, words


def question(phrase: str) -> tuple[Span, ...]:
    return words("where", phrase, "?")


def ask(facts: Facts, rng: random.Random) -> Turn | None:
    label = rng.choice(facts.labels)
    found = [k for k, other in enumerate(facts.labels) if other == label]
    return Turn("where", question(label), (facts.mention(*found),))


def ask_count(facts: Facts, rng: random.Random) -> Turn | None:
    """How many objects there are, in all or with a word in their name."""
    word = rng.choice(["all", *rng.choice(facts.labels).split()])
    count = sum(word == "all" or word in label.split() for label in facts.labels)
    return Turn("count", words("count", word, "?"), words(str(count)))


def read(spans: Sequence[Span]) -> list[Box]:
    """The boxes a reply points at, each once."""
    return list(dict.fromkeys(box for span in spans if isinstance(span, Mention) for box in span.boxes))


def read_count(spans: Sequence[Span]) -> int | None:
    """The number in a reply, or None."""
    digits = plain(spans).strip()
    return int(digits) if digits.isdecimal() else None
