"""`cad_inst`: CaD-Inst, CaD-VI's released conversations about pairs: a summary, and which image a text fits.

A record is `{id, image: [a, b], conversations: [{from, value}]}`; list and conversation may be strings that hold them,
as the dataset hub stores them. It becomes a group of two scenes: the first answer, the summary of what is common and
different, is the group's caption; the text of a later question (in quotes) is the caption of the image that the answer
names (`Image 2`). What else the conversation says is reported as left out; `relata import llava` keeps conversations
whole. Sizes are not published: name the folder of photos, or give `size`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._groups import grouped
from relata.readers._json import each, pieces, short
from relata.readers._outcome import GroupItem, Records, Rejected
from relata.readers._photos import Photos, pixels

FILES = ("*.json", "*.jsonl", "*.parquet")

_QUOTED = re.compile(r"[\"“]([^\"“”]+)[\"”]")
_NAMED = re.compile(r"\bimage ([12])\b", re.IGNORECASE)

T = TypeVar("T")


class _Turn(msgspec.Struct, rename={"role": "from"}):
    role: str
    value: str


class _Record(msgspec.Struct):
    image: str | list[str]
    conversations: str | list[_Turn]
    id: str | int = ""
    clip_sim_score: float | str | None = None

    @property
    def title(self) -> str:
        return f"record {self.id}" if self.id != "" else f"images {self.image}"


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos, assumed, file = Photos(images), pixels(size), short(annotations)

    def make(record: _Record, where: str) -> GroupItem:
        names = _parsed(record.image, tuple[str, str], "image")
        summary, *later = _asked(_parsed(record.conversations, list[_Turn], "conversations"))
        if not summary[1]:
            raise RelataError("its first answer, the summary, is empty; leave the record out")
        captions: tuple[list[str], list[str]] = ([], [])
        problems = []
        for number, (question, answer) in enumerate(later, start=2):
            texts, named = _QUOTED.findall(question), set(_NAMED.findall(answer))
            if len(texts) == 1 and len(named) == 1:
                captions[int(named.pop()) - 1].append(texts[0].strip())
            else:
                what = f"{answer[:60]!r} does not name the image of one text in quotes; `relata import llava` keeps it"
                problems.append(Rejected(f"{where} question {number}", what, part=True))
        shown = [photos.look_up(name, assume=assumed) for name in names]
        scenes = [
            Draft(where, "cad_inst").finish(photo.image, photo, file, captions=tuple(texts))
            for photo, texts in zip(shown, captions)
        ]
        score = {} if record.clip_sim_score is None else {"clip_sim_score": str(record.clip_sim_score)}
        id = str(record.id) or " ".join(names)
        return grouped(id, scenes, file, "cad_inst", problems, captions=(summary[1],), provenance=score)

    return (yield from each(annotations, pieces(annotations), _Record, make))


def _asked(turns: Sequence[_Turn]) -> list[tuple[str, str]]:
    """Questions with their answers.

    Raises:
        RelataError: if they do not alternate.
    """
    roles = [turn.role for turn in turns]
    if not turns or roles != ["human", "gpt"] * (len(turns) // 2):
        raise RelataError(f"turns are from {', '.join(roles) or 'nobody'}; they have to be from human, gpt, human, gpt")
    texts = [turn.value.strip() for turn in turns]
    return list(zip(texts[::2], texts[1::2]))


def _parsed(text: str | list[Any], type: type[T], field: str) -> T:
    """The value, or what a string holds: JSON, or a list as Python prints it."""
    value: Any = text
    try:
        if isinstance(text, str):
            try:
                value = msgspec.json.decode(text)
            except msgspec.DecodeError:
                value = ast.literal_eval(text)
        return msgspec.convert(value, type, from_attributes=True)
    except (msgspec.MsgspecError, ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise RelataError(f"{field} is {str(text)[:60]!r}: {error}; mend it in the file") from error
