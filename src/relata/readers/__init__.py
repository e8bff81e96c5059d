"""Readers: published annotation formats become scenes, or groups of scenes. One file per format; `psg.py` is `psg`.

Every reading ends with its counts: records read = kept + rejected, each rejection with place and reason.
"""

from __future__ import annotations

from relata.readers._merge import merge, read_many
from relata.readers._outcome import Partial, PartialGroup, Rejected
from relata.readers._reading import Reading, read

__all__ = ["Partial", "PartialGroup", "Reading", "Rejected", "merge", "read", "read_many"]
