"""`cub`: birds of CUB-200-2011, one per photo: the folder that holds `images.txt`.

`bounding_boxes.txt` gives x, y, width, height in pixels. The region of a bird is labelled with its species in words
(`001.Black_footed_Albatross` is `Black footed Albatross`); its attributes are written in words
(`has_bill_shape::dagger` is `dagger bill shape`). Sizes of photos are not published: name the folder of photos, or else
the extent of the box stands in (provenance `size: boxes`). Places of parts are points, which regions cannot hold: they
are not read.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Literal

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos

FILES = ("images.txt",)


def read(
    annotations: Path, images: Path | None, *, split: Literal["all", "train", "test"] = "all", certainty: int = 3
) -> Records:
    """One scene per line of `images.txt`; the other files are found from there.

    Args:
        split: only photos of this split, by `train_test_split.txt`.
        certainty: keep attributes of which the annotator was at least so sure: 1 not visible, 2 guessing, 3 probably, 4
            definitely.
    """
    root, name = annotations.parent, short(annotations)
    species = {number: _species(words) for number, words in _table(root / "classes.txt", 2)}
    classes = {cut[0]: cut[1] for cut in _table(root / "image_class_labels.txt", 2)}
    boxes = {id: sides for id, *sides in _table(root / "bounding_boxes.txt", 5)}
    splits = _table(root / "train_test_split.txt", 2) if split != "all" else ()
    train = {id for id, flag in splits if flag == "1"}
    attributes = yield from _attributes(root, certainty)
    photos, total = Photos(images), 0
    for number, cut in _lines(annotations, 2):
        if split != "all" and (cut[0] in train) != (split == "train"):
            continue
        total += 1
        draft = Draft(f"{name}: line {number} (image {cut[0]})", "cub")
        try:
            if len(cut) < 2:
                raise RelataError(f"{' '.join(cut)!r} is not written as: number path; mend the line in the file")
            id, path = cut
            if id not in boxes:
                raise RelataError("has no line in bounding_boxes.txt; add it")
            label = species.get(classes.get(id, ""))
            if label is None:
                raise RelataError("has no species in image_class_labels.txt and classes.txt; mend them")
            yield _scene(id, path, label, boxes[id], attributes.get(id, []), draft, photos, name)
        except RelataError as error:
            yield Rejected(draft.where, str(error))
    return total


def _scene(
    id: str, path: str, label: str, sides: list[str], words: list[str], draft: Draft, photos: Photos, file: str
) -> Item:
    try:
        x, y, width, height = map(float, sides)
    except ValueError as error:
        raise RelataError(f"its box is {sides}, which are not four numbers; mend bounding_boxes.txt") from error
    box = (x, y, x + width, y + height)
    draft.region(0, label, box, tuple(dict.fromkeys(words)))
    return draft.finish(id, photos.look_up(path, boxes=[box]), file)


def _lines(path: Path, fields: int) -> Iterator[tuple[int, list[str]]]:
    """The lines of a file with their numbers, from 1, cut at spaces into at most so many fields; empty ones are
    skipped.

    Raises:
        RelataError: if the file is missing, or no text.
    """
    if not path.is_file():
        raise RelataError(f"{path} does not exist; it belongs to the data set, put it back")
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                if cut := line.strip().split(None, fields - 1):
                    yield number, cut
    except UnicodeDecodeError as error:
        raise RelataError(f"{path}: no text in UTF-8 ({error}); fetch the file again") from error


def _table(path: Path, fields: int) -> Iterator[list[str]]:
    """Lines that all have so many fields.

    Raises:
        RelataError: if one has not.
    """
    for number, cut in _lines(path, fields):
        if len(cut) != fields:
            raise RelataError(f"{path}: line {number} is {' '.join(cut)!r}, which has not {fields} fields; mend it")
        yield cut


def _attributes(root: Path, certainty: int) -> Generator[Rejected, None, dict[str, list[str]]]:
    """Attributes in words by image; gives the lines that cannot be read: the published file has some."""
    labels = root / "attributes" / "image_attribute_labels.txt"
    places = (root / "attributes" / "attributes.txt", root / "attributes.txt", root.parent / "attributes.txt")
    named = next(filter(Path.is_file, places), None)
    found: dict[str, list[str]] = {}
    if not labels.is_file() or named is None:
        return found
    words = {number: _words(name) for number, name in _table(named, 2)}
    with labels.open(encoding="utf-8", errors="backslashreplace") as file:
        for number, line in enumerate(file, start=1):
            cut = line.split()
            if len(cut) < 4 or not cut[3].isdigit() or cut[2] not in ("0", "1") or cut[1] not in words:
                if cut:
                    yield Rejected(
                        f"{short(labels)}: line {number}",
                        f"{line.strip()[:80]!r} is not written as: image attribute present certainty time",
                        part=True,
                    )
            elif cut[2] == "1" and int(cut[3]) >= certainty:
                found.setdefault(cut[0], []).append(words[cut[1]])
    return found


def _species(words: str) -> str:
    return re.sub(r"^\d+\.", "", words).replace("_", " ")


def _words(name: str) -> str:
    """`has_bill_length::shorter_than_head` is `bill length shorter than head`; other values stand before their part."""
    part, _, value = name.removeprefix("has_").replace("_", " ").partition("::")
    value = re.sub(r"\s*\(.*?\)", "", value)
    return f"{part} {value}" if re.search(r"\b(than|as)\b", value) else f"{value} {part}"
