"""`comparison`: a summary of what images have in common and how they differ, then which fits a caption (CaD-VI).

The first answer is the teacher's summary in two parts along six axes, each left out where there is nothing to say
(section 3.1). The second turn is made by rules: one caption of one image, drawn at random, and the image that it fits.
Left out are captions of which every word is also said of another image, as in `a toilet and a sink` of two bathrooms.
The teacher is given, by `mode`:

- `captions`: the captions alone, no image (phase 1; the paper gives no worked example on purpose, and so do we);
- `refine`: the images and an earlier text on how they differ, which is the group's caption (phase 2, section 3.3);
- `scratch`: the images alone (table 5, row C);
- `given`: the images and their captions (table 6, row D).

The paper has pairs; groups of three and more images work too. The rule teacher writes from annotations in every mode.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Literal

from relata.chat import Example, ImageRef, Message
from relata.english.summary import AXES, Axis, summary
from relata.english.words import sentence
from relata.filters import Rejection
from relata.grounded import ImageSlot, Span, Text
from relata.nouns import listed
from relata.nouns.rules import FUNCTION_WORDS
from relata.prompts import template
from relata.quoting import quote, words
from relata.recipes._here import Here
from relata.recipes._summary import Point
from relata.recipes._summary import read as read_summary
from relata.scene import Group, Scene
from relata.teachers import Prompt

#: How pairs are formed of scenes.
GROUPS = "nouns"

Mode = Literal["captions", "refine", "scratch", "given"]

_ASK = (
    "Summarise what these images have in common and how they differ.",
    "What are the commonalities and differences of these images?",
    "Compare the images: what do they share, and what sets them apart?",
    "Look at the images and list their commonalities, then their differences.",
    "In which ways are these images alike, and in which are they different?",
    "Please compare these images and sum up what is the same and what is not.",
    "Describe the similarities and the differences that you see in these images.",
    "Give a structured comparison of the images, first commonalities, then differences.",
)
_WHICH = (
    'Which image does this caption belong to: "{caption}"? Answer with {options}.',
    'Which of the images fits the description "{caption}"? Answer with {options}.',
    '"{caption}" Which image is this about? Answer with {options}.',
    'Here is a caption: "{caption}" Choose the image that it describes, {options}.',
)
#: Words that are no reason why a caption fits one image and not the other.
_EMPTY = FUNCTION_WORDS | frozenset(listed("unseen")) | {"see", "seen", "show", "shows", "shown", "showing"}


@dataclass(frozen=True, slots=True)
class Item:
    """One group to summarise."""

    id: str
    source: Group
    mode: Mode
    axes: tuple[Axis, ...]
    question: str
    """The first turn."""
    which: tuple[str, str] | None
    """The second turn and its answer, if there is one."""
    images: tuple[str, ...] | None
    """None: those of the group; empty: the teacher gets none."""


def items(
    group: Group,
    here: Here,
    *,
    mode: Mode = "captions",
    axes: tuple[Axis, ...] = AXES,
    retrieval: bool = True,
) -> list[Item | Rejection]:
    """What to ask about a group.

    Args:
        mode: what the teacher is given.
        axes: aspects that the summary may have.
        retrieval: whether a second turn asks which image a caption fits. It is left out where no caption tells one
            image from the others.
    """
    missing = _missing(group, mode)
    if missing:
        return [Rejection(*missing, id=group.id)]
    question = here.rng.choice(_ASK)
    which = _which(group, here.rng) if retrieval else None
    images = () if mode == "captions" else None
    return [Item(f"{group.id}/comparison/{mode}", group, mode, axes or AXES, question, which, images)]


def prompt(item: Item) -> Prompt:
    """What a teacher is told."""
    return request(item.source, item.mode, item.axes)


def request(group: Group, mode: Mode, axes: tuple[Axis, ...] = AXES) -> Prompt:
    """What a teacher is told to summarise a group."""
    parts = [f"Aspects: {', '.join(axes)}."]
    if mode in ("captions", "given"):
        parts += [f"Image {n}:\n{told(scene)}" for n, scene in enumerate(group.scenes, 1)]
    elif mode == "refine":
        parts.append("Notes:\n" + "\n".join(f"- {quote(text)}" for text in group.captions if text.strip()))
    parts.append(f"Summarise the commonalities and differences of the {len(group.scenes)} images.")
    return template("comparison", mode).fill("\n\n".join(parts))


def offline(item: Item, rng: random.Random) -> str:
    """The reply made by rules from regions, attributes, relations and captions; in `refine`, from the notes as well.

    It is empty, and so rejected, where nothing is known of an image: that it has nothing in common may be wrong.
    """
    group = item.source
    if not all(scene.regions or any(map(str.strip, scene.captions)) for scene in group.scenes):
        return ""
    said = summary(group.scenes, rng, item.axes)
    found = read_summary(said, len(group.scenes))
    if item.mode != "refine" or isinstance(found, Rejection):
        return said
    known = tuple(point for point in found.different if point.axis)  # else it says that no difference is known
    notes = tuple(Point("", sentence(words(text).rstrip("."))) for text in group.captions if text.strip())
    return str(found._replace(different=known + notes))


def read(reply: str, item: Item) -> Example | Rejection:
    """An example from a teacher's summary, or why it is none."""
    found = read_summary(reply, len(item.source.scenes))
    if isinstance(found, Rejection):
        return found
    turns = [(item.question, str(found)), *([item.which] if item.which else [])]
    return conversation(item.id, item.source, turns, f"comparison/{item.mode}")


