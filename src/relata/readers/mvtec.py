"""`mvtec`: MVTec AD, photos of goods with and without defects, in folders like `<product>/test/<defect>`.

The mask of `test/crack/003.png` is `ground_truth/crack/003_mask.png`; each connected part of it is a region, labelled
with the defect in words. Labels of the image are the product, and `normal` or `abnormal`. Name the folder of a product,
or the one that holds all products. Data sets laid out in the same way (VisA's one-class form, BTAD) are read too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from relata.errors import RelataError
from relata.readers._defects import Sample, scene
from relata.readers._json import short
from relata.readers._outcome import Records, Rejected
from relata.readers._photos import Photos

_SPLITS = ("train", "test")
_ENDINGS = ("png", "jpg", "jpeg", "JPG", "bmp")
FILES = tuple(f"{above}{split}/*/*.{end}" for above in ("", "*/") for split in _SPLITS for end in _ENDINGS)


def join(
    files: Sequence[Path], images: Path | None, *, split: Literal["all", "train", "test"] = "all", smallest: int = 1
) -> Records:
    """One scene per photo.

    Args:
        split: only photos of this split.
        smallest: leave out parts of a mask of fewer pixels.
    """
    photos, total = Photos(images), 0
    for path in files:
        own = path.parent.parent.name
        if split != "all" and own != split:
            continue
        total += 1
        try:
            yield scene(_sample(path), "mvtec", photos, smallest)
        except RelataError as error:
            yield Rejected(short(path), str(error))
    return total


def _sample(path: Path) -> Sample:
    kind, split, product = path.parent.name, path.parent.parent.name, path.parent.parent.parent
    if split not in _SPLITS:
        raise RelataError(f"lies in {split}/{kind}, not in train/<kind> or test/<kind>; name the folder of the product")
    good = kind in ("good", "ok")
    masks = product / "ground_truth" / kind
    found = () if good else [p for e in _ENDINGS for p in (masks / f"{path.stem}_mask.{e}", masks / f"{path.stem}.{e}")]
    mask = next(filter(Path.is_file, found), None)
    if mask is None and not good:
        raise RelataError(f"{masks} holds no mask of it ({path.stem}_mask.png); put it back")
    name = "/".join(path.parts[-4:])
    return Sample(path, name, product.name.replace("_", " "), "" if good else kind.replace("_", " "), mask, split)
