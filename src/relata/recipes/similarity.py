"""`similarity`: what two images have in common, with the things that both show tied to their boxes (RelationVLM).

A teacher is given both images with their regions, and says what kinds of things both show, what these look like alike
and how they are related alike; then it makes a dialogue of that. Pairs come from `groups/category`, or any other way.
"""

from __future__ import annotations

import random

from relata.chat import Example
from relata.english.comparison import alike
from relata.filters import Rejection
from relata.quoting import quote
from relata.recipes._here import Here
from relata.recipes._relation import Item, described, dialogue, fill, pair, sheets
from relata.scene import Group
from relata.teachers import Prompt

GROUPS = "category"

_ASK = (
    "What do the two images have in common?",
    "What are the common things in these two images, and where are they?",
    "Which objects appear in both images?",
    "In what respect are these two pictures alike?",
    "Compare the two images: what is the same in both?",
    "Name what both pictures show.",
)
_ANSWER = ("{}", "{}", "The two images have this in common. {}", "Here is what both images share. {}")


def items(group: Group, here: Here) -> list[Item | Rejection]:
    """The one question about a pair; a pair that is marked as having nothing in common is turned away."""
    if group.provenance.get("relation", "").startswith("different"):
        return [Rejection("nothing-common", group.provenance["relation"], group.id)]
    return [pair("similarity", group)]


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    label = item.source.provenance.get("label", "")
    known = f"\n\nBoth show: {quote(label)}" if label else ""
    return fill(item, "similarity", sheets(item.source) + known)


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the annotations."""
    if item.step == "describe":
        return alike(item.source, rng)
    return f"Q: {rng.choice(_ASK)}\nA: {rng.choice(_ANSWER).format(item.description)}"


def read(reply: str, item: Item) -> Item | Example | Rejection:
    """The description leads to a dialogue, the dialogue is the example."""
    return described(reply, item) if item.step == "describe" else dialogue(reply, item)
