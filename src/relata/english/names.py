"""How a region is named: `a dog` at first and `the dog` later, `the person on the left`, `two of the five cups`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from relata.english import words
from relata.notation import cite
from relata.notation import words as harmless
from relata.scene import Box, Region, Scene

_SIZES = words.words("big huge large little long narrow short small tall thick thin tiny wide young old")
_COLOURS = words.words(
    """
    red orange yellow green blue purple violet pink brown black white grey gray beige tan gold golden silver maroon teal
    turquoise navy cream dark light blond blonde
    """
)
_NO_ADJECTIVES = words.words("on in off out up down part back front side left right top bottom here there")
#: Share of the image's side by which two regions differ visibly.
_APART = 0.05


class Noun(NamedTuple):
    """A noun phrase in the notation, and whether it takes `are`."""

    text: str
    plural: bool

    @property
    def be(self) -> str:
        return "are" if self.plural else "is"


def place(box: Box, width: float, height: float) -> str:
    """Where a box is in its image, from the viewer's side: `in the upper left`, `on the right`, `in the middle`."""
    column = _third((box.x1 + box.x2) / width / 2, box.width / width)
    row = _third((box.y1 + box.y2) / height / 2, box.height / height)
    if row == 1:
        return ("on the left", "in the middle", "on the right")[column]
    if column == 1:
        return "at the top" if row == 0 else "at the bottom"
    return f"in the {'upper' if row == 0 else 'lower'} {'left' if column == 0 else 'right'}"


def _third(centre: float, share: float) -> int:
    return 1 if share > 0.6 else min(int(centre * 3), 2)


class Names:
    """Names the regions of one scene through one text and remembers which came up; regions by position, from 0."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.nouns = [words.clean(harmless(region.label)) or "object" for region in scene.regions]
        self.seen: set[int] = set()
        self._alike: dict[str, list[int]] = {}
        for index, noun in enumerate(self.nouns):
            self._alike.setdefault(noun, []).append(index)
        self._marks: dict[int, tuple[str, str]] = {}

    def alike(self, index: int) -> list[int]:
        """All regions of the same label."""
        return self._alike[self.nouns[index]]

    def kinds(self) -> list[list[int]]:
        """The regions by label, in the order of the scene."""
        return list(self._alike.values())

    def place(self, index: int) -> str:
        """Where a region is: `in the upper left of the image`."""
        return f"{place(self.scene.regions[index].box, self.scene.width, self.scene.height)} of the image"

    def spread(self, group: Sequence[int]) -> str:
        """Where each of several regions is: `two are on the left and one is at the top`."""
        places = Counter(self.place(index).removesuffix(" of the image") for index in group)
        if len(places) == 1:
            return f"{'both' if len(group) == 2 else 'all'} are {next(iter(places))}"
        return words.join([f"{words.number(n)} {'is' if n == 1 else 'are'} {place}" for place, n in places.items()])

    def known(self, regions: Sequence[int]) -> Noun:
        """Names regions that the reader can see or was told of: `the dog`."""
        self.seen.update(regions)
        return self.say(regions)

    def say(self, regions: Sequence[int], subject: bool = False, bare: bool = False) -> Noun:
        """Names regions, as new ones if they have not come up.

        Args:
            subject: it begins a clause, where `some grass` is better than `grass`.
            bare: several are named without their number, for `wearing hats`.
        """
        by_noun: dict[str, list[int]] = {}
        for index in regions:
            by_noun.setdefault(self.nouns[index], []).append(index)
        parts = [self._part(group, subject, bare) for group in by_noun.values()]
        self.seen.update(regions)
        return parts[0] if len(parts) == 1 else Noun(words.join([part.text for part in parts]), True)

    def _part(self, group: list[int], subject: bool, bare: bool) -> Noun:
        new = self.seen.isdisjoint(group)
        if len(group) > 1 or is_group(self.scene.regions[group[0]]):
            return self._several(group, new, subject, bare)
        return self._only(group[0], new, subject) if len(self.alike(group[0])) == 1 else self._marked(group[0], new)

    def _several(self, group: list[int], new: bool, subject: bool, bare: bool) -> Noun:
        noun, total = self.nouns[group[0]], len(self.alike(group[0]))
        numbers = [index + 1 for index in group]
        if words.is_mass(noun) or words.is_unique(noun):
            known = "the " if words.is_unique(noun) or not new else "some " if subject else ""
            return Noun(f"{known}{cite(noun, numbers)}", False)
        text = cite(words.plural(noun), numbers)
        if words.is_plural(noun):
            text = f"{'pairs' if words.is_pair(noun) else 'groups'} of {text}"
        if bare and new:
            return Noun(text, True)
        crowds = [index for index in self.alike(group[0]) if is_group(self.scene.regions[index])]
        count = "many" if set(crowds) & set(group) else words.number(len(group))
        if len(group) < total:
            return Noun(f"{count} of the {'' if crowds else f'{words.number(total)} '}{text}", True)
        counted = text if bare else f"{count} {text}"
        return Noun(counted if new else f"the {counted}", True)

    def _only(self, index: int, new: bool, subject: bool) -> Noun:
        """The one region of its label."""
        noun = self.nouns[index]
        many = words.is_plural(noun)
        cited = cite(noun, [index + 1])
        if not new or words.is_unique(noun):
            return Noun(f"the {cited}", many)
        looks = adjectives(self.scene.regions[index], noun)
        if words.is_pair(noun):
            return Noun(f"a pair of {looks}{cited}", False)
        if many or words.is_mass(noun):
            return Noun(f"some {looks}{cited}" if subject or many else f"{looks}{cited}", many)
        return Noun(f"{words.article(looks + noun)} {looks}{cited}", False)

    def _marked(self, index: int, new: bool) -> Noun:
        """One of several regions of a label, told apart by where it is."""
        noun = self.nouns[index]
        if index not in self._marks:
            self._marks.update(_marks(self.scene, self.alike(index), noun))
        before, after = self._marks[index]
        looks = adjectives(self.scene.regions[index], noun) if new else ""
        single = not (words.is_plural(noun) or words.is_mass(noun))
        start = "the"
        if new and after.startswith((" on", " in the")):
            start = words.article(looks + noun) if single else "some"
        return Noun(f"{start} {before}{looks}{cite(noun, [index + 1])}{after}", words.is_plural(noun))


def is_group(region: Region) -> bool:
    """Whether a region is a box around many things, as COCO's `iscrowd`; how many is not known."""
    return (region.description or "").startswith("a group: ")


