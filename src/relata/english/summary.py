"""Summaries of what images have in common and how they differ, along CaD-VI's six axes, made by rules (section 3.1).

    Commonalities:
    1. Object types: Both images show a dog and a tree.
    Differences:
    1. Counts: There are two dogs in Image 1 and one in Image 2.

An axis of which nothing is known is left out. Two images or more.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Literal

from relata.english import words
from relata.english.aspects import aspect
from relata.english.seen import Seen, a, seen
from relata.scene import Scene

Axis = Literal["object types", "attributes", "counts", "actions", "locations", "relative positions"]
AXES: tuple[Axis, ...] = ("object types", "attributes", "counts", "actions", "locations", "relative positions")

#: Things in one list, and sentences or clauses of one axis.
_ITEMS = 6
_SENTENCES = 3
#: Axes with a sentence for every image, none of which is left out.
_LONG = ("object types", "actions", "relative positions")


def summary(scenes: Sequence[Scene], rng: random.Random, axes: Iterable[str] = AXES) -> str:
    """The summary as text.

    Args:
        axes: those that are wanted.
    """
    images = [seen(scene) for scene in scenes]
    wanted = [axis for axis in AXES if axis in set(axes)]
    parts = []
    for heading, told, nothing in (
        ("Commonalities", common(images, rng), "The images have nothing of note in common."),
        ("Differences", different(images, rng), "The images do not differ in what is known of them."),
    ):
        lines = [f"{axis.capitalize()}: {' '.join(told[axis])}" for axis in wanted if told.get(axis)]
        listed = "\n".join(f"{n}. {line}" for n, line in enumerate(lines, 1)) or nothing
        parts.append(f"{heading}:\n{listed}")
    return "\n\n".join(parts)


def common(images: Sequence[Seen], rng: random.Random) -> dict[str, list[str]]:
    """What all images have in common: sentences by axis."""
    both = together(len(images))
    nouns = shared(images)
    told: dict[str, list[str]] = {axis: [] for axis in AXES}
    if nouns:
        things = listed(nouns, images)
        told["object types"] = [rng.choice((f"{both} show {things}.", f"{both} contain {things}."))]
    for noun in nouns:
        looks = frozenset.intersection(*(image.looks.get(noun, frozenset()) for image in images))
        counts = {image.counts.get(noun, 0) for image in images}
        places = {image.places.get(noun, "") for image in images}
        the, be = _the(noun)
        if looks:
            told["attributes"].append(f"{the} {be} {words.join(sorted(looks))} in {_lower(both)}.")
        if len(counts) == 1 and min(counts) > 1 and _counted(noun):
            told["counts"].append(f"There are {words.number(min(counts))} {words.plural(noun)} in each image.")
        if len(places) == 1 and "" not in places:
            told["locations"].append(f"{the} {be} {places.pop()} in {_lower(both)}.")
    for axis, clauses in _clauses(images).items():
        same = [clause for clause in clauses[0] if all(clause in other for other in clauses)]
        told[axis] = [f"In {_lower(both)}, {clause}." for clause in same]
    return {axis: sentences[:_SENTENCES] for axis, sentences in told.items()}


def different(images: Sequence[Seen], rng: random.Random) -> dict[str, list[str]]:
    """How the images differ: sentences by axis."""
    told: dict[str, list[str]] = {axis: [] for axis in AXES}
    for k in range(len(images)):
        own = alone(images, k)
        if own:
            pattern = rng.choice(("Only Image {n} shows {things}.", "Image {n} has {things}, {others}."))
            others = "which the other does not" if len(images) == 2 else "which no other image has"
            told["object types"].append(pattern.format(n=k + 1, things=listed(own, [images[k]]), others=others))
    told["object types"] += _some(images)
    for noun in shared(images):
        looks = [image.looks.get(noun, frozenset()) for image in images]
        counts = [image.counts.get(noun, 0) for image in images]
        places = [image.places.get(noun, "") for image in images]
        the, be = _the(noun)
        said = _apart(looks)
        if said:
            told["attributes"].append(f"{the} {be} {_each(said)}.")
        if all(counts) and len(set(counts)) > 1 and _counted(noun):
            said = [f"{words.number(n)} {noun if n == 1 else words.plural(noun)}" for n in counts]
            told["counts"].append(words.sentence(f"there {'is' if counts[0] == 1 else 'are'} {_each(said)}"))
        if all(places) and len(set(places)) > 1:
            told["locations"].append(f"{the} {be} {_each(places)}.")
    for axis, clauses in _clauses(images).items():
        for k in range(len(images)):
            clause = _own(clauses, k)
            contrast = told[axis] and rng.random() < 0.5  # with what an image before it shows
            opener = f"by contrast, in Image {k + 1} " if contrast else f"in Image {k + 1}, "
            told[axis] += [words.sentence(opener + clause)] if clause else []
    return {axis: s if axis in _LONG else s[:_SENTENCES] for axis, s in told.items()}


def together(count: int) -> str:
    """`Both images`, `All three images`."""
    return "Both images" if count == 2 else f"All {words.number(count)} images"


def shared(images: Sequence[Seen]) -> list[str]:
    """The kinds of things that are in every image, one name each: no `cars` beside `car`, no `person` beside `man`."""
    nouns = dict.fromkeys(noun for image in images for noun in image.counts)
    found = [noun for noun in nouns if all(image.shows(noun) for image in images)]
    twice = {words.plural(noun) for noun in found if not words.is_plural(noun)}
    if sum(map(words.is_person, found)) > 1:
        twice |= {"person", "people"}
    return [noun for noun in found if noun not in twice]


def alone(images: Sequence[Seen], k: int) -> list[str]:
    """The kinds of things that are in one image only."""
    others = [image for j, image in enumerate(images) if j != k]
    return [noun for noun in images[k].counts if not any(image.may_show(noun) for image in others)]


def listed(nouns: Sequence[str], images: Sequence[Seen]) -> str:
    """The first few: `a dog, trees and the sky`; in the plural what none of the images that show them has one of."""
    several = [_counted(noun) and all(image.counts.get(noun, 1) != 1 for image in images) for noun in nouns]
    return words.join([words.plural(noun) if many else a(noun) for noun, many in zip(nouns[:_ITEMS], several)])


def _some(images: Sequence[Seen]) -> list[str]:
    """What is in several images, but not in all: of three images or more."""
    found: dict[tuple[int, ...], list[str]] = {}
    for noun in dict.fromkeys(noun for image in images for noun in image.counts):
        where = tuple(k for k, image in enumerate(images) if image.shows(noun))
        if 1 < len(where) < len(images):
            found.setdefault(where, []).append(noun)
    names = {where: words.join([f"Image {k + 1}" for k in where]) for where in found}
    told = {where: listed(nouns, [images[k] for k in where]) for where, nouns in found.items()}
    return [f"{names[where]} have {told[where]} in common." for where in found]


def _apart(looks: Sequence[frozenset[str]]) -> list[str]:
    """What a thing looks like in each image, as far as it differs: its colour if that is told of all; else nothing."""
    known = [{aspect(look).name: look for look in sorted(some)} for some in looks]
    values = [{name: aspect(look).value for name, look in some.items()} for some in known]
    names = [n for n in known[0] if all(n in some for some in known) and len({some[n] for some in values}) > 1]
    return [words.join(sorted(some[name] for name in names)) for some in known] if names else []


def _clauses(images: Sequence[Seen]) -> dict[str, list[tuple[str, ...]]]:
    return {"actions": [i.actions for i in images], "relative positions": [i.positions for i in images]}


def _own(clauses: Sequence[tuple[str, ...]], k: int) -> str:
    """What is so in one image only; empty if nothing is."""
    others = {clause for j, some in enumerate(clauses) if j != k for clause in some}
    own = [clause for clause in clauses[k] if clause not in others][:_SENTENCES]
    return words.join(own) if own else ""


def _each(said: Sequence[str]) -> str:
    """`red in Image 1, but white in Image 2`; images of which the same is said stand together."""
    where: dict[str, list[str]] = {}
    for k, text in enumerate(said, 1):
        where.setdefault(text, []).append(f"Image {k}")
    parts = [f"{text} in {words.join(images)}" for text, images in where.items()]
    return f"{', '.join(parts[:-1])}, but {parts[-1]}"


def _the(noun: str) -> tuple[str, str]:
    return f"The {noun}", "are" if words.is_plural(noun) else "is"


def _counted(noun: str) -> bool:
    return not (words.is_mass(noun) or words.is_unique(noun) or words.is_plural(noun))


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
