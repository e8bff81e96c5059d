"""Conversations as trainers read them: turns of text, with `<image>` once for every image, in the images' order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from relata.chat import Example, ImageRef, Message, Preference, Role
from relata.dialects import Dialect
from relata.dialects._scan import SLOT
from relata.dialects._tagged import Tagged
from relata.errors import RelataError
from relata.grounded import ImageSlot, Problem, Span, Text
from relata.readers._outcome import Rejected

Row = TypeVar("Row")
Talk = Example | Preference
Write = Callable[[Sequence[Span], Sequence[ImageRef]], str]
Read = Callable[[str, Sequence[ImageRef]], tuple[tuple[Span, ...], list[Problem]]]
Refuse = Callable[[Rejected], None]


class Spelt(NamedTuple):
    """A conversation in a dialect."""

    id: str
    recipe: str
    images: tuple[ImageRef, ...]
    turns: list[tuple[Role, str]]
    """All turns of an example; of a preference those up to the answer."""
    chosen: str = ""
    rejected: str = ""


def for_trainers(dialect: Dialect) -> Dialect:
    """The dialect with `<image>` for an image, as trainers expect, whatever the family itself writes (RelationVLM)."""
    if isinstance(dialect, Tagged) and dialect.markup.empty_is_slot:
        return replace(dialect, markup=replace(dialect.markup, empty_is_slot=False))
    return dialect


def spelt(record: Talk, write: Write, system: bool = True) -> Spelt:
    """A record's turns as text.

    Args:
        system: whether the format has a place for a system turn.

    Raises:
        RelataError: if turns do not alternate, no turn can show an image, or the dialect lost one.
    """
    _alternate(record, system)
    ready = as_shown(record)
    turns: list[tuple[Role, str]] = [(message.role, write(message.spans, ready.images)) for message in ready.messages]
    found = Spelt(ready.id, ready.recipe, ready.images, turns)
    if isinstance(ready, Preference):
        chosen, rejected = write(ready.chosen, ready.images), write(ready.rejected, ready.images)
        if chosen == rejected:
            raise RelataError("both answers read the same in this dialect")
        found = found._replace(chosen=chosen, rejected=rejected)
    shown = sum(text.count(SLOT) for _, text in turns)
    if shown != len(ready.images):
        raise RelataError(f"{len(ready.images)} images but {shown} {SLOT} tokens")
    return found


def as_shown(record: Talk) -> Talk:
    """The record with each image shown once, and its images in the order in which they are shown."""
    return _in_order(_shown(record))


def _alternate(record: Talk, system: bool) -> None:
    roles = [message.role for message in record.messages]
    if roles[:1] == ["system"]:
        if not system:
            raise RelataError("has a system turn, for which the format has no place; put it into the first question")
        roles = roles[1:]
    ends: Role = "user" if isinstance(record, Preference) else "assistant"
    wanted: list[Role] = ["user", "assistant"]
    if roles != [wanted[k % 2] for k in range(len(roles))] or roles[-1] != ends:
        raise RelataError(f"turns are {', '.join(roles)}; trainers need user and assistant in turn, up to an answer")


def _shown(record: Talk) -> Talk:
    """The record with image slots; where it has none they go in front of the first turn of the user.

    Several images are named, `Image 1: <image>`, as CaD-VI does; boxes in the second image are written with its name.
    """
    slots = any(isinstance(span, ImageSlot) for message in record.messages for span in message.spans)
    if slots or not record.images:
        return record
    several = len(record.images) > 1
    front: list[Span] = []
    for image in range(len(record.images)):
        front += [*([Text(f"Image {image + 1}: ")] if several else []), ImageSlot(image), Text("\n")]
    first = next(k for k, message in enumerate(record.messages) if message.role == "user")
    messages = list(record.messages)
    messages[first] = messages[first].replace(spans=(*front, *messages[first].spans))
    return record.replace(messages=tuple(messages))


def _in_order(record: Talk) -> Talk:
    """The record with its images in the order in which they are shown, since `<image>` has no number."""
    order = [span.image for message in record.messages for span in message.spans if isinstance(span, ImageSlot)]
    if order == sorted(order):
        return record
    place = {image: k for k, image in enumerate(order)}

    def moved(spans: Iterable[Span]) -> tuple[Span, ...]:
        return tuple(span if isinstance(span, Text) else span.replace(image=place[span.image]) for span in spans)

    messages = tuple(Message(message.role, moved(message.spans)) for message in record.messages)
    images = tuple(record.images[image] for image in order)
    regions = tuple(record.regions[image] for image in order) if record.regions else ()
    found = record.replace(messages=messages, images=images, regions=regions)
    if isinstance(record, Preference):
        return found.replace(chosen=moved(record.chosen), rejected=moved(record.rejected))
    return found


def rows(records: Iterable[Talk], row: Callable[[Talk], Row], refuse: Refuse) -> Iterator[Row]:
    """What `row` makes of each record; `refuse` is told of those that cannot be written."""
    for record in records:
        try:
            yield row(record)
        except RelataError as error:
            refuse(Rejected(f"{type(record).__name__.lower()} {record.id}", str(error)))


class Entry(NamedTuple):
    """A conversation as a file of another tool holds it."""

    id: str
    where: str
    images: tuple[ImageRef, ...]
    turns: Sequence[tuple[str, str]]
    """Role, by any of its names, and text; of a preference with the chosen answer."""
    rejected: str | None = None
    """The worse answer, of a preference."""
    recipe: str = ""
    provenance: dict[str, str] = {}


#: What the roles are called.
_ROLES: dict[str, Role] = {
    "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant", "system": "system",
}  # fmt: skip


def taken(entry: Entry, read: Read) -> tuple[Talk, list[Rejected]]:
    """The example, or preference, that an entry says, and the parts of it that were lost.

    Raises:
        RelataError: if it cannot be one.
    """
    messages: list[Message] = []
    lost: list[Rejected] = []
    slots = 0

    def grounded(number: int, text: str) -> tuple[Span, ...]:
        nonlocal slots
        spans, problems = read(text, entry.images)
        lost.extend(
            Rejected(f"{entry.where} turn {number} character {p.at}", f"{p.kind}: {p.text!r}", part=True)
            for p in problems
        )
        if SLOT in text:  # a reader counts the images of one text
            spans = tuple(s.replace(image=s.image + slots) if isinstance(s, ImageSlot) else s for s in spans)
        slots += sum(isinstance(span, ImageSlot) for span in spans)
        return spans

    for number, (role, text) in enumerate(entry.turns):
        if role not in _ROLES:
            raise RelataError(f"turn {number} is from {role!r}; expected one of {', '.join(_ROLES)}")
        messages.append(Message(_ROLES[role], grounded(number, text)))
    rejected = None if entry.rejected is None else grounded(len(messages), entry.rejected)
    if slots not in (0, len(entry.images)):
        raise RelataError(f"{len(entry.images)} images but {slots} {SLOT} tokens; mend the record in the file")
    if not slots and entry.images:
        lost.append(Rejected(entry.where, f"no {SLOT} says where its images stand; they come first", part=True))
    about = entry.recipe, entry.provenance
    if rejected is None:
        return Example(entry.id, entry.images, tuple(messages), (), *about), lost
    if not messages or messages[-1].role != "assistant":
        raise RelataError("has a rejected answer but no chosen one at its end")
    chosen = messages.pop().spans
    return Preference(entry.id, entry.images, tuple(messages), chosen, rejected, (), *about), lost
