"""`relation`: how the subject stands to the object (a predicate), whether it stands so (yes or no), what stands so."""

from __future__ import annotations

import random
from collections.abc import Sequence

from relata.grounded import Mention, Predicate, Span, plain
from relata.tasks import Facts, Turn, words


def question(subject: Mention, object: Mention) -> tuple[Span, ...]:
    return words("relation", subject, object, "?")


def ask(facts: Facts, rng: random.Random) -> Turn | None:
    pair = facts.pair(rng)
    if pair is None:
        return None
    subject, object = pair
    return Turn("relation", question(facts.mention(subject), facts.mention(object)), words(facts.relations[pair]))


def holds(subject: Mention, predicate: str, object: Mention) -> tuple[Span, ...]:
    """The question whether a predicate holds, answered yes or no."""
    return words("is", Predicate(predicate, subject.boxes, object.boxes, subject.image), "?")


def ask_holds(facts: Facts, rng: random.Random) -> Turn | None:
    """Yes or no, equally often. A false one has another predicate, or swaps subject and object where that is false."""
    pair = facts.pair(rng)
    if pair is None:
        return None
    true = facts.relations[pair]
    subject, object = facts.mention(pair[0]), facts.mention(pair[1])
    if rng.random() < 0.5:
        return Turn("is", holds(subject, true, object), words("yes"))
    swapped = facts.relations.get((pair[1], pair[0]))
    if swapped not in (None, true) and rng.random() < 0.4:
        return Turn("is", holds(object, true, subject), words("no"))
    false = rng.choice([p for p in facts.balance or set(facts.relations.values()) if p != true] or [""])
    return Turn("is", holds(subject, false, object), words("no")) if false else None


def ask_which(facts: Facts, rng: random.Random) -> Turn | None:
    """All regions that stand in a relation to one, or `none`."""
    pair = facts.pair(rng)
    if pair is None:
        return None
    object = pair[1]
    predicate = facts.relations[pair]
    if rng.random() < 0.15:
        predicate = rng.choice(list(facts.balance or set(facts.relations.values())))
    found = [s for s in range(len(facts.boxes)) if facts.relations.get((s, object)) == predicate]
    answer = words(facts.mention(*found) if found else "none")
    return Turn("which", words("which", predicate, facts.mention(object), "?"), answer)


def read(spans: Sequence[Span]) -> str:
    """The predicate in a reply."""
    return " ".join(plain(spans).split())


def read_holds(spans: Sequence[Span]) -> bool | None:
    """True for yes, False for no, None for anything else."""
    return {"yes": True, "no": False}.get(read(spans).lower())
