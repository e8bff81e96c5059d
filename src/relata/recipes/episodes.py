"""`episodes`: few-shot questions: labelled pictures, then one to be judged by them (RelationVLM, in-context learning).

The classes of the pictures are known, so there is nothing to ask a teacher: the examples are made at once. Episodes
come from `groups/shots`; with `split="test"` they are those to evaluate with, and each run's seed gives other
references for the same queries (report the mean and deviation of three).
"""

from __future__ import annotations

from relata.chat import Example, ImageRef, Message
from relata.filters import Rejection
from relata.grounded import ImageSlot, Span, Text
from relata.recipes._here import Here
from relata.scene import Group, decode

GROUPS = "shots"

_SHOWN = ("This one is {}.", "Here it is {}.", "Label: {}.", "Verdict: {}.")
_ASKED = ("Is this one {}?", "And this one: is it {}?", "Judge by the examples: is this one {}?")


def items(group: Group, here: Here) -> list[Example | Rejection]:
    """The one example of an episode."""
    told = group.provenance
    if "classes" not in told or "labels" not in told:
        return [Rejection("no-labels", "the group's provenance has no classes and labels; see groups/shots", group.id)]
    classes, labels = (decode(told[name], list[str], f"group {group.id}, {name}") for name in ("classes", "labels"))
    if len(labels) != len(group.scenes):
        return [Rejection("no-labels", f"{len(labels)} labels for {len(group.scenes)} images", group.id)]
    shown, asked = here.rng.choice(_SHOWN), here.rng.choice(_ASKED)
    spans: list[Span] = []
    for image, label in enumerate(labels[:-1]):
        spans += [ImageSlot(image), Text(f" {shown.format(label)}\n")]
    options = " or ".join(here.rng.sample(classes, len(classes)))
    spans += [ImageSlot(len(labels) - 1), Text(f" {asked.format(options)}")]
    images = tuple(ImageRef(scene.image, scene.width, scene.height) for scene in group.scenes)
    messages = (Message("user", tuple(spans)), Message("assistant", (Text(labels[-1]),)))
    return [Example(f"{group.id}/episodes", images, messages, recipe=f"episodes/{len(labels) - 1}-shot")]
