"""`llava`: LLaVA's conversations, read by LLaVA, its forks, InternVL and All-Seeing; a JSON list, or lines (`.jsonl`).

    {"id": "3", "image": "coco/1.jpg", "width": 640, "height": 480, "conversations": [
      {"from": "human", "value": "<image>\\nDescribe."},
      {"from": "gpt", "value": "A <ref>dog</ref><box>[[10, 300, 400, 800]]</box> ..."}]}

Several images are a list, with their sizes in `width_list` and `height_list` as InternVL has it; each is shown by its
own `<image>`, in order, and where an example does not say where its images stand, the first turn begins with
`Image 1: <image>`, `Image 2: <image>`, a line each (CaD-VI; a loader that moves `<image>` to the front must be told to
leave turns with more than one alone). LLaVA has no system turn. A preference has its worse answer in
`rejected_conversations`, beside the whole better conversation.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from relata.chat import Example, ImageRef, Preference
from relata.dialects import Dialect
from relata.errors import RelataError
from relata.formats._files import Entries, entries, present, sized, write_json
from relata.formats._turns import Entry, Refuse, Talk, rows, spelt, taken
from relata.readers._json import short
from relata.readers._outcome import Rejected
from relata.readers._photos import pixels

_FROM = {"user": "human", "assistant": "gpt"}


def write(
    records: Iterable[Example | Preference], out: Path, *, dialect: Dialect, images: Path | None, refuse: Refuse
) -> int:
    """Write one file; give the number of records in it."""

    def row(record: Talk) -> dict[str, Any]:
        said = spelt(record, dialect.write, system=False)
        present(said.images, images)
        turns = [{"from": _FROM[role], "value": text} for role, text in said.turns]
        found = {"id": said.id, **_shown(said.images), "recipe": said.recipe}
        if isinstance(record, Example):
            return {**found, "conversations": turns}
        answers = [[*turns, {"from": "gpt", "value": text}] for text in (said.chosen, said.rejected)]
        return {**found, "conversations": answers[0], "rejected_conversations": answers[1]}

    return write_json(out, rows(records, row, refuse))


def _shown(images: tuple[ImageRef, ...]) -> dict[str, Any]:
    if not images:
        return {}
    if len(images) == 1:
        return {"image": images[0].path, "width": images[0].width, "height": images[0].height}
    paths = [image.path for image in images]
    return {"image": paths, "width_list": [i.width for i in images], "height_list": [i.height for i in images]}


class _Turn(msgspec.Struct, rename={"role": "from"}):
    role: str
    value: str


class _Record(msgspec.Struct):
    conversations: list[_Turn]
    id: int | str = ""
    image: str | list[str] | None = None
    width: int | list[int] | None = None
    height: int | list[int] | None = None
    width_list: list[int] | None = None
    height_list: list[int] | None = None
    rejected_conversations: list[_Turn] | None = None
    recipe: str = ""


def read(path: Path, *, dialect: Dialect, images: Path | None = None, size: str = "") -> Entries:
    """Examples, and preferences where a record has a rejected conversation; and what was lost on the way.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where neither record nor image tells it.
    """
    assumed = pixels(size)

    def make(record: _Record, where: str, number: int) -> tuple[Talk, list[Rejected]]:
        turns = [(turn.role, turn.value) for turn in record.conversations]
        about = {"format": "llava", "file": short(path)}
        refs = _refs(record, images, assumed)
        id = str(record.id) if record.id != "" else f"{path.stem}/{number}"
        return taken(Entry(id, where, refs, turns, _worse(record), record.recipe, about), dialect.read)

    return (yield from entries(path, _Record, make))


def _refs(record: _Record, images: Path | None, assume: tuple[int, int] | None) -> tuple[ImageRef, ...]:
    paths = [record.image] if isinstance(record.image, str) else record.image or []
    widths, heights = _sides(record.width_list, record.width), _sides(record.height_list, record.height)
    if widths and heights and not len(paths) == len(widths) == len(heights):
        raise RelataError(f"{len(paths)} images but {len(widths)} widths and {len(heights)} heights")
    sizes = list(zip(widths, heights)) if widths and heights else [None] * len(paths)
    return tuple(sized(name, size, images, assume) for name, size in zip(paths, sizes))


def _sides(several: list[int] | None, one: int | list[int] | None) -> list[int]:
    return several or ([one] if isinstance(one, int) else one or [])


def _worse(record: _Record) -> str | None:
    if record.rejected_conversations is None:
        return None
    if not record.rejected_conversations or record.rejected_conversations[:-1] != record.conversations[:-1]:
        raise RelataError("its conversations differ before the last answer; a preference is about one answer")
    return record.rejected_conversations[-1].value