def adjectives(region: Region, noun: str) -> str:
    """A region's attributes as adjectives, each with a blank behind: `small red `; at most one beside the colour."""
    known = set(noun.split())
    usable = [word for word in (harmless(a).lower() for a in region.attributes) if _usable(word) and word not in known]
    colours = [word for word in usable if word in _COLOURS][:2]
    others = sorted((word for word in usable if word not in _COLOURS), key=lambda word: word not in _SIZES)[:1]
    parts = others + ([" and ".join(colours)] if colours else [])
    return "".join(f"{part} " for part in parts)


def _usable(word: str) -> bool:
    return word.replace("-", "").isalpha() and not word.endswith("ing") and word not in _NO_ADJECTIVES


def _marks(scene: Scene, group: Sequence[int], noun: str) -> dict[int, tuple[str, str]]:
    """What is said before and after the noun to tell each region of one label from the others."""
    boxes = [scene.regions[index].box for index in group]
    behind = words.is_person(noun) or words.is_plural(noun) or words.is_mass(noun)
    across = _ranked(group, [(box.x1 + box.x2) / 2 for box in boxes], _APART * scene.width)
    if across and len(group) <= 3:
        return _sides(scene, across, behind)
    down = _ranked(group, [(box.y1 + box.y2) / 2 for box in boxes], _APART * scene.height)
    if down and len(group) == 2:
        ends = [("", " at the top"), ("", " at the bottom")] if behind else [("upper ", ""), ("lower ", "")]
        return dict(zip(down, ends))
    return _counted(sorted(group, key=lambda i: _centre(scene.regions[i].box)))


def _sides(scene: Scene, across: Sequence[int], behind: bool) -> dict[int, tuple[str, str]]:
    """`the cup on the left` where that is true of the image too, else `the left cup` and `the person further left`."""
    sides = ("left", "right") if len(across) == 2 else ("left", "middle", "right")
    thirds = {"left": 0, "middle": 1, "right": 2}
    if all(_third(_centre(scene.regions[i].box)[0] / 2 / scene.width, 0) == thirds[s] for i, s in zip(across, sides)):
        return {i: ("", f" {'in' if side == 'middle' else 'on'} the {side}") for i, side in zip(across, sides)}
    if behind:
        return {i: ("", " in between" if side == "middle" else f" further {side}") for i, side in zip(across, sides)}
    return {i: (f"{side} ", "") for i, side in zip(across, sides)}


def _ranked(group: Sequence[int], values: Sequence[float], gap: float) -> list[int]:
    """The group in order of the values, or nothing if two neighbours are closer than the gap."""
    ranked = sorted(zip(values, group))
    far = all(second[0] - first[0] >= gap for first, second in pairwise(ranked))
    return [index for _, index in ranked] if far else []


def _centre(box: Box) -> tuple[float, float]:
    return box.x1 + box.x2, box.y1 + box.y2


def _counted(ranked: Sequence[int]) -> dict[int, tuple[str, str]]:
    """`leftmost`, `second ... from the left`, ..., `second ... from the right`, `rightmost`."""
    total = len(ranked)
    marks: dict[int, tuple[str, str]] = {}
    for at, index in enumerate(ranked):
        left, side = (at, "left") if at < total / 2 else (total - 1 - at, "right")
        marks[index] = (f"{side}most ", "") if left == 0 else (f"{words.ordinal(left + 1)} ", f" from the {side}")
    return marks
