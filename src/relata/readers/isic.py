"""`isic`: photos of skin lesions: metadata or ground truth of the ISIC archive and challenges, as CSV.

A table names photos in a column `isic_id`, `image`, `image_id` or `image_name`. What they show stands in columns of
words (`diagnosis`, `dx`, `benign_malignant` and others), in columns of 0 and 1 with the challenges' short names (`MEL`
is `melanoma`), or in a column `target`, where 1 is malignant. The tables of 2016 have no line of names; their columns
are the photo, and `benign` or `malignant`, or 0 or 1. All become labels of the image, in small letters. A folder of
segmentations gives the lesion as a region. Sizes of photos are not published: name the folder of photos or of
segmentations, or give the option `size`.
"""

from __future__ import annotations

import re
from pathlib import Path

from relata.errors import RelataError
from relata.geometry import rle_encode
from relata.readers._draft import Draft
from relata.readers._json import short
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos, pixels
from relata.readers._pixels import label_map, tight
from relata.readers._tables import Row, columns, number, one_of, rows

FILES = ("*.csv",)

_ID = ("isic_id", "image", "image_id", "image_name", "name")
_KIND = "benign_malignant"
_WORDS = (
    "diagnosis", "dx", _KIND, "diagnosis_1", "diagnosis_2", "diagnosis_3", "iddx_1", "iddx_2", "iddx_3", "target_name",
)  # fmt: skip
_TARGET = "target"
_NOTHING = {"", "nan", "na", "unknown"}
#: Short names of the challenges' columns (ISIC 2016 to 2019), and of HAM10000's `dx`.
_SHORT = {
    "MEL": "melanoma",
    "NV": "melanocytic nevus",
    "BCC": "basal cell carcinoma",
    "AK": "actinic keratosis",
    "AKIEC": "actinic keratosis",
    "BKL": "benign keratosis",
    "DF": "dermatofibroma",
    "VASC": "vascular lesion",
    "SCC": "squamous cell carcinoma",
    "UNK": "unknown lesion",
    "melanoma": "melanoma",
    "seborrheic_keratosis": "seborrheic keratosis",
}
_SHORT_WORDS = {name.lower(): words for name, words in _SHORT.items()}
_REGION = "skin lesion"


def read(annotations: Path, images: Path | None, *, segmentations: str = "", size: str = "") -> Records:
    """Scenes of one table.

    Args:
        segmentations: folder of `<photo>_segmentation.png`; the lesion becomes a region with a mask.
        size: e.g. `640x480`: the size in pixels to assume where nothing tells it (provenance `size: assumed`).
    """
    names = columns(annotations)
    bare = ("image", _KIND) if len(names) == 2 and names[0].startswith("ISIC_") else ()
    names = [*(bare or names)]
    id = one_of(annotations, names, _ID, "the photo's name")
    if not {*_WORDS, *_SHORT, _TARGET} & set(names):
        raise RelataError(f"{annotations}: no column says what photos show ({', '.join([*_WORDS[:3], *_SHORT])})")
    folder = Path(segmentations) if segmentations else None
    if folder is not None and not folder.is_dir():
        raise RelataError(f"option segmentations: folder {folder} does not exist")
    photos, assumed, total = Photos(images), pixels(size), 0
    for line, row in rows(annotations, bare):
        total += 1
        where = f"{short(annotations)}: line {line}"
        if not isinstance(row, RelataError):
            where += f" (image {row[id]})"
        try:
            if isinstance(row, RelataError):
                raise row
            yield _scene(row[id], row, Draft(where, "isic"), folder, photos, assumed, short(annotations))
        except RelataError as error:
            yield Rejected(where, str(error))
    return total


def _scene(
    id: str, row: Row, draft: Draft, folder: Path | None, photos: Photos, assumed: tuple[int, int] | None, file: str
) -> Item:
    if not id:
        raise RelataError("names no photo; mend the line in the file")
    id = id.removesuffix(".jpg")
    labels = _labels(row)
    lesion = folder / f"{id}_segmentation.png" if folder is not None else None
    known = None
    if lesion is not None and lesion.is_file():
        white = label_map(lesion, mode="L") >= 128
        known = (white.shape[1], white.shape[0])
        if white.any():
            draft.region(0, _REGION, tight(white).tuple(), mask=rle_encode(white))
        else:
            draft.no_region(0, f"{lesion} has no pixel of a lesion", _REGION)
    elif lesion is not None:
        draft.no_region(0, f"{lesion} does not exist", _REGION)
    photo = photos.look_up(f"{id}.jpg", known, assume=assumed)
    return draft.finish(id, photo, file, labels=labels)


def _labels(row: Row) -> tuple[str, ...]:
    told = {name: row[name].lower() for name in _WORDS if row.get(name, "").lower() not in _NOTHING}
    if row.get(_TARGET) and _KIND not in told:
        told[_KIND] = row[_TARGET]
    if re.fullmatch(r"[01](\.\d+)?", told.get(_KIND, "")):
        told[_KIND] = "malignant" if float(told[_KIND]) >= 0.5 else "benign"
    words = [_SHORT_WORDS.get(word, word) for word in told.values()]
    words += [_SHORT[name] for name in _SHORT if name in row and row[name] and number(row, name) >= 0.5]
    return tuple(dict.fromkeys(words))
