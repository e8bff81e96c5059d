"""`deep_pcb`: DeepPCB, a flawless circuit board and a tested one, aligned, with boxes around the defects.

A text file per pair, a line `x1 y1 x2 y2 type` per defect, in pixels; `<id>.txt` in `<board>_not/` belongs to
`<id>_temp.jpg` and `<id>_test.jpg` in `<board>/` beside it. A pair becomes a group of two scenes, the flawless board
first; the defects are regions of the second one, numbered by line.
"""

from __future__ import annotations

from pathlib import Path

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._groups import beside, grouped
from relata.readers._json import short
from relata.readers._outcome import GroupItem, Records, Rejected

FILES = ("*/*_not/*.txt", "*_not/*.txt")

#: By the number that stands for them, from 1.
_DEFECTS = ("open circuit", "short circuit", "mouse bite", "spur", "spurious copper", "pinhole")


def read(annotations: Path, images: Path | None) -> Records:
    """The group of one pair."""
    try:
        yield _group(annotations.absolute(), images)
    except RelataError as error:
        yield Rejected(short(annotations), str(error))
    return 1


def _group(path: Path, images: Path | None) -> GroupItem:
    file, boards = short(path), path.parent.with_name(path.parent.name.removesuffix("_not"))
    flawless, tested = (
        beside(boards / f"{path.stem}_{kind}.jpg", images, boards.parents[1]) for kind in ("temp", "test")
    )
    draft = Draft(file, "deep_pcb")
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise RelataError(f"not a text in UTF-8 ({error}); fetch the file again") from error
    for number, line in enumerate(lines):
        if line.strip():
            _defect(draft, number, line)
    scenes = [
        Draft(file, "deep_pcb").finish(flawless.image, flawless, file),
        draft.finish(tested.image, tested, file),
    ]
    return grouped(path.stem, scenes, file, "deep_pcb")


def _defect(draft: Draft, number: int, line: str) -> None:
    try:
        x1, y1, x2, y2, kind = map(int, line.replace(",", " ").split())
    except ValueError:
        draft.no_region(number, f"is {line!r}, which is not written as: x1 y1 x2 y2 type")
        return
    if 1 <= kind <= len(_DEFECTS):
        draft.region(number, _DEFECTS[kind - 1], (x1, y1, x2, y2))
    else:
        draft.no_region(number, f"has type {kind}; there are types 1 to {len(_DEFECTS)}")
