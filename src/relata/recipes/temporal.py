"""`temporal`: what happens in a clip, and in which order its frames belong (RelationVLM).

- `temporal/describe`: an account of the clip from captions of its frames, a short text about all of it, and where the
  same individual is in each frame; then a dialogue of that. Frames without a caption can be captioned by the teacher
  first, one request each.
- `temporal/order`: the frames are shuffled; the answer says which to swap and gives the right order. This needs nothing
  but frames whose order is known (`Group.order`). Any shuffle is as likely as any other, the right order included.

Groups come from `groups/frames`, 4 frames each as in the paper, or from readers of clips.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from relata import notation
from relata.chat import Example, Message
from relata.english import order as orders
from relata.english import words
from relata.english.comparison import Side, moved
from relata.english.sentences import describe
from relata.filters import Rejection
from relata.grounded import Text, plain
from relata.prompts import template
from relata.quoting import quote
from relata.recipes._here import Here
from relata.recipes._relation import Item, described, dialogue, example, fill, first, numbered, sheets, slots
from relata.scene import Group
from relata.teachers import Prompt

GROUPS = "frames"

Kind = Literal["describe", "order"]

_ASK = (
    "What happens in these frames?",
    "These are frames of one clip, in order. What is it about?",
    "Describe what is going on over the course of this clip.",
    "Tell what happens from the first frame to the last.",
    "What action do these frames show?",
)
_SORT = (
    "These frames of a clip may have been shuffled. Put them in the right order.",
    "In which order were these frames taken? Say which ones have to change places.",
    "Restore the order of time of these frames.",
    "The frames of this clip may be out of order. How do they have to be rearranged?",
)
_WHEN = ("At first", "Then", "After that", "Next")
#: First words of captions that begin with a capital for no other reason than being the first.
_SMALL = frozenset(
    ("a", "an", "the", "there", "you", "one", "two", "three", "some", "several", "people", "it", "he", "she", "they")
)


def items(
    group: Group, here: Here, *, kinds: tuple[Kind, ...] = ("describe", "order"), captions: bool = False
) -> Iterator[Item | Rejection]:
    """What to ask about a clip.

    Args:
        kinds: which of the two.
        captions: ask the teacher for a caption of each frame that has none, before it describes the clip.
    """
    true = _sorted(group)
    if "describe" in kinds:
        yield _next(first("temporal/describe", true), captions)
    if "order" in kinds and group.order is None:
        yield Rejection("no-order", "no order of time is known; groups/frames and readers of clips give it", group.id)
    elif "order" in kinds:
        yield _shuffled(true, here.rng)


def prompt(item: Item) -> Prompt:
    """What a teacher is asked."""
    about = _about(item.source)
    known = f"\n\nThe clip: {quote(about)}" if about else ""
    if item.step == "frame":
        return template("temporal", "frame").fill(numbered(item.source.scenes[_bare(item.source)], 0) + known)
    if item.step == "order":
        listed = ", ".join(map(str, orders.sequence(item.source.order or ())))
        return template("temporal", "order").fill(f"{sheets(item.source, 'Frame')}{known}\n\nRight order: {listed}")
    return fill(item, "temporal", sheets(item.source, "Frame") + known)


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from the annotations."""
    if item.step == "frame":
        scene = item.source.scenes[_bare(item.source)]
        boxes = [region.box for region in scene.regions]
        return plain(notation.read(describe(scene, rng), boxes)[0]) if boxes else ""
    if item.step == "order":
        return orders.say(item.source.order or ())
    if item.step == "describe":
        return _story(item.source)
    return f"Q: {rng.choice(_ASK)}\nA: {item.description}"


def read(reply: str, item: Item) -> Item | Example | Rejection:
    """A caption leads to the next one or to the description, that to the dialogue; an order has to be the right one."""
    if item.step == "frame":
        return _captioned(reply, item)
    if item.step == "order":
        return _ordered(reply, item)
    return described(reply, item) if item.step == "describe" else dialogue(reply, item)


