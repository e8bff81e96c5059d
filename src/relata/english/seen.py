"""What is seen in an image, as plain words that can be compared with another image: of regions, or else of captions.

Captions are read by the built-in tagger: what stands before a noun says how many there are and what they look like,
what stands between two nouns says what one does to the other or where it is. It is a reading for rules to write from,
not an understanding of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

from relata.english import words
from relata.english.aspects import is_look
from relata.english.facts import triples
from relata.english.kinds import kind
from relata.english.names import Names, is_group
from relata.english.predicates import phrase
from relata.notation import words as harmless
from relata.nouns.rules import Rules
from relata.nouns.rules import tagger as rules
from relata.scene import Region, Scene

_SPATIAL = words.words(
    "on in at near under behind beside between above below over underneath inside outside against around beneath"
)
_DOES = re.compile(r"Nb?g(?:p?[dajer]*N)?")
_IS_AT = re.compile(r"Nb?p[dajer]*N")
_MEN, _WOMEN = words.words("man boy gentleman groom"), words.words("woman girl lady bride")
_NUMBERS = {words.number(n): n for n in range(2, 13)}


class Seen(NamedTuple):
    """What is known of an image. Nouns are singulars, clauses are as in `a man is holding a bat`."""

    counts: dict[str, int]
    """How many there are of each kind of thing; 0: it is not said."""
    looks: dict[str, frozenset[str]]
    """Adjectives of things of which there is one."""
    actions: tuple[str, ...]
    places: dict[str, str]
    """Where in the image a thing is, of which there is one: `on the left`."""
    positions: tuple[str, ...]
    said: str = ""
    """The words of the captions, with a blank around each."""

    def shows(self, noun: str) -> bool:
        """Whether there is such a thing, as regions or captions tell; `cars` count for `car`, `car` for `cars`."""
        forms = (noun, words.plural(noun))
        if any(form in self.counts or f" {form} " in self.said for form in forms):
            return True
        if noun == "person":
            return any(map(words.is_person, self.counts))
        return any(words.plural(other) == noun for other in self.counts)

    def may_show(self, noun: str) -> bool:
        """Whether there may be such a thing under another name: a `man` may be who is a `person` or `rider` here."""
        opposed = _WOMEN if noun in _MEN else _MEN if noun in _WOMEN else frozenset()
        others = (other for other in self.counts if words.is_person(other) and other not in opposed)
        return self.shows(noun) or (words.is_person(noun) and any(others))


def seen(scene: Scene) -> Seen:
    """What is known of the image of a scene; of its captions where it has no regions.

    What captions speak of is remembered in either case, so that nobody says it were not there.

    Raises:
        MissingExtra: for a scene without regions, if the tagger's dictionary is not installed.
    """
    found = _of_regions(scene) if scene.regions else _of_captions(scene.captions)
    return found._replace(said=words.spaced(scene.captions))


def _of_regions(scene: Scene) -> Seen:
    full = Names(scene).nouns
    scene = scene.replace(regions=tuple(map(_plain, scene.regions)))
    names = Names(scene)
    # of several of a kind it is said which: `a blue arrow is in a red arrow`
    called = [noun if len(names.alike(k)) == 1 else full[k] for k, noun in enumerate(names.nouns)]
    crowds = {k for k, region in enumerate(scene.regions) if is_group(region)}
    alone = {group[0]: names.nouns[group[0]] for group in names.kinds() if len(group) == 1 and group[0] not in crowds}
    looks = {noun: frozenset(a.lower() for a in scene.regions[k].attributes) for k, noun in alone.items()}
    clauses: dict[bool, list[str]] = {True: [], False: []}
    for subject, predicate, thing in triples(scene):
        said = phrase(predicate)
        noun, other = a(called[subject]), a(called[thing])
        plural = words.is_plural(called[subject])
        clause = " ".join(f"{noun} {said.be(plural)}{'' if said.copula else ' '}{said.text(plural)} {other}".split())
        clauses[kind(predicate) in (None, "spatial") and said.copula].append(clause)
    return Seen(
        {names.nouns[group[0]]: 0 if crowds.intersection(group) else len(group) for group in names.kinds()},
        {noun: found for noun, found in looks.items() if found},
        tuple(dict.fromkeys(clauses[False])),
        {noun: names.place(k).removesuffix(" of the image") for k, noun in alone.items() if not words.is_unique(noun)},
        tuple(dict.fromkeys(clauses[True])),
    )


def _plain(region: Region) -> Region:
    """A region whose label is a noun without looks: a `striped red cross` is a cross that is striped and red."""
    *before, noun = harmless(region.label).split() or [""]
    looks = list(takewhile(is_look, (word.lower() for word in before)))
    label = " ".join([*before[len(looks) :], noun])
    known = dict.fromkeys([*looks, *map(harmless, region.attributes)])
    return region.replace(label=label, attributes=tuple(text for text in known if text.lower() != label.lower()))


def _of_captions(captions: tuple[str, ...]) -> Seen:
    counts: dict[str, int] = {}
    looks: dict[str, frozenset[str]] = {}
    actions: list[str] = []
    positions: list[str] = []
    for caption in captions:
        for tokens, letters, nouns in _tagger().sentences(caption):
            for at, noun in nouns.items():
                count, adjectives = _before(tokens, letters, at, noun)
                counts[noun] = max(counts.get(noun, count), count)
                looks[noun] = looks.get(noun, frozenset()) | adjectives
            marked = "".join("N" if at in nouns else letter for at, letter in enumerate(letters))
            actions += _clauses(_DOES, "g", tokens, marked, nouns)
            positions += _clauses(_IS_AT, "p", tokens, marked, nouns)
    return Seen(
        counts,
        {noun: found for noun, found in looks.items() if found},
        tuple(dict.fromkeys(actions)),
        {},
        tuple(dict.fromkeys(positions)),
    )


def _before(tokens: list[str], letters: str, at: int, noun: str) -> tuple[int, frozenset[str]]:
    """How many of a noun there are, and what they look like, by the words before it."""
    start = at
    while start and letters[start - 1] in "aj":
        start -= 1
    adjectives = frozenset(tokens[start:at]) - {"other", "same", "similar", "first", "second"}
    first = tokens[start - 1] if start else ""
    several = tokens[at] != noun
    return _NUMBERS.get(first, int(first) if first.isdigit() and len(first) < 3 else 0 if several else 1), adjectives


def _clauses(
    pattern: re.Pattern[str], letter: str, tokens: list[str], marked: str, nouns: dict[int, str]
) -> Iterator[str]:
    """`a man is holding a bat`, of words that stand like that."""
    for match in pattern.finditer(marked):
        start, end = match.span()
        verb = start + match.group().index(letter)
        if letter == "p" and tokens[verb] not in _SPATIAL:
            continue
        many = tokens[start] != nouns[start] or words.is_plural(nouns[start])
        subject = tokens[start] if many else a(nouns[start])
        rest = tokens[verb:end]
        if end - 1 in nouns and end - 1 > verb:
            looks = " ".join(tokens[at] for at in range(verb, end - 1) if marked[at] in "aje")
            rest = [tokens[at] for at in range(verb, end - 1) if marked[at] in "gp"]
            plural = tokens[end - 1] != nouns[end - 1]
            rest.append(f"{looks} {tokens[end - 1]}".strip() if plural else a(nouns[end - 1], looks))
        yield " ".join([subject, "are" if many else "is", *rest])


def a(noun: str, looks: str = "") -> str:
    """A noun as it is first spoken of, with its adjectives: `a brown dog`, `grass`, `the sky`, `people`."""
    named = f"{looks} {noun}".strip()
    if words.is_unique(noun):
        return f"the {named}"
    return named if words.is_plural(noun) or words.is_mass(noun) else f"{words.article(named)} {named}"


@lru_cache(maxsize=1)
def _tagger() -> Rules:
    return rules("")
