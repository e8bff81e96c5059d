"""What predicates mean: words that say the same, opposites, and which relations cannot run in a circle.

Only words whose meaning is plain stand here; any other predicate means itself. `over` is no synonym of `above`, since a
blanket lies over a bed, and `by` is none of `near`, since a cake is eaten by a child.
"""

from __future__ import annotations

import re
from functools import lru_cache

from relata.english.predicates import plain
from relata.english.words import words

#: A meaning, and the words that carry it.
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "left of": ("at left of", "at the left of", "leftward of", "further left than", "more left than", "left from"),
    "right of": ("at right of", "at the right of", "rightward of", "further right than", "right from"),
    "above": ("higher than", "up above", "high above"),
    "under": ("below", "beneath", "underneath", "lower than", "down below"),
    "in front of": ("before", "in the front of", "at the front of", "closer than", "nearer than"),
    "behind": ("in back of", "in the back of", "at the back of", "at the rear of", "farther than", "further than"),
    "in": ("inside", "inside of", "within", "contained in", "contained by"),
    "on": ("upon", "on top of", "on the top of", "atop", "on surface of", "on the surface of", "resting on"),
    "near": ("next to", "beside", "besides", "close to", "nearby", "near to", "by the side of", "alongside",
             "adjacent to", "adjoining", "at the side of"),
    "far from": ("far away from", "away from"),
    "containing": ("contains", "contain", "has inside"),
    "touching": ("in contact with", "touches", "touch", "in touch with"),
    "wearing": ("wears", "wear", "dressed in", "clothed in"),
    "holding": ("holds", "hold", "grasping", "gripping", "grabbing"),
    "has": ("have", "having", "possessing"),
    "riding": ("rides", "riding on", "ride"),
    "looking at": ("looks at", "watching", "watches", "gazing at", "staring at", "viewing"),
    "attached to": ("fixed to", "fastened to", "joined to", "connected to", "affixed to"),
    "part of": ("a part of", "belonging to"),
    "carrying": ("carries", "carry"),
    "eating": ("eats", "eat", "feeding on"),
    "using": ("uses", "use"),
    "covering": ("covers", "cover"),
    "hanging from": ("hangs from", "suspended from", "hung from"),
    "facing": ("faces", "face", "turned towards"),
    "leaning on": ("leaning against", "leans on", "leans against"),
    "standing on": ("stands on", "stand on"),
    "sitting on": ("sits on", "sit on", "seated on"),
    "lying on": ("laying on", "lies on", "lays on"),
    "parallel to": (),
    "talking to": ("talking with", "speaking to", "speaking with", "chatting with"),
}  # fmt: skip
_MEANING = {word: meaning for meaning, words in _SYNONYMS.items() for word in (meaning, *words)}

#: `on the left side of`, `to the left side of`, `left side of`, `at left` ...
_SIDE = re.compile(r"(?:(?:on|to|at|in|towards?) )?(?:the )?(left|right)(?:(?:(?:-| )hand)? side)?(?: of| from)?")
#: Words that bend nothing: `directly above`, `slightly to the left of`.
_DEGREE = re.compile(
    r"\b(?:directly|just|right|slightly|far|immediately|clearly|partly|partially|located|placed|seen)\b "
)
#: Whose left and right: it changes the frame (see `frames`), not the side.
_WHOSE = re.compile(
    r",? (?:as seen )?(?:from|in|of|by) (?:the |a )?(?:viewer|observer|camera|image|photo|picture|frame|scene)(?:'s)?"
    r"(?: (?:perspective|view|viewpoint|point of view|side))?$"
)

#: A meaning and its converse: A left of B says that B is right of A.
CONVERSE = {
    "left of": "right of",
    "under": "above",
    "behind": "in front of",
    "containing": "in",
}
CONVERSE |= {second: first for first, second in CONVERSE.items()}

#: True of (B, A) whenever it is true of (A, B): to say both is to say it twice.
SYMMETRIC = frozenset(
    ("near", "far from", "touching", "attached to", "parallel to", "talking to", "shaking hands with", "kissing",
     "hugging", "same size as", "same color as", "same colour as", "playing with", "along with", "dancing with")
)  # fmt: skip

#: Relations that cannot run in a circle: what is above what is above a thing is above it too. Of a meaning and its
#: converse the second one stands here.
ACYCLIC = frozenset(("right of", "above", "in front of", "in", "on", "riding", "wearing", "part of", "carrying"))
#: Of two things, such a relation holds one way at most: neither bears the other that it is on.
ONE_WAY = (
    ACYCLIC
    | {CONVERSE[said] for said in ACYCLIC if said in CONVERSE}
    | words("eating reading driving kicking throwing catching")
    | {f"{said} on" for said in words("sitting standing lying walking running parked growing mounted")}
    | {f"{said} on" for said in words("skiing surfing skateboarding snowboarding")}
)


@lru_cache(maxsize=65536)
def meaning(predicate: str) -> str:
    """What a predicate says: `left of` for `to the left side of`, `under` for `directly below`; any unknown one itself.

    Whose left it is does not count here.
    """
    text = plain(_WHOSE.sub("", " ".join(predicate.lower().split())))
    if text in _MEANING:
        return _MEANING[text]
    if side := _SIDE.fullmatch(text):
        return f"{side[1]} of"
    bare = _DEGREE.sub("", text)
    return meaning(bare) if bare != text else text


def same_way(subject: int, predicate: str, object: int) -> tuple[int, str, int]:
    """A relation turned so that it and its converse are one: (B, right of, A) for A left of B; ids for symmetric ones
    in rising order."""
    said = meaning(predicate)
    if said in SYMMETRIC:
        return min(subject, object), said, max(subject, object)
    if said in CONVERSE and said not in ACYCLIC:
        return object, CONVERSE[said], subject
    return subject, said, object
