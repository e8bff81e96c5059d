"""What a reader gives back for each record of a file."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

from relata.scene import Group, Record, Scene


class Rejected(Record, frozen=True):
    """A record that is no scene, or a part of one that was left out of it."""

    where: str
    """File and record, e.g. `data/psg.json: image 107902 relation 3`."""
    reason: str
    """The offending value and what to do."""
    part: bool = False
    """Only this part was left out; the rest of its record was kept, or belongs to no record."""


class Partial(NamedTuple):
    """A scene that was read without some parts of its record."""

    scene: Scene
    problems: tuple[Rejected, ...]


class PartialGroup(NamedTuple):
    """A group that was read without some parts of its record."""

    group: Group
    problems: tuple[Rejected, ...]


Item = Scene | Partial | Rejected
#: The same of a format whose records are pairs or clips.
GroupItem = Group | PartialGroup | Rejected

#: What a reader is: it yields one item per record, and returns how many records the file holds, so that the count of
#: what came out can be checked against the count of what went in.
Records = Generator[Item | GroupItem, None, int]
