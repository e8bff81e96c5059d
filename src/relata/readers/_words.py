"""Published label names in plain words."""

from __future__ import annotations

import re

#: COCO's panoptic classes end in these when they gather several finer classes, e.g. `sky-other-merged`.
_SUFFIXES = ("-merged", "-other", "-stuff")


def clean(label: str) -> str:
    """`sky-other-merged` is `sky`, `door-stuff` is `door`, LVIS's `bat_(animal)` is `bat`; `wall-brick` stays."""
    while label.endswith(_SUFFIXES):
        label = label.rpartition("-")[0]
    return re.sub(r"_?\(.*?\)", "", label).replace("_", " ").strip()


def same(label: str) -> str:
    """The form in which two labels are compared: `Power lines` is `line`, as is `line`."""
    words = clean(label).casefold().split()
    return re.sub(r"(?<=[^s])s$", "", words[-1]) if words else ""
