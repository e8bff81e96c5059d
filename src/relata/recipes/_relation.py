"""What the recipes of RelationVLM share: a teacher describes how images are related, then makes a dialogue of that.

The paper's two calls (section 3.2, equation 1). The first is given the labels of all images, regions numbered through
all of them (`relata.across`), and writes the description; the second is given the description alone, and writes a
question and an answer that keeps all of the description's entities, so that no box is lost on the way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from relata import across
from relata.chat import Example, ImageRef, Message, Role
from relata.filters import Rejection, validity
from relata.grounded import ImageSlot, Predicate, Problem, Span, Text
from relata.prompts import sheet, template
from relata.quoting import quote
from relata.recipes.rec import turns_of as turns
from relata.scene import Group, Scene
from relata.teachers import Prompt

Step = Literal["frame", "describe", "dialogue", "order"]

_CITED = re.compile(r"\[(\d+)\]")
_ROLES: tuple[Role, Role] = ("user", "assistant")
_YES_NO = re.compile(r"\W*(yes|no)\b", re.I)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to ask a teacher: for a description, or for the dialogue that comes of one.

    `temporal` also asks for the caption of a frame, and for the order of frames.
    """

    id: str
    recipe: str
    """Recipe and kind, e.g. `contrast/identity`."""
    source: Group
    step: Step = "describe"
    description: str = ""
    """What the first step said, with citations by number."""
    images: tuple[str, ...] | None = None
    """The images that go with the prompt; None: those of the group."""
    root: Path | None = None
    """The folder that the images are relative to, where that is not the run's folder of images."""


def first(recipe: str, group: Group, root: Path | None = None) -> Item:
    """The item that asks for a description."""
    return Item(f"{group.id}/{recipe}/describe", recipe, group, root=root)


def pair(recipe: str, group: Group) -> Item | Rejection:
    """The item that asks how two images are related, or why there is none."""
    count = len(group.scenes)
    if count != 2:
        return Rejection("not-a-pair", f"{count} images; comparison takes groups of any size", group.id)
    return first(recipe, group)


def fill(item: Item, name: str, known: str) -> Prompt:
    """The prompt of either step.

    Args:
        name: the recipe, whose folder holds `describe.md` and `dialogue.md`.
        known: what a teacher is told in the first step.
    """
    if item.step == "describe":
        return template(name, "describe").fill(known)
    return template(name, "dialogue").fill(f"Images: {len(item.source.scenes)}\n\nDescription:\n{item.description}")


def sheets(group: Group, title: str = "Image") -> str:
    """What a teacher is told of several images: each as `sheet` does, with the regions numbered through all of them."""
    return "\n\n".join(
        f"{title} {image + 1}\n\n{numbered(scene, across.before(group.scenes, image))}"
        for image, scene in enumerate(group.scenes)
    )


def numbered(scene: Scene, before: int) -> str:
    """The sheet of a scene, its regions counted from `before` + 1."""
    labels = f"Labels: {', '.join(map(quote, scene.labels))}\n\n" if scene.labels else ""
    if not scene.regions:
        said = "\n".join(f"- {quote(caption)}" for caption in scene.captions if caption.strip())
        return f"{labels}Captions:\n{said}" if said else f"{labels}No objects are listed."
    # whatever else could look like a number in brackets has been taken out of labels and captions by the sheet
    return labels + _CITED.sub(lambda match: f"[{int(match[1]) + before}]", sheet(scene))


def described(reply: str, item: Item) -> Item | Rejection:
    """The item that asks for the dialogue, if the description is sound.

    Rejected are citations that cannot be read, descriptions of nothing, and those that cite regions of one image only
    where all have some (`one-sided`): they tell nothing about how the images are related.
    """
    text = reply.strip()
    if not text:
        return Rejection("empty-reply", "no description; by rules there is none where nothing is annotated")
    spans, problems = across.read(text, item.source.scenes)
    if problems:
        return refused(problems[0])
    cited = {image for image, _ in across.entities(spans)}
    missing = [k + 1 for k, scene in enumerate(item.source.scenes) if scene.regions and k not in cited]
    if missing and len(item.source.scenes) == 2 and all(scene.regions for scene in item.source.scenes):
        return Rejection("one-sided", f"no region of image {missing[0]} is cited")
    if not cited and any(scene.regions for scene in item.source.scenes):
        return Rejection("no-mention", "no region is named")
    return replace(item, id=item.id.removesuffix("/describe"), step="dialogue", description=text, images=())


def dialogue(reply: str, item: Item, verdict: bool | None = None) -> Example | Rejection:
    """The example that comes of the second reply.

    Rejected are replies without question and answer, that lose a region or relation of the description
    (`lost-entity`), that say yes where no is true (`wrong-verdict`), and what breaks the rules of `filters.validity`.

    Args:
        verdict: what the first answer has to begin with, yes or no.
    """
    pairs = turns(reply)
    if not pairs:
        return Rejection("no-turns", "expected lines that begin with Q: and A: in turn")
    scenes = item.source.scenes
    messages: list[Message] = []
    for pair in pairs:
        for role, text in zip(_ROLES, pair):
            spans, problems = across.read(text, scenes)
            if problems:
                return refused(problems[0])
            messages.append(Message(role, spans if messages else (*slots(len(scenes)), *spans)))
    said = [span for message in messages if message.role == "assistant" for span in message.spans]
    lost = _lost(across.read(item.description, scenes)[0], said)
    if lost:
        return Rejection("lost-entity", lost)
    if verdict is not None:
        begins = _YES_NO.match(pairs[0][1])
        if begins is None or (begins[1].lower() == "yes") != verdict:
            return Rejection("wrong-verdict", f"the answer has to begin with {'Yes' if verdict else 'No'}")
    return example(item.id, item.recipe, item.source, tuple(messages))


def example(id: str, recipe: str, group: Group, messages: tuple[Message, ...]) -> Example | Rejection:
    """An example over all images of a group, if it keeps the rules."""
    refs = tuple(ImageRef(scene.image, scene.width, scene.height) for scene in group.scenes)
    boxes = tuple(tuple(region.box for region in scene.regions) for scene in group.scenes)
    made = Example(id, refs, messages, boxes, recipe)
    if not any(boxes):
        return made  # nothing can be named, so there is nothing that the rules could be broken of
    return validity.check(made) or made


def slots(count: int) -> tuple[Span, ...]:
    """The images of a group, in a row before the question."""
    return (*(ImageSlot(image) for image in range(count)), Text("\n"))


def refused(problem: Problem) -> Rejection:
    return Rejection(problem.kind, f"{problem.text} at character {problem.at}")


def _lost(before: tuple[Span, ...], said: list[Span]) -> str:
    """What the description names and the answers do not: a region or a relation; empty if there is nothing."""
    missing = across.entities(before) - across.entities(said)
    if missing:
        image, box = min(missing)
        return f"a region of image {image + 1} at {[round(v) for v in box.tuple()]}"
    kept = {(span.image, span.subjects, span.objects) for span in said if isinstance(span, Predicate)}
    gone = [s for s in before if isinstance(s, Predicate) and (s.image, s.subjects, s.objects) not in kept]
    return f"relation {gone[0].text!r}" if gone else ""
