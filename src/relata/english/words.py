"""Nouns, articles, numbers and lists in English: small, deterministic, and right for the labels that data sets use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache


def _list(text: str) -> list[str]:
    return text.split()


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    listed = text.split()
    return dict(zip(listed[::2], listed[1::2]))


_NUMBERS = _list("zero one two three four five six seven eight nine ten eleven twelve")
_ORDINALS = _list("zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")

_IRREGULAR = _pairs(
    """
    person people man men woman women child children foot feet tooth teeth goose geese mouse mice ox oxen die dice
    knife knives leaf leaves loaf loaves shelf shelves wolf wolves calf calves half halves life lives wife wives
    scarf scarves hoof hooves thief thieves potato potatoes tomato tomatoes hero heroes mango mangoes stomach stomachs
    cactus cacti bus buses passerby passersby
    """
)
#: Irregular words that also end compounds: bookshelf, goldfish.
_COMPOUNDS = ("shelf", "knife", "leaf", "child", "fish", "tooth", "goose", "scarf", "wife", "craft")
#: The same form for one and for many.
_UNCHANGED = words("sheep deer fish moose bison shrimp salmon craft series species swine")
#: Never counted: no `a`, no plural.
_MASS = words(
    """
    air asphalt bacon bamboo beef beer bread brick broccoli butter cabbage cardboard celery cereal chalk cheese
    chicken chocolate cilantro clothing coffee concrete copper corn cream cutlery debris dirt dust equipment fabric fire
    flour foam fog foliage food footwear frosting fur furniture garbage garlic glassware graffiti grass gravel
    greenery hair hay honey ice icing ivy jam jewelry juice ketchup leather lettering lettuce litter livestock luggage
    lumber machinery makeup mayonnaise meat metal milk mist moss mud mustard oatmeal paint paper parsley pasta plastic
    popcorn pork rain rice rubbish salad salt sand sauce scenery seaweed shrubbery silverware skin smoke
    snow soda soil soup spinach steam straw sugar sunlight surf syrup tableware tape tea text toast traffic trash
    underwear vegetation water wildlife wine wiring wood writing yogurt
    """
)
#: There is only one, so it is `the` from the start.
_UNIQUE = words("sky ground floor ceiling sun moon sea ocean horizon background foreground")
#: One thing whose name is a plural; two of them are two pairs.
_PAIRS = words(
    """
    scissors pants trousers jeans shorts tights leggings pajamas glasses sunglasses eyeglasses goggles binoculars skis
    headphones earphones tongs pliers tweezers overalls khakis slacks
    """
)
#: End in s, and are one thing.
_SINGULAR_S = words("bus gas lens canvas iris atlas chassis news series species christmas minibus trellis")
_PLURAL = words("people cattle police") | frozenset(_IRREGULAR.values())
_PLURAL_ENDS = ("men", "children", *(_IRREGULAR[end] for end in _COMPOUNDS if end in _IRREGULAR))
_NO_PLURALS = words("specimen abdomen ramen omen regimen stamen")
_PERSONS = words(
    """
    person man woman boy girl child kid baby toddler lady guy gentleman adult teenager player batter catcher pitcher
    umpire referee skier snowboarder surfer skateboarder skater rider cyclist biker driver passenger pedestrian worker
    waiter waitress chef cook officer policeman soldier fireman bride groom spectator fan crowd people men women boys
    girls children kids players couple family friend male female student teacher doctor nurse farmer fisherman tourist
    """
)
#: What comes before one of these is the noun that counts: `pair of skis`, `man in suit`.
_JOINTS = words("of in on with at for from near under behind to by and holding wearing")

_ACRONYMS = words(
    """
    atm bmw cd dj dvd fm gps hd hdtv lcd led mlb mp3 nba nfl pc rv sd suv tv uk ups us usa usb vcr vip vw xbox
    """
)
_SUFFIX = re.compile(r"(?:-(?:merged|other|stuff))+$")
_MATERIAL = re.compile(r"^(wall|floor)-(\w+)$")
_VOWEL = re.compile(r"(?!eu|ewe|one\b|once)[aeio]|u(?!ni(?![ndm])|s[aei]|r[aeiou]|t[ei]|k|-)|hour|honest|honou?r|heir")


def number(n: int) -> str:
    """`two`; digits beyond twelve."""
    return _NUMBERS[n] if n <= 12 else str(n)


def ordinal(n: int) -> str:
    """`second`; `13th` beyond twelfth."""
    if n <= 12:
        return _ORDINALS[n]
    return f"{n}{'th' if n % 100 in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def join(parts: Sequence[str]) -> str:
    """`a, b and c`; with a comma before the last `and` where there is another in a part."""
    if len(parts) == 1:
        return parts[0]
    comma = "," if any(" and " in part for part in parts) else ""
    return f"{', '.join(parts[:-1])}{comma} and {parts[-1]}"


def sentence(text: str) -> str:
    """With a capital at the start and a full stop at the end."""
    return f"{text[:1].upper()}{text[1:]}."


@lru_cache(maxsize=65536)
def article(text: str) -> str:
    """`a` or `an`, by the sound with which the text begins: an hour, a unicycle, an SUV, a European."""
    word = re.split(r"[ -]", text.lower(), maxsplit=1)[0]
    spelled = word in _ACRONYMS or len(word) == 1
    return "an" if (word[:1] in "aefhilmnorsx" if spelled else _VOWEL.match(text.lower())) else "a"


@lru_cache(maxsize=65536)
def clean(label: str) -> str:
    """A label as a noun in running text: lower case, but `TV` stays; COCO's `sky-other-merged` is `sky`.

    `wall-brick` is a brick wall.
    """
    said = " ".join(word if word.isupper() and word.lower() in _ACRONYMS else word.lower() for word in label.split())
    return _MATERIAL.sub(r"\2 \1", _SUFFIX.sub("", said)) or said


def _parts(noun: str) -> tuple[str, str, str]:
    """What stands before the head of a noun, the head, and what follows: `big `, `pair`, ` of skis`."""
    parts = noun.split(" ")
    end = next((i for i, word in enumerate(parts) if i and word in _JOINTS), len(parts))
    before = " ".join(parts[: end - 1])
    after = " ".join(parts[end:])
    return (f"{before} " if before else ""), parts[end - 1], (f" {after}" if after else "")


@lru_cache(maxsize=65536)
def head(noun: str) -> str:
    """The word that says what kind of thing it is: `light` of `traffic light`, `man` of `man in suit`."""
    return _parts(noun)[1]


def is_mass(noun: str) -> bool:
    """Grass, water: not counted."""
    return head(noun) in _MASS


def is_unique(noun: str) -> bool:
    """The sky, the floor."""
    return noun in _UNIQUE


def is_pair(noun: str) -> bool:
    """Scissors, skis: a plural word for one thing. (`glasses` alone; wine glasses are many.)"""
    return noun in _PAIRS or (head(noun) in _PAIRS and head(noun) != "glasses")


def is_person(noun: str) -> bool:
    """Whether one asks `who` and not `what`."""
    return head(noun) in _PERSONS


@lru_cache(maxsize=65536)
def is_plural(noun: str) -> bool:
    """Whether the label itself is a plural: `trees`, `people`, `scissors`."""
    word = head(noun)
    if word in _PLURAL or word in _PAIRS or (word.endswith(_PLURAL_ENDS) and word not in _NO_PLURALS):
        return True
    return word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in _SINGULAR_S and len(word) > 3


@lru_cache(maxsize=65536)
def plural(noun: str) -> str:
    """The plural of a noun that is a singular: `pairs of gloves`, `bus stops`, `firemen`; a plural stays as it is."""
    before, word, after = _parts(noun)
    return noun if is_plural(noun) else f"{before}{_many(word)}{after}"


def _many(word: str) -> str:
    stem = next((end for end in _COMPOUNDS if word.endswith(end)), word)
    if stem in _UNCHANGED:
        return word
    if stem in _IRREGULAR:
        return word.removesuffix(stem) + _IRREGULAR[stem]
    if word.endswith("man") and word not in ("human", "german", "roman", "ottoman"):
        return f"{word[:-3]}men"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def spaced(texts: Iterable[str]) -> str:
    """The words of texts in small letters, with a blank around each, so that ` dog ` is found and no part of a word."""
    found = re.findall(r"[a-z]+|[^a-z\s]+", " ".join(texts).lower())
    return f" {' '.join(found)} "
