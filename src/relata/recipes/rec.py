"""`rec`: relation conversations, text in which every object and relation is tied to its boxes (All-Seeing v2, AS-V2).

Per scene, as in section 3 and appendix B of the paper:

- `detailed`: a description of the whole image that says every relation;
- `region`: a caption of one region, which is the first to be named and the subject of the first predicate;
- `conversation`: several turns, one of them a question with a false premise that the answer sets right.

The teacher is given the image, its captions, its regions as `[n] label`, its relations and worked examples, and cites
regions by number (see `relata.notation`). A scene without relations is described and talked about by what is where; a
scene without regions, and the caption of a region where there is no relation, are rejected.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from relata import notation
from relata.chat import Example, ImageRef, Message, Role
from relata.english.conversation import conversation
from relata.english.facts import triples
from relata.english.sentences import caption, describe
from relata.filters import Rejection, validity
from relata.grounded import ImageSlot, Problem, Text
from relata.prompts import sheet, template
from relata.quoting import quote
from relata.recipes._here import Here
from relata.scene import Scene
from relata.teachers import Prompt

Kind = Literal["detailed", "region", "conversation"]
Count = Annotated[int, Meta(ge=1)]

_DESCRIBE = (
    "Describe the image in detail.",
    "Describe this image in detail, with the objects and how they relate to each other.",
    "Give a detailed description of the scene.",
    "What is shown here? Describe everything you see.",
    "Write a paragraph about this image and the relations between the things in it.",
    "Please describe what is going on in the image.",
    "Tell me as much as you can about this picture.",
    "What is in the image, and how does it all fit together?",
)
_REGION = (
    "Describe the region [](%d).",
    "Describe [](%d) and what it has to do with the things around it.",
    "Give a caption for [](%d).",
    "What can you say about [](%d)?",
    "What is happening at [](%d)?",
    "Tell me about [](%d) in this image.",
    "Please describe what is at [](%d) and how it relates to its surroundings.",
)
_ROLES: tuple[Role, Role] = ("user", "assistant")
# nothing is tried twice (`++`) and no blank crosses a line, so that no reply can make this slow
_SPEAKER = re.compile(
    r"^[ \t*#>-]*+(?:(q)(?:uestion)?|a(?:nswer)?)[ \t]*+(?:\d++[ \t]*+)?(?:\*++[ \t]*+)?[:.)][ \t]*+\**+[ \t]*+",
    re.MULTILINE | re.I,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask a teacher."""

    id: str
    kind: Kind
    source: Scene
    question: str = ""
    """The user's turn, in the notation; a conversation brings its own."""
    region: int = 0
    """Position of the region to describe."""
    turns: int = 0


def items(
    scene: Scene,
    here: Here,
    *,
    kinds: tuple[Kind, ...] = ("detailed", "region", "conversation"),
    regions: Count = 2,
    turns: Count = 4,
) -> list[Item | Rejection]:
    """What to ask about a scene.

    Args:
        kinds: which of the three.
        regions: captions of single regions per scene, at most. The paper has 63K for its 42K images.
        turns: questions per conversation. The paper has 90K in 22K conversations.
    """
    if not scene.regions:
        return [Rejection("no-regions", id=scene.id)]
    found: list[Item | Rejection] = []
    for kind in kinds:
        id = f"{scene.id}/rec/{kind}"
        if kind == "detailed":
            found.append(Item(id, kind, scene, here.rng.choice(_DESCRIBE)))
        elif kind == "conversation":
            found.append(Item(id, kind, scene, turns=turns))
        else:
            found += _captions(scene, here.rng, regions, id)
    return found


def _captions(scene: Scene, rng: random.Random, most: int, id: str) -> list[Item | Rejection]:
    subjects = sorted({subject for subject, _, _ in triples(scene)})
    if not subjects:
        return [Rejection("no-relations", "a caption of a region needs a relation of that region", id=id)]
    chosen = sorted(rng.sample(subjects, min(most, len(subjects))))
    return [
        Item(f"{id}/{scene.regions[k].id}", "region", scene, rng.choice(_REGION) % (k + 1), region=k) for k in chosen
    ]


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    if item.kind == "detailed":
        task = "Describe the image."
    elif item.kind == "region":
        task = f"Describe [{item.region + 1}] {quote(item.source.regions[item.region].label)}."
    else:
        task = f"Write {item.turns} questions with their answers."
    return template("rec", item.kind).fill(f"{sheet(item.source)}\n\n{task}")


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the scene's annotations."""
    if item.kind == "detailed":
        return describe(item.source, rng)
    if item.kind == "region":
        return caption(item.source, item.region, rng)
    turns = conversation(item.source, item.turns, rng)
    return "\n".join(f"Q: {turn.question}\nA: {turn.answer}" for turn in turns)


def read(reply: str, item: Item) -> Example | Rejection:
    """An example from a teacher's reply, or why it is none."""
    pairs = turns_of(reply) if item.kind == "conversation" else [(item.question, reply.strip())]
    if not pairs:
        return Rejection("no-turns", "expected lines that begin with Q: and A: in turn")
    scene = item.source
    boxes = tuple(region.box for region in scene.regions)
    messages: list[Message] = []
    for pair in pairs:
        for role, text in zip(_ROLES, pair):
            spans, problems = notation.read(text, boxes)
            if problems:
                return _refused(problems[0])
            messages.append(Message(role, spans if messages else (ImageSlot(), Text("\n"), *spans)))
    image = ImageRef(scene.image, scene.width, scene.height)
    example = Example(item.id, (image,), tuple(messages), (boxes,), f"rec/{item.kind}")
    first = boxes[item.region] if item.kind == "region" else None
    return validity.check(example, first) or example


def _refused(problem: Problem) -> Rejection:
    return Rejection(problem.kind, f"{problem.text} at character {problem.at}")


def turns_of(reply: str) -> list[tuple[str, str]]:
    """Questions and answers, or nothing if they do not alternate or one is empty."""
    marks = list(_SPEAKER.finditer(reply))
    ends = [mark.start() for mark in marks[1:]] + [len(reply)]
    texts = [reply[mark.end() : end].strip() for mark, end in zip(marks, ends)]
    asked = [mark.group(1) is not None for mark in marks]
    if not all(texts) or asked != [True, False] * (len(marks) // 2):
        return []
    return list(zip(texts[::2], texts[1::2]))
