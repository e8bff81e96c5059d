"""`read`: options and paths are checked when it is called, records are read when they are asked for, counts are checked
when all have been read."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast, get_type_hints

import msgspec

from relata.errors import RelataError, near, unknown
from relata.names import component
from relata.readers._outcome import GroupItem, Item, Partial, PartialGroup, Records, Rejected
from relata.scene import Group, Scene

#: Options of every reading, beside those of the format.
_COMMON = {"strict": bool, "present": bool}

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

R = TypeVar("R", bound=Scene | Group, covariant=True)


class Reading(Generic[R]):
    """Scenes or groups, one at a time, with a count of everything that was read; iterating again reads again.

    Attributes:
        read: records read so far; after the last one, all records of the files.
        kept: scenes and groups given.
        rejected: the records that gave neither, each with place and reason. `read == kept + len(rejected)`.
        problems: parts left out of what was kept.
    """

    def __init__(
        self, name: str, records: Callable[[], Records], strict: bool = False, photos: Path | None = None
    ) -> None:
        self.name = name
        self._records = records
        self._strict = strict
        self._photos = photos  # where every photo has to be
        self._clear()

    def _clear(self) -> None:
        self.read = 0
        self.kept = 0
        self.rejected: list[Rejected] = []
        self.problems: list[Rejected] = []
        self._total = 0

    def __iter__(self) -> Iterator[R]:
        return (item for item in self.items() if not isinstance(item, Rejected))

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.read} read = {self.kept} kept + {len(self.rejected)} rejected"
            f" ({len(self.problems)} problems inside kept records)"
        )

    def items(self) -> Iterator[R | Rejected]:
        """Scenes, groups and rejections in the order of the files, counted as they pass."""
        self._clear()
        for item in self._all():
            for outcome in self._judged(item):
                if not isinstance(outcome, Rejected):
                    self.kept += 1
                elif outcome.part:
                    self.problems.append(outcome)
                else:
                    self.rejected.append(outcome)
                self.read = self.kept + len(self.rejected)
                yield outcome
        # a reader that loses a record is our bug, not the user's
        assert self._total == self.read, f"{self.name}: {self._total} records in the files, but {self.read} came out"

    def _all(self) -> Iterator[Item | GroupItem]:
        self._total = yield from self._records()

    def _judged(self, item: Item | GroupItem) -> Sequence[R | Rejected]:
        if isinstance(item, Rejected):
            return (item,)
        kept, problems = item if isinstance(item, (Partial, PartialGroup)) else (item, ())
        if problems and self._strict:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            return (Rejected(problems[0].where, problems[0].reason + more),)
        if self._photos is not None:
            for scene in kept.scenes if isinstance(kept, Group) else (kept,):
                if not os.path.isfile(self._photos / scene.image):
                    where = f"{kept.provenance.get('file', self.name)}: image {scene.id}"
                    return (Rejected(where, f"photo {self._photos / scene.image} does not exist"),)
        return (*problems, cast(R, kept))


def read(
    format: str, annotations: Paths, images: str | os.PathLike[str] | None = None, **options: Any
) -> Reading[Scene | Group]:
    """Scenes from published annotations; groups of scenes where a record is about a pair of images or a clip.

    Args:
        format: name of a reader, e.g. `psg`; `relata list readers` shows them.
        annotations: a file, a folder that holds the format's files, or several of these, as a list or with commas.
        images: the folder of photos. A scene's image is a path relative to it. Photos are opened only for their size,
            and only where the annotation does not give it.
        options: `strict=True` rejects an image as soon as any part of its record has to be left out; `present=True`
            rejects records with a photo that is not in the folder; others as the format's page says.

    Raises:
        RelataError: on an unknown format or option, a missing file, and, while reading, on a file that is no JSON.
    """
    module = component("readers", format)
    settings = _settings(module, format, options)
    common = {name: settings.pop(name, False) for name in _COMMON}
    folder = _images(images)
    if common["present"] and folder is None:
        raise RelataError("option present=True needs the folder of photos: images=...")
    files = _files(module, format, annotations)
    return Reading(
        format,
        lambda: _stream(module, files, folder, settings),
        strict=common["strict"],
        photos=folder if common["present"] else None,
    )


def options_of(module: ModuleType) -> dict[str, Any]:
    """The options of a reader: its keyword-only arguments with their types."""
    function = getattr(module, "join", None) or module.read
    types = get_type_hints(function, include_extras=True)
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {name: types[name] for name in names} | _COMMON


def _settings(module: ModuleType, format: str, options: dict[str, Any]) -> dict[str, Any]:
    hints = options_of(module)
    settings = {}
    for name, value in options.items():
        if name not in hints:
            unknown(f"option of {format}", name, hints)
        try:
            settings[name] = msgspec.convert(value, hints[name], strict=False)  # the command line gives texts
        except msgspec.ValidationError as error:
            raise RelataError(f"option {name} of {format} is {value!r}: {error}") from error
    return settings


def _images(images: str | os.PathLike[str] | None) -> Path | None:
    if images is None:
        return None
    folder = Path(images)
    if not folder.is_dir():
        raise RelataError(f"folder of photos {folder} does not exist; {_beside(folder)}")
    return folder


def _files(module: ModuleType, format: str, annotations: Paths) -> tuple[Path, ...]:
    if isinstance(annotations, str) and not os.path.exists(annotations):
        annotations = [part.strip() for part in annotations.split(",")]
    if isinstance(annotations, (str, os.PathLike)):
        annotations = [annotations]
    found: list[Path] = []
    for path in map(Path, annotations):
        if path.is_dir():
            inside = sorted({file for pattern in module.FILES for file in path.glob(pattern)})
            if not inside:
                raise RelataError(f"{path} holds no file named {' or '.join(module.FILES)}; name the {format} file")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise RelataError(f"annotations {path} do not exist; {_beside(path)}")
    if not found:
        raise RelataError(f"no annotations given for {format}")
    return tuple(dict.fromkeys(found))


def _beside(path: Path) -> str:
    parent = path.parent
    while not parent.is_dir():
        parent = parent.parent
    missing = path.relative_to(parent).parts[0]
    names = sorted(path.name for path in parent.iterdir())
    return f"in {parent}: " + near(missing, difflib.get_close_matches(missing, names, cutoff=0.5) or names[:8])


def _stream(module: ModuleType, files: tuple[Path, ...], images: Path | None, options: dict[str, Any]) -> Records:
    """A reader defines `read` for one file, or `join` where the files of a format belong together."""
    if hasattr(module, "join"):
        total: int = yield from module.join(files, images, **options)
        return total
    total = 0
    for path in files:
        total += yield from module.read(path, images, **options)
    return total
