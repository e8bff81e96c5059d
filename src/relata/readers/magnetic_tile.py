"""`magnetic_tile`: photos of magnet tiles with and without defects, `MT_<defect>/Imgs/*.jpg`, each with a PNG mask.

`MT_Free` is without defect. Each connected part of a mask is a region, labelled with the defect in small letters
(`blowhole`). Labels of the image are `magnetic tile`, and `normal` or `abnormal`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from relata.errors import RelataError
from relata.readers._defects import Sample, scene
from relata.readers._json import short
from relata.readers._outcome import Records, Rejected
from relata.readers._photos import Photos

FILES = ("MT_*/Imgs/*.jpg",)


def join(files: Sequence[Path], images: Path | None, *, smallest: int = 1) -> Records:
    """One scene per photo.

    Args:
        smallest: leave out parts of a mask of fewer pixels.
    """
    photos = Photos(images)
    for path in files:
        try:
            yield scene(_sample(path), "magnetic_tile", photos, smallest)
        except RelataError as error:
            yield Rejected(short(path), str(error))
    return len(files)


def _sample(path: Path) -> Sample:
    folder = path.parent.parent.name
    if not folder.startswith("MT_"):
        raise RelataError(f"lies in {folder}, not in MT_<defect>/Imgs; name the folder that holds the MT_ folders")
    defect = folder.removeprefix("MT_").lower()
    defect = {"free": "", "uneven": "unevenness"}.get(defect, defect)
    mask = path.with_suffix(".png") if defect else None
    return Sample(path, "/".join(path.parts[-3:]), "magnetic tile", defect, mask)
