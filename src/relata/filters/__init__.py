"""A filter keeps an example, or rejects it with a reason. Rejected ones are kept in a file of their own."""

from __future__ import annotations

from typing import NamedTuple

from relata.scene import Record


class Rejection(Record, frozen=True):
    """Why something did not become an example."""

    reason: str
    """A short fixed word, e.g. `unknown-region`: what reports count."""
    detail: str = ""
    """The offending value."""
    id: str = ""
    """Id of the request, or of the scene if the whole scene was turned away."""
    reply: str = ""
    """The teacher's reply, whole."""
    failed: bool = False
    """The teacher gave no reply; asking again may help. Otherwise the reply, or the scene, is at fault."""


class Finding(NamedTuple):
    """What is wrong with one relation of a scene."""

    relation: int
    """Its position in `scene.relations`."""
    reason: str
    """A short fixed word, e.g. `contradicted`: what reports count."""
    detail: str
    """The offending value, for a person to read."""
