"""`people`: crops of people for re-identification, named as in Market-1501 or DukeMTMC, with their attributes.

A folder of `<person>_c<camera>s<sequence>_<frame>_<box>.jpg`, or `<person>_c<camera>_f<frame>.jpg`. A crop becomes a
scene of one region that fills it, labelled `person`, whose identity is the person's number; the camera is in the
provenance. Market-1501's distractors (`0000`) and detections that are nobody (`-1`) are rejected.

Attributes are Market-1501's or DukeMTMC's published file (`market_attribute.mat`, `duke_attribute.mat`), or your own:
CSV with the person's number in the first column and an attribute per further column, or JSON `{number: {name: value}}`
or `{number: [words]}`. A `yes` (or 1, true) is the attribute's name, `no` (or 0, false) its negative, `no hat`; any
other value is taken as it is. So the words are those of RelationVLM's labels (section 3.2): attributes, what is absent
too, then the colours of the clothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from relata.errors import RelataError
from relata.readers._attributes import attributes_of
from relata.readers._draft import Draft
from relata.readers._groups import beside
from relata.readers._json import short
from relata.readers._outcome import Item, Records, Rejected

FILES = ("*.jpg", "*.png")

_NAME = re.compile(r"(?P<person>-1|\d+)_c(?P<camera>\d+)(?:s(?P<sequence>\d+))?_f?(?P<frame>\d+)(?:_\d+)?")
_NOBODY = {"-1": "a detection that is no person (-1)", "0000": "a distractor (0000), whose identity is unknown"}


def join(files: Sequence[Path], images: Path | None, *, attributes: str = "", dataset: str = "") -> Records:
    """One scene per crop.

    Args:
        attributes: the file of attributes (`.mat`, `.csv` or `.json`).
        dataset: a word to tell the persons of this folder from those of another, e.g. `market`: an identity is then
            `market 0022`.
    """
    known = attributes_of(Path(attributes)) if attributes else None
    for path in files:
        try:
            yield _scene(path, images, known, dataset)
        except RelataError as error:
            yield Rejected(short(path), str(error))
    return len(files)


def _scene(path: Path, images: Path | None, known: dict[int, tuple[str, ...]] | None, dataset: str) -> Item:
    name = _NAME.fullmatch(path.name.partition(".")[0])
    if name is None:
        raise RelataError("is not named <person>_c<camera>s<sequence>_<frame>_<box>; name it so, or leave it out")
    person = name["person"]
    if person in _NOBODY:
        raise RelataError(f"is {_NOBODY[person]}, so it is left out")
    photo = beside(path, images, path.parent)
    draft = Draft(short(path), "people")
    if known is not None and int(person) not in known:
        draft.problem("attributes", f"person {person} is not in the file of attributes; the crop is kept without")
    words = (known or {}).get(int(person), ())
    identity = f"{dataset} {person}" if dataset else person
    draft.region(0, "person", (0, 0, photo.width, photo.height), words, identity=identity)
    told = {key: name[key] for key in ("camera", "sequence", "frame") if name[key]}
    return draft.finish(photo.image, photo, short(path), provenance=told)
