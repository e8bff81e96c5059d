"""`episodes`: few-shot questions: labelled pictures, then one to be judged by them (RelationVLM, in-context learning).

The answer is the class alone, as it is evaluated; nobody need be asked for it. With `why=true` a teacher adds the
reason, by comparing the last picture with the labelled ones, and an answer with the wrong class is rejected. Episodes
come from `groups/shots`; with `split="test"` they are those to evaluate with, and each run's seed gives other
references for the same queries (report the mean and deviation of three).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from relata import across, notation
from relata.chat import Example, Message
from relata.english import words
from relata.english.comparison import Side
from relata.errors import RelataError
from relata.filters import Rejection
from relata.grounded import ImageSlot, Span, Text
from relata.prompts import template
from relata.quoting import quote
from relata.recipes._here import Here
from relata.recipes._relation import example, refused, sheets
from relata.scene import Group, decode
from relata.teachers import Prompt

GROUPS = "shots"

_SHOWN = ("This one is {}.", "Here it is {}.", "Label: {}.", "Verdict: {}.")
_ASKED = ("Is this one {}?", "And this one: is it {}?", "Judge by the examples: is this one {}?")
_WHY = (" Why?", " Give your reasons.", " Tell what makes you think so.")


@dataclass(frozen=True, slots=True)
class Item:
    """An episode whose answer is to be reasoned."""

    id: str
    source: Group
    labels: tuple[str, ...]
    """The class of each picture; the last is the answer."""
    question: tuple[Span, ...]


def items(group: Group, here: Here, *, why: bool = False) -> list[Item | Example | Rejection]:
    """The one question of an episode.

    Args:
        why: ask a teacher for the reason.
    """
    try:
        told = [decode(group.provenance.get(name, ""), list[str], name) for name in ("classes", "labels")]
    except RelataError as error:
        return [Rejection("no-labels", f"{error}; episodes come from groups/shots", group.id)]
    classes, labels = (list(map(notation.words, some)) for some in told)
    if len(labels) != len(group.scenes):
        return [Rejection("no-labels", f"{len(labels)} labels for {len(group.scenes)} images", group.id)]
    shown, asked = here.rng.choice(_SHOWN), here.rng.choice(_ASKED)
    question: list[Span] = []
    for image, label in enumerate(labels[:-1]):
        question += [ImageSlot(image), Text(f" {shown.format(label)}\n")]
    options = " or ".join(here.rng.sample(classes, len(classes)))
    reason = here.rng.choice(_WHY) if why else ""
    question += [ImageSlot(len(labels) - 1), Text(f" {asked.format(options)}{reason}")]
    item = Item(f"{group.id}/episodes", group, tuple(labels), tuple(question))
    return [item if why else _example(item, (Text(labels[-1]),), bare=True)]


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    told = [f"Image {n} is {quote(label)}." for n, label in enumerate(item.labels, 1)]
    return template("episodes", "why").fill(f"{sheets(item.source)}\n\n" + "\n".join(told))


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules: what the last picture has that those of the other classes have not, or the reverse."""
    answer = item.labels[-1]
    own, sides = Side(item.source, len(item.labels) - 1), [Side(item.source, k) for k in range(len(item.labels) - 1)]
    alike = [k for k, label in enumerate(item.labels[:-1]) if label == answer]
    others = {noun for k, side in enumerate(sides) if k not in alike for noun in side.kinds}
    shown = words.join([own.say(kind) for kind in own.kinds.values()]) if own.kinds else ""
    if shown:
        return f"{answer.capitalize()}. It shows {shown}."
    if others:
        named = words.join([words.plural(noun) for noun in sorted(others)])
        return f"{answer.capitalize()}. It shows none of the {named} of the others."
    return f"{answer.capitalize()}. It looks like {words.join([f'image {k + 1}' for k in alike])}."


def read(reply: str, item: Item) -> Example | Rejection:
    """An example from a teacher's reply, which has to begin with the true class."""
    spans, problems = across.read(reply.strip(), item.source.scenes)
    if problems:
        return refused(problems[0])
    answer = item.labels[-1]
    if not reply.strip().lower().startswith(answer.lower()):
        return Rejection("wrong-verdict", f"the answer has to begin with {quote(answer)}")
    return _example(item, spans, bare=not across.entities(spans))


def _example(item: Item, answer: tuple[Span, ...], bare: bool) -> Example | Rejection:
    """The example; without regions if none is named."""
    group = item.source
    if bare:
        group = group.replace(scenes=tuple(scene.replace(regions=(), relations=()) for scene in group.scenes), links=())
    messages = (Message("user", item.question), Message("assistant", answer))
    return example(item.id, f"episodes/{len(item.labels) - 1}-shot", group, messages)