def conversation(id: str, group: Group, turns: list[tuple[str, str]], recipe: str) -> Example:
    """A conversation of plain text about all images of a group, which stand before the first question by number."""
    messages: list[Message] = []
    for question, answer in turns:
        asked = (Text(question),) if messages else (*_slots(len(group.scenes)), Text(question))
        messages += [Message("user", asked), Message("assistant", (Text(answer),))]
    refs = tuple(ImageRef(scene.image, scene.width, scene.height) for scene in group.scenes)
    return Example(id, refs, tuple(messages), recipe=recipe)


def told(scene: Scene) -> str:
    """The captions of a scene as a list, each in double quotes."""
    return "\n".join(f"- {quote(caption)}" for caption in scene.captions if caption.strip())


def _slots(count: int) -> tuple[Span, ...]:
    """`Image 1: <image>`, a line for each."""
    return tuple(span for k in range(count) for span in (Text(f"Image {k + 1}: "), ImageSlot(k), Text("\n")))


def _missing(group: Group, mode: Mode) -> tuple[str, str] | None:
    """Reason and detail, if the group lacks what the teacher is to be given."""
    without = next((scene.id for scene in group.scenes if not any(map(str.strip, scene.captions))), None)
    if mode in ("captions", "given") and without is not None:
        return "no-captions", f"scene {without} has none; mode scratch needs none"
    if mode == "refine" and not any(map(str.strip, group.captions)):
        return "no-differences", "the group has no text of its own to refine; mode scratch needs none"
    return None


def _which(group: Group, rng: random.Random) -> tuple[str, str] | None:
    """A caption and the image that it belongs to, drawn at random: first the image, then the caption."""
    said = [list(dict.fromkeys(filter(None, map(words, scene.captions)))) for scene in group.scenes]
    known = [_content(" ".join([*texts, *_annotated(scene)])) for texts, scene in zip(said, group.scenes)]
    for k in rng.sample(range(len(said)), len(said)):
        own = [text for text in said[k] if not any(_content(text) <= known[j] for j in range(len(said)) if j != k)]
        if own:
            names = [f"Image {n}" for n in range(1, len(said) + 1)]
            options = f"{', '.join(names[:-1])} or {names[-1]}"
            return rng.choice(_WHICH).format(caption=rng.choice(own), options=options), names[k]
    return None


def _annotated(scene: Scene) -> list[str]:
    """What regions and labels say."""
    return [*scene.labels, *(text for region in scene.regions for text in (region.label, *region.attributes))]


def _content(text: str) -> set[str]:
    """The words that tell what an image shows, without a plural's s."""
    found = set(re.findall(r"[a-z]+", text.lower())) - _EMPTY
    return {word[:-1] if word.endswith("s") and not word.endswith("ss") else word for word in found}
