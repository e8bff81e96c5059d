"""InternVL: ReC's tags, integers 0 to 1000 of the original image, truncated.

The rule is that of InternVL's page on grounding data, `int(x / width * 1000)`; tiling does not change it.
"""

from __future__ import annotations

from relata.dialects._tagged import Tagged
from relata.dialects.asmv2 import REC
from relata.geometry import Codec

VARIANTS = {"1000": Codec(full=1000, rounding="down")}


def make(name: str, variant: str) -> Tagged:
    return Tagged(name, VARIANTS[variant], REC)
