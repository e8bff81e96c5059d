"""What two images have in common, how they differ and what moved over several, in sentences made by rules.

Every thing that is spoken of is cited, by numbers that run through all images (see `relata.across`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice

from relata import across
from relata.english import words
from relata.english.aspects import Aspect, aspects
from relata.english.facts import Fact, triples
from relata.english.names import Names
from relata.english.sentences import clause
from relata.scene import Box, Group, Region

#: Kinds of things that a description takes up, of those in common and of those in one image only.
_KINDS = 6
_FACTS = 2
#: A thing has moved when its centre has, by this share of the image's side; it has grown when its height has, by this.
_MOVED = 0.05
_GROWN = 1.25
#: Verbs of change that take `has`; others take `has been`.
_ACTIVE = words.words("moved grown shrunk")
_COMMON = (
    "Both images show {both}: {first}, and {second}.",
    "There {be} {both} in both images: {first}, and {second}.",
    "They have {both} in common: {first}, and {second}.",
)


class Side:
    """One image of a group: names its things by numbers that run through the group."""

    def __init__(self, group: Group, image: int) -> None:
        self.scene = group.scenes[image]
        self.names = Names(self.scene)
        self._by = across.before(group.scenes, image)

    @property
    def kinds(self) -> dict[str, list[int]]:
        """Positions of the regions by noun."""
        return {self.names.nouns[kind[0]]: kind for kind in self.names.kinds()}

    def cite(self, text: str) -> str:
        return across.shift(text, self._by)

    def say(self, regions: Sequence[int], image: str = "") -> str:
        """`a brown [dog](3) in the lower left of the first image`, `two [dogs](3, 4) in the first image`."""
        noun = self.cite(self.names.say(regions).text)
        # a thing that fills its image has no place, and one of several of its label has been told apart by its place
        filling = self.scene.regions[regions[0]].box.area > 0.5 * self.scene.width * self.scene.height
        if len(regions) > 1 or filling or noun.endswith(tuple("abcdefghijklmnopqrstuvwxyz")):
            return f"{noun} in {image}" if image else noun
        place = self.names.place(regions[0])
        return f"{noun} {place.replace('the image', image) if image else place.removesuffix(' of the image')}"

    def known(self, region: int) -> str:
        """`the [dog](3)`."""
        return self.cite(self.names.known((region,)).text)

    def clause(self, fact: Fact) -> str:
        return self.cite(clause(self.names, fact))


def sides(group: Group) -> tuple[Side, Side]:
    """The first two images."""
    return Side(group, 0), Side(group, 1)


def alike(group: Group, rng: random.Random) -> str:
    """What the first two images have in common: kinds of things, what these look like, and relations."""
    first, second = sides(group)
    chosen = group.provenance.get("label", "")
    common = sorted((noun for noun in first.kinds if noun in second.kinds), key=lambda noun: noun != chosen)
    told = []
    for noun, pattern in zip(common[:_KINDS], _cycle(_COMMON, rng)):
        groups = first.kinds[noun], second.kinds[noun]
        counted = not (words.is_mass(noun) or words.is_plural(noun) or words.is_unique(noun))
        one = all(len(kind) == 1 for kind in groups)
        both = f"{words.article(noun)} {noun}" if counted and one else words.plural(noun) if counted else noun
        be = "is" if (both == noun and not words.is_plural(noun)) or (counted and one) else "are"
        said = first.say(groups[0], "the first image"), second.say(groups[1], "the second")
        told.append(pattern.format(both=both, be=be, first=said[0], second=said[1]))
        if one:
            shared, _ = compared(first.scene.regions[groups[0][0]], second.scene.regions[groups[1][0]])
            if shared:
                told.append(f"Each of them {verbs([aspect for aspect, _ in shared])}.")
    return " ".join([*told, *_same_relations(first, second), *_same_labels(group, common)])


def _same_relations(first: Side, second: Side) -> list[str]:
    """Relations that hold between the same kinds of things in both images."""

    def said(side: Side) -> dict[tuple[str, str, str], Fact]:
        nouns = side.names.nouns
        return {(nouns[s], p, nouns[o]): Fact((s,), p, (o,)) for s, p, o in triples(side.scene)}

    own, other = said(first), said(second)
    both = islice(((own[key], other[key]) for key in own if key in other), _FACTS)
    return [f"In the first image {first.clause(a)}; in the second, too, {second.clause(b)}." for a, b in both]


def _same_labels(group: Group, told: Sequence[str]) -> list[str]:
    """Labels of the whole image."""
    first, second = (tuple(words.clean(label) for label in scene.labels) for scene in group.scenes[:2])
    shared = [label for label in dict.fromkeys(first) if label in second and label not in told]
    return [f"What both images show is {words.join([_a(label) for label in shared])}."] if shared else []


def apart(group: Group, rng: random.Random) -> str:
    """How the second image differs from the first: things that changed, and things that only one of them shows.

    Where the group's links say which thing is which, these are followed; otherwise things are taken for each other
    that are the only ones of their kind.
    """
    first, second = sides(group)
    linked = {link.first[1]: link for link in group.links}
    told = [_changed(first, second, linked[region.id].second[1], k, linked[region.id].transform)
            for k, region in enumerate(first.scene.regions) if region.id in linked]  # fmt: skip
    if group.links:
        gone = [[k] for k, region in enumerate(first.scene.regions) if region.id not in linked]
        matched = {link.second[1] for link in group.links}
        new = [[k] for k, region in enumerate(second.scene.regions) if region.id not in matched]
    else:
        both = [noun for noun in first.kinds if noun in second.kinds]
        told += [_looks(first, second, first.kinds[noun], second.kinds[noun]) for noun in both]
        gone = [kind for noun, kind in first.kinds.items() if noun not in both]
        new = [kind for noun, kind in second.kinds.items() if noun not in both]
    told += [_only(side, kinds, image) for side, kinds, image in ((first, gone, "first"), (second, new, "second"))]
    told += _other_labels(group)
    return " ".join(filter(None, told))


def _changed(first: Side, second: Side, after: int, before: int, transform: str | None) -> str:
    """What happened to one thing; nothing is said of what stayed as it was."""
    to = next(k for k, region in enumerate(second.scene.regions) if region.id == after)
    if transform is None:
        return _looks(first, second, [before], [to])
    verb = "has" if transform.split()[0] in _ACTIVE else "has been"
    now = second.known(to)
    where = f"{now}, {second.names.place(to).removesuffix(' of the image')} of the second image"
    return words.sentence(f"{first.known(before)} in the first image {verb} {transform}: it is now {where}")


def _looks(first: Side, second: Side, one: Sequence[int], other: Sequence[int]) -> str:
    """How two things of a kind differ in what is said of them, and kinds in their number."""
    if len(one) != len(other):
        return f"The first image has {first.say(one)}, the second {second.say(other)}."
    if len(one) > 1:
        return ""
    _, differ = compared(first.scene.regions[one[0]], second.scene.regions[other[0]])
    if not differ:
        return ""
    told = first.known(one[0]), second.known(other[0])
    return (
        f"In the first image {told[0]} {verbs([a for a, _ in differ])}, "
        f"while in the second {told[1]} {verbs([b for _, b in differ])}."
    )


def _only(side: Side, kinds: Sequence[Sequence[int]], image: str) -> str:
    """What only one image shows."""
    said = [side.say(kind) for kind in kinds]
    return f"Only the {image} image shows {words.join(said)}." if said else ""


def _other_labels(group: Group) -> list[str]:
    first, second = (tuple(words.clean(label) for label in scene.labels) for scene in group.scenes[:2])
    if not (first and second) or set(first) == set(second):
        return []
    told = [words.join([_a(label) for label in labels]) for labels in (first, second)]
    return [f"The first image shows {told[0]}, the second {told[1]}."]


def compared(one: Region, other: Region) -> tuple[list[tuple[Aspect, Aspect]], list[tuple[Aspect, Aspect]]]:
    """The aspects that both regions speak of: those in which they agree, and those in which they differ."""
    left, right = aspects(one), aspects(other)
    both = [(left[name], right[name]) for name in left if name in right]
    return [pair for pair in both if pair[0].value == pair[1].value], [
        pair for pair in both if pair[0].value != pair[1].value
    ]


def verbs(found: Sequence[Aspect]) -> str:
    """`is male and brown, and has no hat`."""
    parts = {
        lead: [one.said.removeprefix(lead) for one in found if one.said.startswith(lead)] for lead in ("is ", "has ")
    }
    return ", and ".join(f"{lead}{words.join(said)}" for lead, said in parts.items() if said)


def moved(group: Group) -> str:
    """What individuals do over the images of a group in order of time: how they move, come and go."""
    last = len(group.scenes) - 1
    start, end = Side(group, 0), Side(group, last)
    at = {region.identity: k for k, region in enumerate(end.scene.regions) if region.identity is not None}
    told = []
    for k, region in enumerate(start.scene.regions):
        if region.identity is None:
            continue
        if region.identity not in at:
            told.append(f"{start.known(k)} of the first frame is no longer there in the last")
            continue
        ways = motion(region.box, end.scene.regions[at[region.identity]].box, start.scene.width, start.scene.height)
        now = end.cite(f"[]({at[region.identity] + 1})")
        told.append(
            f"{start.known(k)} {words.join(ways) if ways else 'stays where it is'}, up to {now} in the last frame"
        )
    return " ".join(map(words.sentence, told))


def motion(before: Box, after: Box, width: float, height: float) -> list[str]:
    """How a thing moves between two boxes of one frame size, in pixels: `moves to the left`, `gets larger`."""
    x = (after.x1 + after.x2 - before.x1 - before.x2) / 2 / width
    y = (after.y1 + after.y2 - before.y1 - before.y2) / 2 / height
    ways = [f"to the {'left' if x < 0 else 'right'}"] if abs(x) >= _MOVED else []
    ways += [f"{'up' if y < 0 else 'down'}"] if abs(y) >= _MOVED else []
    told = [f"moves {words.join(ways)}"] if ways else []
    growth = after.height / before.height
    return told + (["gets larger"] if growth >= _GROWN else ["gets smaller"] if growth <= 1 / _GROWN else [])


def _a(noun: str) -> str:
    return noun if words.is_mass(noun) or words.is_plural(noun) else f"{words.article(noun)} {noun}"


def _cycle(patterns: Sequence[str], rng: random.Random) -> list[str]:
    return rng.sample(patterns, len(patterns)) * (_KINDS // len(patterns) + 1)
