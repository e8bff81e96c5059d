"""`cad_qa`: one open question about two images with its answer, by way of a summary and a conversation (CaD-QA).

As in CaD-VI's section 4: pairs whose captions share eight nouns or more; a teacher that sees only the captions writes
the summary of `comparison`, then several questions with answers from captions and summary, and one of them is kept at
random. The images come with the example, never with the request.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, replace
from typing import Annotated

from msgspec import Meta

from relata.chat import Example
from relata.english.pairs import questions
from relata.english.summary import summary
from relata.filters import Rejection
from relata.groups.nouns import text
from relata.nouns import tagger as find_tagger
from relata.prompts import template
from relata.recipes import comparison
from relata.recipes._here import Here
from relata.recipes._summary import foreign
from relata.recipes._summary import read as read_summary
from relata.recipes.rec import turns_of
from relata.scene import Group
from relata.teachers import Prompt

#: How pairs are formed of scenes.
GROUPS = "many_nouns"

Count = Annotated[int, Meta(ge=1)]

_IMAGE = re.compile(r"\bimage (\d+)\b", re.I)


@dataclass(frozen=True, slots=True)
class Item:
    """One group: to be summarised, or, once it is, to be asked about."""

    id: str
    source: Group
    turns: int
    draw: float
    """Which of the questions is kept: 0 is the first, just below 1 the last."""
    summary: str = ""
    images: tuple[str, ...] | None = ()
    """Empty: the teacher gets none."""


def items(
    group: Group, here: Here, *, least: Annotated[int, Meta(ge=0)] = 8, turns: Count = 5, tagger: str = "rules"
) -> list[Item | Rejection]:
    """What to ask about a group.

    Args:
        least: nouns that the captions of all images have in common, at the least.
        turns: questions in the conversation, of which one is kept.
        tagger: finds the nouns, `rules`, `spacy` or `spacy:MODEL`; the one that formed the groups, or `least` is
            measured otherwise there.
    """
    without = next((scene.id for scene in group.scenes if not any(map(str.strip, scene.captions))), None)
    if without is not None:
        return [Rejection("no-captions", f"scene {without} has none", id=group.id)]
    shared = shared_nouns(group, tagger)
    if len(shared) < least:
        return [Rejection("few-nouns", f"{len(shared)} in common, {least} needed; groups=many_nouns", id=group.id)]
    return [Item(f"{group.id}/cad_qa/summary", group, turns, here.rng.random())]


def shared_nouns(group: Group, spec: str) -> list[str]:
    """The nouns that the captions of all images have in common."""
    found = [dict.fromkeys(nouns) for nouns in find_tagger(spec).nouns(text(scene) for scene in group.scenes)]
    return [noun for noun in found[0] if all(noun in others for others in found[1:])]


def prompt(item: Item) -> Prompt:
    """What a teacher is told, in the first step and in the second."""
    if not item.summary:
        return comparison.request(item.source, "captions")
    parts = [f"Image {n}:\n{comparison.told(scene)}" for n, scene in enumerate(item.source.scenes, 1)]
    parts += [f"Summary:\n{item.summary}", f"Write {item.turns} questions with their answers."]
    return template("cad_qa", "conversation").fill("\n\n".join(parts))


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules: the summary, or questions from the same annotations."""
    if not item.summary:
        return summary(item.source.scenes, rng)
    said = questions(item.source.scenes, item.turns, rng)
    return "\n".join(f"Q: {question}\nA: {answer}" for question, answer in said)


def read(reply: str, item: Item) -> Example | Item | Rejection:
    """The item that asks for the conversation, the example that comes of it, or why there is none."""
    count = len(item.source.scenes)
    if not item.summary:
        found = read_summary(reply, count)
        if isinstance(found, Rejection):
            return found
        return replace(item, id=item.id.removesuffix("/summary"), summary=str(found))
    turns = turns_of(reply)
    if not turns:
        return Rejection("no-turns", "expected lines that begin with Q: and A: in turn")
    chosen = int(item.draw * len(turns))
    question, answer = turns[chosen]
    wrong = foreign(f"{question} {answer}", count)
    if wrong:
        return wrong
    asked = {int(number[:7]) for number in _IMAGE.findall(question)}
    made = comparison.conversation(item.id, item.source, [(question, answer)], "cad_qa")
    about = {"turn": f"{chosen + 1} of {len(turns)}", "about": "one image" if len(asked) == 1 else "all images"}
    return made.replace(provenance=about)
