"""`contrast`: are two things the same, and why not: people, birds, circuit boards (RelationVLM).

What is asked depends on why two images are together (`provenance["relation"]` of the group):

- `contrast/identity`: is it the same individual, yes or no, and the attributes that tell;
- `contrast/category`: is it the same kind of thing (the paper's birds), yes or no, and why;
- `contrast/attribute`: is one aspect, such as the colour, the same, yes or no;
- `contrast/difference`: what the second image shows that the first does not, or shows otherwise: all other pairs, such
  as a flawless and a flawed circuit board, or a rendered picture and an edited one.

An answer that says yes where no is true is rejected. Pairs come from `groups/identity`, half of them positive.
"""

from __future__ import annotations

import random
from typing import Literal

from relata import notation
from relata.chat import Example
from relata.english import words
from relata.english.comparison import alike, apart, compared, sides, verbs
from relata.filters import Rejection
from relata.quoting import quote
from relata.recipes._here import Here
from relata.recipes._relation import Item, described, dialogue, fill, pair, sheets
from relata.scene import Group
from relata.teachers import Prompt

GROUPS = "identity"

Kind = Literal["identity", "category", "attribute", "difference"]

_ASK: dict[Kind, tuple[str, ...]] = {
    "identity": (
        "Is it the same {one} in both images? Why?",
        "Do the two images show the same {one}? Tell how you know.",
        "Are the two {many} one and the same individual?",
        "Look at the {many} in the two images. Is this the same {one} twice?",
    ),
    "category": (
        "Do both images show the same kind of {one}? Why?",
        "Do these two pictures show the same kind of {one}? Explain.",
        "Is there the same kind of {one} in the first image as in the second?",
    ),
    "attribute": (
        "As far as {aspect} goes, are the two {many} alike?",
        "Compare the {aspect} of the two {many}: is there no difference?",
    ),
    "difference": (
        "What are the differences between the two images?",
        "What has changed from the first image to the second?",
        "How does the second image differ from the first?",
        "Compare the two images and name what is different.",
    ),
}


def items(group: Group, here: Here) -> list[Item | Rejection]:
    """The one question about a pair."""
    return [pair(f"contrast/{kind(group)}", group)]


def kind(group: Group) -> Kind:
    """What is asked about a pair."""
    held, _, what = group.provenance.get("relation", "").partition(" ")
    if held not in ("same", "different"):
        return "difference"
    if what in ("identity", "category"):
        return what  # type: ignore[return-value]  # narrowed by the line above
    return "attribute" if group.provenance.get("label") and what != "order" else "difference"


def verdict(group: Group) -> bool | None:
    """The true answer, yes or no; None where none is asked for."""
    return None if kind(group) == "difference" else group.provenance["relation"].startswith("same ")


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    label = item.source.provenance.get("label", "")
    told = item.source.provenance
    said = "".join(f"\n- {quote(text)}" for text in item.source.captions)
    about = f"\n\nSaid of both:{said}" if said else ""
    about += f"\n\nKnown: {quote(told.get('relation', 'find the differences'))}{label and f' ({quote(label)})'}"
    asked = fill(item, "contrast", sheets(item.source) + about)
    return asked if item.step == "describe" else asked._replace(user=asked.user + about)


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the annotations."""
    group = item.source
    what, true = kind(group), verdict(group)
    if item.step == "describe":
        if what in ("difference", "category"):
            said = [words.sentence(notation.words(text).rstrip(".")) for text in group.captions if not true]
            told = alike(group, rng) if true else apart(group, rng)
            return " ".join([*said, *_unlike(group, what, told), told]).strip()
        return _reasons(group, what, bool(true))
    noun = _noun(group, what)
    asked = rng.choice(_ASK[what]).format(one=noun, many=words.plural(noun), aspect=_aspect(group))
    lead = "" if true is None else f"{'Yes' if true else 'No'}, {_claim(what, true, noun)}. "
    return f"Q: {asked}\nA: {lead}{item.description}"


def read(reply: str, item: Item) -> Item | Example | Rejection:
    """The description leads to a dialogue, the dialogue is the example."""
    if item.step == "describe":
        return described(reply, item)
    return dialogue(reply, item, verdict(item.source))


def _claim(what: Kind, true: bool, noun: str) -> str:
    if what == "identity":
        return f"{'it is' if true else 'they are not'} the same {noun}"
    if what == "category":
        return f"{'both show' if true else 'they do not show'} the same kind of {noun}"
    return f"they are {'alike' if true else 'not alike'} in this"


def _reasons(group: Group, what: Kind, true: bool) -> str:
    """Why it is the same or not: the two things, and the aspects in which they agree or differ."""
    first, second = sides(group)
    ends = _ends(group)
    if ends is None:
        return ""  # nothing is known of one of them; an empty reply is turned away
    one, other = first.scene.regions[ends[0]], second.scene.regions[ends[1]]
    shared, differ = compared(one, other)
    if what == "attribute":
        name = _aspect(group)
        shared, differ = ([pair for pair in pairs if pair[0].name == name] for pairs in (shared, differ))
    told = first.known(ends[0]), second.known(ends[1])
    if true and not shared:
        sentences = [f"{told[0]} in the first image is {told[1]} in the second"]
    elif true:
        sentences = [
            f"{told[0]} in the first image and {told[1]} in the second agree: each {verbs([a for a, _ in shared])}"
        ]
    elif differ:
        now = verbs([b for _, b in differ])
        sentences = [
            f"{told[0]} in the first image {verbs([a for a, _ in differ])}, while {told[1]} in the second {now}"
        ]
    else:
        sentences = [f"{told[0]} in the first image is not {told[1]} in the second"]
    if true and what == "identity" and differ:
        sentences.append(
            f"that the {_noun(group, what)} {verbs([a for a, _ in differ])} in the first image and "
            f"{verbs([b for _, b in differ])} in the second may well change from one picture to the next"
        )
    return " ".join(map(words.sentence, sentences))


def _unlike(group: Group, what: Kind, told: str) -> list[str]:
    """Names two birds of different species of which nothing else is known, so that both are cited."""
    noun = _noun(group, what)
    first, second = sides(group)
    if what != "category" or "](" in told or noun not in first.kinds or noun not in second.kinds:
        return []
    one, other = first.known(first.kinds[noun][0]), second.known(second.kinds[noun][0])
    return [words.sentence(f"{one} in the first image is of another kind than {other} in the second")]


def _ends(group: Group) -> tuple[int, int] | None:
    """Positions of the two regions that are compared: those that are linked, else the only ones of the label."""
    first, second = sides(group)
    if group.links:
        link = group.links[0]
        ends = [[region.id for region in side.scene.regions] for side in (first, second)]
        return ends[0].index(link.first[1]), ends[1].index(link.second[1])
    found = [side.kinds.get(group.provenance.get("label", "")) for side in (first, second)]
    return (found[0][0], found[1][0]) if found[0] and found[1] else None


def _noun(group: Group, what: Kind) -> str:
    """What is asked about; of two birds, whether they are the same kind of bird, and not of thing."""
    label = notation.words(group.provenance.get("label", ""))
    if what != "category":
        return label or "thing"
    first, second = sides(group)
    both = [noun for noun in first.kinds if noun in second.kinds]
    return both[0] if both and label not in both else "thing"


def _aspect(group: Group) -> str:
    return notation.words(group.provenance.get("relation", "").partition(" ")[2])
