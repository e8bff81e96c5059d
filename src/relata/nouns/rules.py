"""`rules`: nouns by a dictionary, word lists and a few rules of position; approximate, and fast enough for millions.

Every form of a word is decided once and gets a letter (noun, determiner, verb or noun, ...); a caption is then a short
string of letters, and which of its words are nouns is decided by one regular expression over that string. Words of the
shipped list of objects are nouns wherever English leaves the choice, and several in a row are one noun, as in `tennis
racket`. The dictionary is lemminflect's, from the extra `text`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import Any

from relata.english.words import is_person, plural
from relata.errors import MissingExtra, RelataError
from relata.nouns import listed

_TOKEN = re.compile(r"[a-z]+(?:['’-][a-z]+)*|\d+|[.,;:!?()\"]")

#: Words that are not looked up, by their letter.
_WORDS = {
    "d": """a an the this that these those my your his her its our their some any many several few each every both all
        no another other two three four five six seven eight nine ten eleven twelve which what whose more most much half
        various different multiple numerous such""",
    "p": """of in on at with by from into onto over under near behind beside besides between among above below through
        across along around against beneath underneath inside outside off toward towards upon within without like for
        about during per via next up down out amid atop past""",
    "o": "i we he you she it they them him us me who whom himself herself itself themselves there",
    "b": """is are was were be been being am has have had having does did do can could will would may might must should
        isn't aren't doesn't don't can't""",
    "c": "and or but nor while as than because if when where whereas so though although plus yes",
    "r": "not very also too just only then still even well here away together apart aside maybe perhaps alone",
    "a": """red yellow green blue purple violet pink brown black white grey gray beige tan maroon teal turquoise navy
        big large small little tiny huge long short tall high low wide narrow thick thin old new young open closed empty
        full dark bright wet dry hot cold plain fresh wooden round square flat male female human outdoor indoor upper
        lower main entire whole same first second third last single double visible natural modern clear warm similar
        common present nearby better best military public elderly""",
    "j": "orange gold silver cream rose olive lime peach light chocolate",
    "t": "to",
}
_CLOSED = {word: letter for letter, text in _WORDS.items() for word in text.split()}
#: Words that name nothing and say nothing of its looks: `the`, `of`, `two`, `is`.
FUNCTION_WORDS = frozenset(word for word, letter in _CLOSED.items() if letter not in "aj")

#: Singulars that the dictionary lacks or has otherwise.
_SINGULAR = {"people": "person", "clothes": "clothing", "glasses": "glasses", "blinds": "blind", "skies": "sky"}

# n noun, i person, x noun that is not seen, m s object or verb (base, with s), y z other noun or verb (base, with s),
# k noun that is rarely a verb, g -ing, e participle, v verb, a adjective, j adjective or noun, d determiner,
# p preposition, t to, o pronoun, b auxiliary, c conjunction, r adverb or figure, u punctuation
_NOUN = re.compile(
    r"""[ni]
    | (?<![ot])k                   # a structure; but not `to structure`
    | (?<=[dajpe])[ms]             # a walk, on skis, broken wave
    | (?<=[gvyz])[ms](?![dop])     # riding waves, holding drinks
    | (?<=[nxk])[ms](?=[ucb]|$)    # the pizza slices; but not `a man waves`
    | (?<=[uc])[ms](?=[ucbpnik]|$)(?<![vgyzo]c[ms])  # ..., waves and; but not `sits and watches`
    | ^[ms](?=[bpge])              # waves are, drinks on
    | (?<=[daj])[yz](?![nimk])     # the landing
    | (?<=[dp])j(?![nimsxkajge])   # an orange
    | (?<=[aj])j(?=[ucbp]|$)       # a ripe orange
    | (?<=[dj])g(?![nimsxkdajgo])  # the crossing
    """,
    re.VERBOSE,
)


