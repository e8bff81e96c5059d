"""Frames of clips: numbered pictures in a folder per clip, `CLIP/000001.jpg`. Videos are not decoded here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._outcome import Partial
from relata.readers._photos import Photos, pixels
from relata.scene import Scene

#: How many frames of a clip make a group.
Frames = Annotated[int, Meta(ge=2)]
#: More than any clip has: each is named, and a number in a file must not fill the memory.
MOST_FRAMES = 300_000
#: How many frames a clip has; 0 if that is to be looked up in its folder.
Length = Annotated[int, Meta(ge=0, le=MOST_FRAMES)]

_PICTURES = {".jpg", ".jpeg", ".png", ".webp"}

T = TypeVar("T")


class Clips:
    """Clips whose frames lie below the folder of images.

    Args:
        images: the folder that holds a folder per clip.
        length: how many frames each clip has, where no folder is named; they are called `CLIP/000001.jpg` and so on.
        size: `640x480`: the size in pixels to assume where no frame tells it.
    """

    def __init__(self, images: Path | None, length: int = 0, size: str = "") -> None:
        self.photos = Photos(images)
        self._images = images
        self._length = length
        self._assumed = pixels(size)

    def frames(self, *names: str, length: int = 0) -> dict[int, str]:
        """Frames by number, in order, counted from 0: those of the first name that has a folder.

        The number of a frame is the last one in its file's name. ffmpeg counts from 1, so 1 is taken off where the
        folder has no frame 0.

        Raises:
            RelataError: if no name has a folder of frames, or a name leads out of the folder of images; without a
                folder of images, if the number of frames is not told.
        """
        if self._images is None:
            length = length or self._length
            if not length:
                raise RelataError("its frames are not known; name the folder of frames, or give n_frames and size")
            return {number: f"{names[0]}/{number + 1:06d}.jpg" for number in range(length)}
        for name in names:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise RelataError(f"clip {name!r} leads out of the folder of frames; mend its name in the file")
            found = _numbered(self._images / name)
            if found:
                start = 0 if 0 in found else 1
                return {number - start: f"{name}/{found[number]}" for number in sorted(found)}
        raise RelataError(f"no frames in {self._images / names[0]}; extract them there, named 000001.jpg and so on")

    def scene(
        self,
        draft: Draft,
        clip: str,
        number: int,
        path: str,
        file: str,
        size: tuple[int, int] | None = None,
        **rest: Any,
    ) -> Scene | Partial:
        """The scene of one frame; its provenance names the clip and the number of the frame, from 0.

        Raises:
            RelataError: if nothing tells its size.
        """
        photo = self.photos.look_up(path, size, assume=self._assumed)
        where = {"clip": clip, "frame": str(number)}
        return draft.finish(f"{clip}/{number}", photo, file, provenance=where, **rest)


def spread(items: Sequence[T], count: int) -> list[T]:
    """As many as `count` of the items, each from the middle of an equal part."""
    taken = min(count, len(items))
    return [items[(2 * part + 1) * len(items) // (2 * taken)] for part in range(taken)]


def _numbered(folder: Path) -> dict[int, str]:
    found: dict[int, str] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        digits = re.findall(r"\d{1,9}", path.stem)
        if digits and path.suffix.lower() in _PICTURES:
            found.setdefault(int(digits[-1]), path.name)
    return found
