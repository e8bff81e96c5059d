"""`choice`: pick the right one of four, lettered A to D: the predicate, the subject or the object of a relation."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal, TypeVar

from relata.grounded import Mention, Span, plain
from relata.tasks import Facts, Turn, words

T = TypeVar("T")

LETTERS = "ABCD"
Blank = Literal["predicate", "subject", "object"]


def question(
    before: Sequence[str | Span], after: Sequence[str | Span], options: Sequence[str | Mention]
) -> tuple[Span, ...]:
    """`choose before _ after : A .. B .. C .. D .. ?`, with a blank where the right option belongs."""
    lettered = [part for letter, option in zip(LETTERS, options) for part in (letter, option)]
    return words("choose", *before, "_", *after, ":", *lettered, "?")


def ask(facts: Facts, rng: random.Random) -> Turn | None:
    """Which predicate. The three wrong ones are others of the vocabulary."""
    pair = facts.pair(rng)
    if pair is None:
        return None
    true = facts.relations[pair]
    others = [p for p in facts.balance or set(facts.relations.values()) if p != true]
    if len(others) < 3:
        return None
    options = shuffled(true, rng.sample(others, 3), rng)
    subject, object = facts.mention(pair[0]), facts.mention(pair[1])
    return Turn("choose", question([subject], [object], options), words(LETTERS[options.index(true)]))


def ask_subject(facts: Facts, rng: random.Random) -> Turn | None:
    return _ask_end(facts, rng, "subject")


def ask_object(facts: Facts, rng: random.Random) -> Turn | None:
    return _ask_end(facts, rng, "object")


def _ask_end(facts: Facts, rng: random.Random, blank: Literal["subject", "object"]) -> Turn | None:
    """Which region; scenes of five or more, where exactly one of four others is right."""
    pair = facts.pair(rng)
    if pair is None or len(facts.boxes) < 5:
        return None
    true, known = pair if blank == "subject" else (pair[1], pair[0])
    predicate = facts.relations[pair]

    def right(k: int) -> bool:
        return facts.relations.get((k, known) if blank == "subject" else (known, k)) == predicate

    others = [k for k in range(len(facts.boxes)) if k not in (true, known) and not right(k)]
    if len(others) < 3:
        return None
    options = shuffled(true, rng.sample(others, 3), rng)
    mentions = [facts.mention(k) for k in options]
    reference = facts.mention(known)
    before: list[str | Span] = [] if blank == "subject" else [reference, predicate]
    after: list[str | Span] = [predicate, reference] if blank == "subject" else []
    return Turn(f"choose {blank}", question(before, after, mentions), words(LETTERS[options.index(true)]))


def shuffled(true: T, others: Sequence[T], rng: random.Random) -> list[T]:
    options = [true, *others]
    rng.shuffle(options)
    return options


def read(spans: Sequence[Span]) -> str | None:
    """The letter of a reply that is one letter, or None."""
    letter = plain(spans).strip()
    return letter if len(letter) == 1 and letter in LETTERS else None
