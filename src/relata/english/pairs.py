"""Questions with answers about two images or more, made by rules: what they share, what differs, what is in one."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from relata.english import words
from relata.english.seen import Seen, a, seen
from relata.english.summary import alone, common, different, listed, shared, together
from relata.english.talk import Turn
from relata.scene import Scene

Ask = Callable[[list[Seen], random.Random], Turn | None]


def questions(scenes: Sequence[Scene], turns: int, rng: random.Random) -> list[Turn]:
    """Up to `turns` questions of different kinds in random order, no question twice; one at the least."""
    images = [seen(scene) for scene in scenes]
    found: dict[str, Turn] = {}
    for ask in (*rng.sample(_ASKS, len(_ASKS)), *rng.sample(_ASKS, len(_ASKS))):
        turn = ask(images, rng) if len(found) < turns else None
        if turn:
            found.setdefault(turn.question, turn)
    return list(found.values())


def _shared(images: list[Seen], rng: random.Random) -> Turn | None:
    found = [sentence for sentences in common(images, rng).values() for sentence in sentences]
    question = rng.choice(("What do the images have in common?", "Name the things that the images share."))
    nothing = "The images show no kind of thing in common."
    return Turn(question, " ".join(found[:2]) or nothing)


def _only(images: list[Seen], rng: random.Random) -> Turn | None:
    k = rng.randrange(len(images))
    own = alone(images, k)
    others = words.join([f"Image {j + 1}" for j in range(len(images)) if j != k])
    if not own:
        return None
    question = f"What can be seen in Image {k + 1} that is not in {others}?"
    return Turn(question, f"Image {k + 1} shows {listed(own, [images[k]])}, which cannot be seen in {others}.")


def _same(images: list[Seen], rng: random.Random) -> Turn | None:
    """Whether all images show a thing: yes or no equally often where both are possible."""
    both = shared(images)
    some = [(noun, k) for k in range(len(images)) for noun in alone(images, k)]
    if both and (not some or rng.random() < 0.5):
        noun = rng.choice(both)
        return Turn(_do(images, noun), f"Yes, {together(len(images)).lower()} show {a(noun)}.")
    if some:
        noun, k = rng.choice(some)
        return Turn(_do(images, noun), f"No, only Image {k + 1} shows {listed([noun], [images[k]])}.")
    return None


def _do(images: list[Seen], noun: str) -> str:
    return f"Do {together(len(images)).lower()} show {a(noun)}?"


def _axis(axis: str, *asked: str) -> Ask:
    """Asks how the images differ along an axis."""

    def ask(images: list[Seen], rng: random.Random) -> Turn | None:
        found = different(images, rng)[axis]
        return Turn(rng.choice(asked), " ".join(found)) if found else None

    return ask


def _doing(images: list[Seen], rng: random.Random) -> Turn | None:
    """What goes on in one image."""
    busy = [k for k, image in enumerate(images) if image.actions]
    if not busy:
        return None
    k = rng.choice(busy)
    return Turn(f"What is going on in Image {k + 1}?", f"In Image {k + 1}, {words.join(images[k].actions[:2])}.")


def _looks(images: list[Seen], rng: random.Random) -> Turn | None:
    """What a thing in one image looks like."""
    known = [(k, noun) for k, image in enumerate(images) for noun in image.looks]
    if not known:
        return None
    k, noun = rng.choice(known)
    do, it = ("do", "They are") if words.is_plural(noun) else ("does", "It is")
    looks = words.join(sorted(images[k].looks[noun]))
    return Turn(f"What {do} the {noun} in Image {k + 1} look like?", f"{it} {looks}.")


_ASKS: tuple[Ask, ...] = (
    _shared,
    _only,
    _same,
    _doing,
    _looks,
    _axis("attributes", "How do things look different in the images?", "Which things differ in what they look like?"),
    _axis("counts", "Of what are there more in one image than in another?", "How do the numbers of things differ?"),
    _axis("actions", "How does what is going on differ between the images?", "What happens in each of the images?"),
    _axis(
        "locations",
        "Which things are in different places in the images?",
        "What is not in the same place in all the images, and where is it?",
    ),
    _axis("relative positions", "How are things placed with regard to each other in the images?"),
)
