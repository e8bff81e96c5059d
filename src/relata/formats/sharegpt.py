"""`sharegpt`: messages with a list of images, for ms-swift and LLaMA-Factory; a JSON list, or lines (`.jsonl`).

    {"id": "3", "messages": [{"role": "user", "content": "<image>Describe."}, {"role": "assistant", ...}],
     "images": ["coco/1.jpg"]}

Option `layout`: `messages` as above, or `conversations` with `from` and `value`, ShareGPT's own. Option `objects`:
boxes apart from the text as ms-swift's placeholders `<ref-object>` and `<bbox>`, in pixels of the original image; then
no dialect is needed, since ms-swift writes boxes as its model wants them, and nothing is rounded. With a dialect, boxes
are in the text, and the trainer leaves them alone.

A preference has the worse answer in `rejected_response` beside the messages (ms-swift), or `chosen` and `rejected`
beside the conversation that leads to them (LLaMA-Factory). Boxes of both answers have no place among ms-swift's
objects: give preferences a dialect.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from relata.chat import Example, ImageRef, Preference
from relata.dialects import Dialect
from relata.errors import RelataError
from relata.formats._files import Entries, entries, present, sized, write_json
from relata.formats._swift import Objects, Reader, Writer
from relata.formats._turns import Entry, Refuse, Spelt, Talk, rows, spelt, taken
from relata.readers._json import short
from relata.readers._outcome import Rejected
from relata.readers._photos import pixels

Layout = Literal["messages", "conversations"]

_FROM = {"user": "human", "assistant": "gpt", "system": "system"}


def write(
    records: Iterable[Example | Preference],
    out: Path,
    *,
    dialect: Dialect | None = None,
    images: Path | None,
    refuse: Refuse,
    layout: Layout = "messages",
    objects: bool = False,
) -> int:
    """Write one file; give the number of records in it.

    Args:
        layout: names of the fields; see above.
        objects: boxes as placeholders; without them a dialect is needed.

    Raises:
        RelataError: if both a dialect and placeholders are asked for, or neither.
    """
    if objects == (dialect is not None):
        raise RelataError("sharegpt writes boxes in a dialect, or as placeholders with objects=true: give one of them")

    def row(record: Talk) -> dict[str, Any]:
        if dialect is not None:
            said = spelt(record, dialect.write)
            apart: dict[str, Any] = {}
        elif isinstance(record, Preference):
            raise RelataError("ms-swift has no place for the boxes of a rejected answer; give a dialect instead")
        else:
            writer = Writer()
            said = spelt(record, writer.write)
            apart = {"objects": writer.objects}
        present(said.images, images)
        return {**body(said, layout), **apart, "recipe": said.recipe}

    return write_json(out, rows(records, row, refuse))


def body(said: Spelt, layout: Layout) -> dict[str, Any]:
    """A record's id, turns and images; of a preference with its answers."""
    images = {"images": [image.path for image in said.images]}
    sizes = {"width": [image.width for image in said.images], "height": [image.height for image in said.images]}
    if layout == "conversations":
        turns = [{"from": _FROM[role], "value": text} for role, text in said.turns]
        ends = {"chosen": said.chosen, "rejected": said.rejected} if said.chosen else {}
        answers = {name: {"from": "gpt", "value": text} for name, text in ends.items()}
        return {"id": said.id, "conversations": turns, **answers, **images, **sizes}
    messages = [{"role": role, "content": text} for role, text in said.turns]
    if not said.chosen:
        return {"id": said.id, "messages": messages, **images, **sizes}
    messages.append({"role": "assistant", "content": said.chosen})
    return {"id": said.id, "messages": messages, "rejected_response": said.rejected, **images, **sizes}


class _Message(msgspec.Struct):
    role: str
    content: str


class _Turn(msgspec.Struct, rename={"role": "from", "content": "value"}):
    role: str
    content: str


class _Record(msgspec.Struct):
    messages: list[_Message] = []
    conversations: list[_Turn] = []
    images: list[str] = []
    id: int | str = ""
    width: list[int] = []
    height: list[int] = []
    objects: Objects | None = None
    rejected_response: str | None = None
    chosen: _Turn | None = None
    rejected: _Turn | None = None
    recipe: str = ""


def read(path: Path, *, dialect: Dialect | None = None, images: Path | None = None, size: str = "") -> Entries:
    """Examples, and preferences where a record has a rejected answer; and what was lost on the way.

    Both layouts are read, records with `objects` by their placeholders, others in the dialect.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where neither record nor image tells it.
    """
    assumed = pixels(size)

    def make(record: _Record, where: str, number: int) -> tuple[Talk, list[Rejected]]:
        turns = [(turn.role, turn.content) for turn in record.messages or record.conversations]
        if not turns:
            raise RelataError("has neither messages nor conversations; is it a file of another format?")
        worse = record.rejected_response
        if record.chosen and record.rejected:
            turns.append((record.chosen.role, record.chosen.content))
            worse = record.rejected.content
        about = {"format": "sharegpt", "file": short(path)}
        id = str(record.id) if record.id != "" else f"{path.stem}/{number}"
        entry = Entry(id, where, _refs(record, images, assumed), turns, worse, record.recipe, about)
        if record.objects is not None:
            reader = Reader(record.objects)
            found = taken(entry, reader.read)
            reader.finish()
            return found
        if dialect is None:
            raise RelataError("has no objects, so its boxes are in the text: name the dialect they are written in")
        return taken(entry, dialect.read)

    return (yield from entries(path, _Record, make))


def _refs(record: _Record, images: Path | None, assume: tuple[int, int] | None) -> tuple[ImageRef, ...]:
    sizes: list[tuple[int, int] | None] = list(zip(record.width, record.height))
    if not sizes:
        sizes = [None] * len(record.images)
    if len(sizes) != len(record.images):
        raise RelataError(f"{len(record.images)} images but {len(sizes)} sizes")
    return tuple(sized(name, one, images, assume) for name, one in zip(record.images, sizes))
