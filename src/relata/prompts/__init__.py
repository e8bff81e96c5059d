"""Prompts as text files: `<recipe>/<kind>.md` holds the task, then worked examples, to be read by people too.

The task, in our own words ...
=== request
what a teacher would be given
=== reply
what it should answer
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from relata.english.names import place
from relata.quoting import quote
from relata.scene import Scene
from relata.teachers import Prompt

_FOLDER = Path(__file__).parent
_MARK = re.compile(r"^=== (?:request|reply)\n", re.MULTILINE)


class Template(NamedTuple):
    """A prompt file, taken apart."""

    system: str
    turns: tuple[tuple[str, str], ...]
    version: str

    def fill(self, user: str) -> Prompt:
        """The prompt with a request at its end."""
        return Prompt(self.system, self.turns, user, self.version)


@lru_cache
def template(recipe: str, kind: str) -> Template:
    """The prompt file of one kind of a recipe's requests."""
    text = (_FOLDER / recipe / f"{kind}.md").read_text(encoding="utf-8")
    system, *turns = (part.strip() for part in _MARK.split(text))
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return Template(system, tuple(zip(turns[::2], turns[1::2], strict=True)), version)


def digest(recipe: str) -> str:
    """A digest of all prompt files of a recipe; empty if it has none."""
    files = sorted((_FOLDER / recipe).glob("*.md"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12] if files else ""


def sheet(scene: Scene) -> str:
    """What a teacher is told of a scene: captions, regions as `[n] "label", place`, relations. No coordinates.

    All that annotators wrote stands in double quotes, see `relata.quoting`; what is outside them is ours.
    """
    parts = []
    captions = [quote(caption) for caption in scene.captions if caption.strip()]
    if captions:
        parts.append("Captions:\n" + "\n".join(f"- {caption}" for caption in captions))
    parts.append("Objects:\n" + "\n".join(_object(scene, index) for index in range(len(scene.regions))))
    at = {region.id: f"[{n}] {quote(region.label)}" for n, region in enumerate(scene.regions, 1)}
    relations = [f"{at[r.subject]} -> {quote(r.predicate)} -> {at[r.object]}" for r in scene.relations]
    if relations:
        parts.append("Relations:\n" + "\n".join(relations))
    return "\n\n".join(parts)


def _object(scene: Scene, index: int) -> str:
    region = scene.regions[index]
    looks = f" ({', '.join(map(quote, region.attributes))})" if region.attributes else ""
    return f"[{index + 1}] {quote(region.label)}{looks}, {place(region.box, scene.width, scene.height)}"
