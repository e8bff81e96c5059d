"""`vqa`: asks a teacher of each relation that boxes do not show whether the image shows it, yes or no.

Synthetic Visual Genome (section 2.1) asks a visual question answering model about interactional, functional, social and
emotional relations, and rules about spatial ones; here the model is also asked about what the rules leave open. One
request per relation, with the image, the names of the two regions and where they are; no coordinates. The rules that
answer offline know only the boxes: what is done by touch (holding, wearing, riding) needs boxes that meet.

Reasons: `denied`; `unreadable` for a reply that is neither yes nor no.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from relata import images as files
from relata.english.meanings import meaning
from relata.english.names import place
from relata.english.words import words
from relata.filters import Finding, geometry
from relata.prompts import template
from relata.quoting import quote
from relata.scene import Relation, Scene
from relata.teachers import Prompt, Request

Ask = Callable[[Request], Awaitable[str]]

#: What is done by touch: the boxes of the two have to meet. A ball that is kicked, thrown or caught may be in the air.
_TOUCH = frozenset(
    words(
        """
        biting carrying cutting dragging drinking driving eating gripping holding hugging kissing lifting petting
        pulling pushing riding stroking swinging wearing
        """
    )
) | {"leaning on", "lying on", "sitting on", "standing on", "walking on", "covering", "hanging from"}
_REPLY = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


async def find(scene: Scene, ask: Ask, *, images: str = "", spatial: bool = False) -> list[Finding]:
    """The relations of a scene that the teacher denies.

    Args:
        ask: gives the text of the teacher's reply.
        images: the folder that the scene's image path is relative to; the current one if not given.
        spatial: ask about relations that boxes show, too.

    Raises:
        NoReply: if the teacher cannot answer.
    """
    doubted = {finding.relation for finding in geometry.find(scene, strict=True)}
    asked = [n for n, r in enumerate(scene.relations) if spatial or n in doubted or not geometry.knows(r.predicate)]
    # one that fails waits for the others, whose replies may be paid for and have to be filed
    replies = await asyncio.gather(*(ask(_request(scene, n, Path(images))) for n in asked), return_exceptions=True)
    found = []
    for index, reply in zip(asked, replies, strict=True):
        if isinstance(reply, BaseException):
            raise reply
        found.append(_judged(index, reply))
    return [finding for finding in found if finding]


def _judged(index: int, reply: str) -> Finding | None:
    said = _REPLY.match(reply)
    if said is None:
        return Finding(index, "unreadable", reply[:80])
    return None if said[1].lower() == "yes" else Finding(index, "denied", reply.strip()[:80])


def _request(scene: Scene, index: int, root: Path) -> Request:
    relation = scene.relations[index]
    return Request(
        f"{scene.id}/vqa/{index}",
        prompt(scene, relation),
        (scene.image,),
        partial(offline, scene, relation),
        lambda: (files.read(scene.image, root),),
    )


def prompt(scene: Scene, relation: Relation) -> Prompt:
    """What the teacher is asked about a relation."""
    ends = [scene.region(id) for id in (relation.subject, relation.object)]
    first, second = (f"{quote(r.label)}, {place(r.box, scene.width, scene.height)}" for r in ends)
    claim = f"Claim: the first thing is {quote(relation.predicate)} the second thing."
    return template("vqa", "relation").fill(f"First thing: {first}\nSecond thing: {second}\n{claim}")


def offline(scene: Scene, relation: Relation) -> str:
    """The reply by rules: no, where boxes contradict it."""
    one = scene.replace(relations=(relation,))
    if geometry.find(one):
        return "no"
    said = meaning(relation.predicate)
    touch = said in _TOUCH or said.split(" ")[0] in _TOUCH
    apart = touch and geometry.find(one.replace(relations=(relation.replace(predicate="touching"),)))
    return "no" if apart else "yes"