class _Letters(dict[str, str]):
    """The letter of every form that has come up; unknown forms are decided as they come."""

    def __init__(self, lemmas: dict[str, str]) -> None:
        super().__init__(_CLOSED)
        self._lemmas = lemmas
        self._look_up = _dictionary()
        self._objects = frozenset(listed("objects"))
        self._unseen = frozenset(listed("unseen"))
        self._verbs = frozenset(listed("verbs"))

    def __missing__(self, form: str) -> str:
        letter, lemma = self._decide(form)
        self[form] = letter
        self._lemmas[form] = lemma
        return letter

    def _decide(self, form: str) -> tuple[str, str]:
        """The letter of a form and its singular."""
        if not form[0].isalpha():
            return ("r" if form.isdigit() else "u"), form
        form = form.removesuffix("'s").removesuffix("’s")
        if form in _CLOSED:
            return _CLOSED[form], form
        known: dict[str, tuple[str, ...]] = self._look_up(form)
        single = self._singular(form, known)
        verb = next((lemma for lemma in known.get("VERB", ()) if lemma in self._verbs), "")
        if single in self._unseen or form in self._unseen:
            return "x", single
        if single in self._objects:
            many = form.endswith("s") and form != single
            return ("s" if many else "m") if verb else _sure(single), single
        return self._open(form, known, verb), single

    def _singular(self, form: str, known: dict[str, tuple[str, ...]]) -> str:
        if form in _SINGULAR:
            return _SINGULAR[form]
        if form in self._objects:
            return form
        lemmas = known.get("NOUN", ())
        found = next((lemma for lemma in lemmas if lemma in self._objects), lemmas[0] if lemmas else "")
        if not found and form.endswith("s") and not form.endswith("ss"):
            single = form[:-1]  # a word the dictionary lacks: hoodies, accessories
            listed = single in self._objects or single in self._unseen
            found = f"{form[:-3]}y" if form.endswith("ies") and not listed else single
        return found or form

    def _open(self, form: str, known: dict[str, tuple[str, ...]], verb: str) -> str:
        """The letter of a word that no list settles."""
        if not known:
            return self._unknown(form)
        if _CLOSED.get(form.removesuffix("s")) == "a":
            return "a"  # greens and browns
        if "NOUN" not in known:
            if "VERB" in known:
                return "g" if form.endswith("ing") else "e" if form.endswith(("ed", "en", "wn")) else "v"
            return "a" if "ADJ" in known else "r" if "ADV" in known else "n"
        if verb:
            return "g" if form.endswith("ing") else "z" if form not in known["VERB"] else "y"
        if form in known["NOUN"] and ("ADJ" in known or "ADV" in known):
            return "a"
        return ("g" if form.endswith("ing") else "k") if "VERB" in known else "n"

    def _unknown(self, form: str) -> str:
        """The letter of a word that the dictionary lacks: by its ending, or as its last part."""
        *before, last = form.split("-")
        if before:  # `man-made` is none, `mini-bus` is one
            return self[last] if self[last] in "ni" else "n" if self[last] == "m" else "a"
        return "g" if form.endswith("ing") else "r" if form.endswith("ly") else "e" if form.endswith("ed") else "n"


def _sure(noun: str) -> str:
    """The letter of what is a noun for sure."""
    return "i" if is_person(noun) else "n"


def _dictionary() -> Any:
    try:
        return importlib.import_module("lemminflect").getAllLemmas
    except ImportError as error:
        raise MissingExtra("lemminflect", "text") from error


class Rules:
    """The built-in tagger."""

    name = "rules"

    def __init__(self) -> None:
        self._lemmas: dict[str, str] = {}
        self._letters = _Letters(self._lemmas)
        self._compounds = _compounds()
        unseen = frozenset(listed("unseen"))
        for found in self._compounds.values():
            self._letters.update({name: "x" if name in unseen else _sure(name) for name, _ in found})

    def nouns(self, captions: Iterable[str]) -> Iterator[tuple[str, ...]]:
        for caption in captions:
            tokens, letters = self.tokens(caption)
            yield tuple(
                dict.fromkeys(self._lemmas.get(tokens[m.start()], tokens[m.start()]) for m in _NOUN.finditer(letters))
            )

    def sentences(self, caption: str) -> Iterator[tuple[list[str], str, dict[int, str]]]:
        """For each sentence its tokens, a letter for each, and the nouns among them by their place, as singulars."""
        for sentence in re.split(r"[.!?;]+", caption):
            tokens, letters = self.tokens(sentence)
            found = (match.start() for match in _NOUN.finditer(letters))
            yield tokens, letters, {at: self._lemmas.get(tokens[at], tokens[at]) for at in found}

    def tokens(self, caption: str) -> tuple[list[str], str]:
        """The words and marks of a caption, objects of several words as one, and a letter for each."""
        tokens: list[str] = _TOKEN.findall(caption.lower())
        if any(map(self._compounds.get, pairwise(tokens))):
            tokens = self._merged(tokens)
        return tokens, "".join(map(self._letters.__getitem__, tokens))

    def _merged(self, tokens: list[str]) -> list[str]:
        """Objects of several words as one token, the longest match first."""
        merged, at = [], 0
        while at < len(tokens):
            for name, rest in self._compounds.get(tuple(tokens[at : at + 2]), ()):
                end = at + 2 + len(rest)
                if tuple(tokens[at + 2 : end]) == rest:
                    merged.append(name)
                    at = end
                    break
            else:
                merged.append(tokens[at])
                at += 1
        return merged


@lru_cache
def _compounds() -> dict[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """Of every object of several words, one or many of it: by its first two words its name and its other words.

    An object that is also spelled with fewer gaps, like `sail boat`, has that name.
    """
    spelled = sorted(listed("objects"), key=lambda name: -name.count(" "))
    single = {re.sub("[ -]", "", name): name for name in spelled}  # the last one wins
    found: dict[tuple[str, ...], list[tuple[str, tuple[str, ...]]]] = {}
    for name in (*listed("objects"), *listed("unseen")):
        if " " in name:
            called = single.get(name.replace(" ", ""), name)
            for form in dict.fromkeys((name, plural(name))):
                first, second, *rest = form.split(" ")
                found.setdefault((first, second), []).append((called, tuple(rest)))
    return {key: tuple(sorted(some, key=lambda one: -len(one[1]))) for key, some in found.items()}


def tagger(argument: str) -> Rules:
    """The built-in tagger; it takes no argument.

    Raises:
        RelataError: if it is given one.
        MissingExtra: if lemminflect is not installed.
    """
    if argument:
        raise RelataError(f"tagger 'rules' takes no argument, but was given {argument!r}; write rules")
    return Rules()
