"""English sentences about a world: what it holds, and how its objects stand to each other."""

from __future__ import annotations

from collections import Counter
from random import Random

from relata.synth.layout import shuffled, within
from relata.synth.rules import ABOVE, LEFT, PREDICATES, RIGHT, UNDER
from relata.synth.shapes import SHAPES
from relata.synth.world import World

NUMBERS = ("no", "one", "two", "three", "four", "five")
_HOLDS = ("The picture shows {}.", "There {verb} {} on a light ground.", "You can see {} here.")
_BOTH = ("{}, and {}.", "{}, while {}.", "{}; {}.")


def captions(world: World, rng: Random) -> tuple[str, str]:
    """Two sentences: the first names every object or counts the shapes, the second tells one or two relations.

    A plain object may go without the word `plain` where no striped one of that colour and shape could be meant.
    """
    bare = rng.random() < 0.5
    names = [_name(world, i, bare) for i in range(len(world))]
    things = _counted(world) if rng.random() < 0.5 else [article(names[i]) for i in shuffled(rng, len(world))]
    verb = "is" if things[0].split()[0] in ("a", "an") else "are"
    holds = _HOLDS[within(rng, 0, len(_HOLDS) - 1)].format(series(things), verb=verb)
    return holds, _relations(world, names, rng)


def _relations(world: World, names: list[str], rng: Random) -> str:
    """One relation, or two where the scene has a second that is not the inverse of the first; rarer ones go first."""
    pairs = list(world.relations)
    pairs = [pairs[k] for k in shuffled(rng, len(pairs))]
    pairs.sort(key=lambda pair: world.relations[pair] in (LEFT, RIGHT, ABOVE, UNDER))
    second = next((pair for pair in pairs if set(pair) != set(pairs[0])), None)
    if second is not None and rng.random() < 0.5:
        form = _BOTH[within(rng, 0, len(_BOTH) - 1)]
        sentence = form.format(*(_told(world, names, pair, definite=True) for pair in (pairs[0], second)))
    else:
        sentence = _told(world, names, pairs[0], definite=rng.random() < 0.5) + "."
    return sentence[0].upper() + sentence[1:]


def _told(world: World, names: list[str], pair: tuple[int, int], definite: bool) -> str:
    subject, thing = (f"the {names[i]}" if definite else article(names[i]) for i in pair)
    predicate = PREDICATES[world.relations[pair]]
    return f"{subject} is {'to the ' if predicate in ('left of', 'right of') else ''}{predicate} {thing}"


def _name(world: World, index: int, bare: bool) -> str:
    """The label, without `plain` if `bare` asks for it and no other object has the same colour and shape."""
    twins = sum(world.look(i)[1:] == world.look(index)[1:] for i in range(len(world)))
    return world.label(index).removeprefix("plain ") if bare and twins == 1 else world.label(index)


def _counted(world: World) -> list[str]:
    """`two circles`, `an arrow`: shapes in order of their number, the most frequent first."""
    counts = Counter(SHAPES[shape] for shape in world.shapes)
    return [
        article(shape) if count == 1 else f"{NUMBERS[count]} {plural(shape)}" for shape, count in counts.most_common()
    ]


def article(noun: str) -> str:
    """The noun with `a` or `an`; a vowel letter decides, which is right for every word of this world."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def plural(noun: str) -> str:
    return noun + ("es" if noun.endswith("ss") else "s")


def series(things: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([*([", ".join(things[:-1])] if things[1:] else []), things[-1]])