def _sorted(group: Group) -> Group:
    """The group with its frames in the order of time."""
    order = group.order or tuple(range(len(group.scenes)))
    at = [order.index(position) for position in range(len(order))]
    links = tuple(
        link.replace(first=(order[link.first[0]], link.first[1]), second=(order[link.second[0]], link.second[1]))
        for link in group.links
    )
    return group.replace(scenes=tuple(group.scenes[k] for k in at), order=tuple(range(len(at))), links=links)


def _shuffled(group: Group, rng: random.Random) -> Item:
    """The question about the order; without regions, for nothing is said of them."""
    order = tuple(rng.sample(range(len(group.scenes)), len(group.scenes)))
    scenes = tuple(group.scenes[position].replace(regions=(), relations=()) for position in order)
    shuffled = group.replace(scenes=scenes, order=order, links=())
    return Item(f"{group.id}/temporal/order", "temporal/order", shuffled, "order", rng.choice(_SORT))


def _next(item: Item, captions: bool) -> Item:
    """The item that asks for the next caption that is missing, or else for the description."""
    bare = _bare(item.source)
    base = f"{item.source.id}/temporal"
    if not captions or bare == len(item.source.scenes):
        return replace(item, id=f"{base}/describe", step="describe", images=None)
    return replace(item, id=f"{base}/frame/{bare + 1}", step="frame", images=(item.source.scenes[bare].image,))


def _bare(group: Group) -> int:
    """The first frame that has no caption; their number if all have one."""
    without = (k for k, scene in enumerate(group.scenes) if not any(map(str.strip, scene.captions)))
    return next(without, len(group.scenes))


def _captioned(reply: str, item: Item) -> Item | Rejection:
    caption = notation.words(reply)
    if not caption:
        return Rejection("empty-reply", "the frame has no caption")
    scenes = list(item.source.scenes)
    bare = _bare(item.source)
    scenes[bare] = scenes[bare].replace(captions=(caption,))
    return _next(replace(item, source=item.source.replace(scenes=tuple(scenes))), captions=True)


def _ordered(reply: str, item: Item) -> Example | Rejection:
    right = orders.sequence(item.source.order or ())
    if orders.read(reply) != tuple(right):
        return Rejection("wrong-order", f"the answer has to end with the right order, {', '.join(map(str, right))}")
    asked = Message("user", (*slots(len(right)), Text(item.description)))
    return example(item.id, item.recipe, item.source, (asked, Message("assistant", (Text(reply.strip()),))))


def _about(group: Group) -> str:
    """A short text about the whole clip."""
    return next(iter(group.captions), "") or group.provenance.get("label", "")


def _story(group: Group) -> str:
    """What is known of a clip, in order: the text about it, the frames' captions, what moves or is there."""
    about = notation.words(_about(group)).rstrip(".")
    told = [words.sentence(about)] if about else []
    captions = [notation.words(next(iter(scene.captions), "")).rstrip(".") for scene in group.scenes]
    last = len(captions) - 1
    for k, caption in enumerate(captions):
        if caption and caption not in captions[:k]:
            said = words.sentence(caption)
            begin = said.split(maxsplit=1)[0].lower()
            when = "In the end" if k == last else _WHEN[min(k, 3)]
            told.append(f"{when}, {begin}{said[len(begin) :]}" if begin in _SMALL else f"{when}: {said}")
    return " ".join([*told, moved(group) or _shown(group)]).strip()


def _shown(group: Group) -> str:
    """What the first and the last frame show."""
    said = []
    for image, name in ((0, "first"), (len(group.scenes) - 1, "last")):
        side = Side(group, image)
        if side.kinds:
            said.append(f"The {name} frame shows {words.join([side.say(kind) for kind in side.kinds.values()][:4])}.")
    return " ".join(said)
