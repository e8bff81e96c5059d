"""`flickr_entities`: Flickr30k Entities, captions whose phrases have boxes (`Sentences/*.txt`, `Annotations/*.xml`).

A sentence marks its phrases as `[/EN#42/people Two young men]`; the same number in several sentences is the same thing.
Boxes are xmin, ymin, xmax, ymax in pixels counted from 1, the last one inside, so `1 1 10 10` is [0, 0, 10, 10] here. A
box is one region: its label is the first phrase that names it, the other phrases are its description; things of several
people have several boxes, and so several regions. A thing without a box that is a scene becomes a label of the image.
Region ids are positions among the boxes. The words after the number (`people`, `clothing`) are not kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos

FILES = ("Annotations/*.xml", "Sentences/*.txt", "*.xml")

_PHRASE = re.compile(r"\[/EN#(\d+)((?:/\w+)+) ([^\]]+)\]")


def join(
    files: Sequence[Path], images: Path | None, *, split: Literal["all", "train", "val", "test"] = "all"
) -> Records:
    """One scene per photo: its boxes and its sentences, whichever are there.

    Args:
        split: only the photos listed in `train.txt`, `val.txt` or `test.txt`, beside the two folders.
    """
    parts: dict[str, dict[str, Path]] = {}
    for path in files:
        parts.setdefault(path.stem, {})[path.suffix] = path
        for twin in (path.parent.parent / "Annotations" / f"{path.stem}.xml", path.with_suffix(".xml")):
            if twin.is_file():
                parts[path.stem].setdefault(".xml", twin)
        for twin in (path.parent.parent / "Sentences" / f"{path.stem}.txt", path.with_suffix(".txt")):
            if twin.is_file():
                parts[path.stem].setdefault(".txt", twin)
    wanted = _listed(files[0].parent.parent / f"{split}.txt") if split != "all" else set(parts)
    photos, total = Photos(images), 0
    for id, own in parts.items():
        if id not in wanted:
            continue
        total += 1
        where = "; ".join(short(path) for path in own.values())
        try:
            yield _scene(id, own, Draft(f"{where}: image {id}", "flickr_entities"), photos, where)
        except RelataError as error:
            yield Rejected(f"{where}: image {id}", str(error))
    return total


def _listed(path: Path) -> set[str]:
    if not path.is_file():
        raise RelataError(f"{path} does not exist; it lists the photos of the split, one number a line")
    return set(path.read_text("utf-8").split())


def _scene(id: str, files: dict[str, Path], draft: Draft, photos: Photos, where: str) -> Item:
    captions, phrases = _sentences(files.get(".txt"))
    root = _root(files[".xml"]) if ".xml" in files else ElementTree.Element("annotation")
    size = (_whole(root, "size/width"), _whole(root, "size/height")) if root.find("size") is not None else None
    photo = photos.look_up(root.findtext("filename") or f"{id}.jpg", size)
    labels = []
    number = 0
    for thing in root.iter("object"):
        names = [name.text or "" for name in thing.findall("name")]
        said = list(dict.fromkeys(phrase for name in names for phrase in phrases.get(name, ())))
        box = thing.find("bndbox")
        if box is None:
            labels += said[:1] if thing.findtext("scene") == "1" else []
            continue
        try:
            x1, y1, x2, y2 = (_whole(box, side) for side in ("xmin", "ymin", "xmax", "ymax"))
        except RelataError as error:
            draft.no_region(number, str(error), said[0] if said else "")
        else:
            if said:
                draft.region(number, said[0], (x1 - 1, y1 - 1, x2, y2), (), "; ".join(said[1:]) or None)
            else:
                draft.no_region(number, f"is about {', '.join(names)}, which no sentence names")
        number += 1
    return draft.finish(id, photo, where, captions=tuple(captions), labels=tuple(dict.fromkeys(labels)))


def _sentences(path: Path | None) -> tuple[list[str], dict[str, list[str]]]:
    """The sentences in plain words, and the phrases by the number of what they name."""
    phrases: dict[str, list[str]] = {}
    captions = []
    try:
        lines = path.read_text("utf-8").split("\n") if path else []  # some sentences hold other breaks
    except UnicodeDecodeError as error:
        raise RelataError(f"{path}: no text in UTF-8 ({error}); fetch the file again") from error
    for line in filter(str.strip, lines):
        for match in _PHRASE.finditer(line):
            phrases.setdefault(match[1], []).append(match[3].strip())
        captions.append(_PHRASE.sub(lambda match: match[3], line).strip())
    return captions, phrases


def _root(path: Path) -> ElementTree.Element:
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # entities can grow without bound; annotations have none
        raise RelataError(
            f"{path}: declares a document type, which annotations have no need of: do not trust this file"
        )
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise RelataError(f"{path}: not whole, valid XML ({error}); fetch the file again") from error


def _whole(element: ElementTree.Element, name: str) -> int:
    text = element.findtext(name, "")
    if not re.fullmatch(r"\s*-?\d{1,9}\s*", text):
        raise RelataError(f"{name} is {text!r}, which is no whole number; mend it in the file")
    return int(text)
