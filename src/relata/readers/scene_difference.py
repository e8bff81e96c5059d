"""`scene_difference`: pairs of images with their differences in words, MIMIC-IT's `SD_` and `CGD_instructions.json`.

A record is `{instruction, answer, image_ids: [a, b], rel_ins_ids}` under its id; it becomes a group of two scenes whose
caption is the answer. General pairs (`CGD_IMG_000000123456`) are COCO photos and are found under COCO's names; other
images are `<image id>.jpg`. Sizes are not published: name the folder of photos, or give `size`. Instructions about one
pair (`rel_ins_ids`) stay groups of their own. CaD-VI's phase 2 rewrites these texts (section 3.2).
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._groups import pair
from relata.readers._json import keyed, load, short
from relata.readers._outcome import GroupItem, Records
from relata.readers._photos import Photos, pixels

FILES = ("SD_instructions.json", "CGD_instructions.json")


class _Record(msgspec.Struct):
    answer: str
    image_ids: tuple[str, str]
    instruction: str = ""
    rel_ins_ids: list[str] = []


class _File(msgspec.Struct):
    data: dict[str, msgspec.Raw]


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Groups of one file of instructions.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where no photo tells it (provenance `size: assumed`).
    """
    photos, assumed = Photos(images), pixels(size)

    def make(id: str, record: _Record, where: str) -> GroupItem:
        if not record.answer.strip():
            raise RelataError("its answer is empty, so nothing is said of the pair; leave the record out")
        shown = [photos.look_up(_file_name(image), assume=assumed) for image in record.image_ids]
        about = {"instruction": record.instruction, "related": ", ".join(record.rel_ins_ids)}
        provenance = {key: value for key, value in about.items() if value}
        captions = (record.answer.strip(),)
        return pair(id, shown, short(annotations), "scene_difference", captions=captions, provenance=provenance)

    return (yield from keyed(annotations, load(annotations, _File).data, "record", _Record, make))


def _file_name(image: str) -> str:
    coco = re.fullmatch(r"CGD_IMG_(\d{12})", image)
    return f"{coco[1] if coco else image}.jpg"
