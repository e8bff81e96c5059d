"""`refcoco`: referring expressions: RefCOCO, RefCOCO+, RefCOCOg (`refs(unc).p`, or its records as JSON).

Boxes are x, y, width, height in pixels, in `instances.json`, which lies beside the expressions. One scene per image,
with the objects that somebody referred to; region ids are COCO's annotation ids. All expressions of an object are kept,
in order, as its description, with `; ` between them. The `.p` files are pickles, which may run anything when they are
loaded; here they may hold nothing but data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from relata.errors import RelataError
from relata.readers._coco_files import File, Image, Instance
from relata.readers._draft import Draft
from relata.readers._json import decode, load, pieces, short
from relata.readers._masks import segmentation
from relata.readers._outcome import Item, Records, Rejected
from relata.readers._photos import Photos
from relata.readers._pickles import load_pickle
from relata.scene import Mask

FILES = ("refs*.p", "refs*.json", "instances.json")


class _Sentence(msgspec.Struct):
    sent: str


class _Ref(msgspec.Struct):
    ref_id: int
    ann_id: int
    image_id: int
    split: str
    sentences: list[_Sentence]


class _Instances:
    """What the `instances.json` files hold, by id."""

    def __init__(self) -> None:
        self.images: dict[int, Image] = {}
        self.objects: dict[int, Instance] = {}
        self.labels: dict[int, str] = {}
        self.files: list[str] = []

    def add(self, path: Path) -> Iterator[Rejected]:
        """Add a file; gives what cannot be read."""
        file = load(path, File)
        self.files.append(short(path))
        self.labels.update((category.id, category.name) for category in file.categories)
        for number, raw in enumerate(file.images):
            try:
                image = decode(raw, Image)
                self.images.setdefault(image.id, image)
            except RelataError as error:
                yield Rejected(f"{short(path)}: images, record {number}", str(error), part=True)
        for number, raw in enumerate(file.annotations):
            try:
                thing = decode(raw, Instance)
                self.objects.setdefault(thing.id, thing)
            except RelataError as error:
                yield Rejected(f"{short(path)}: annotations, record {number}", str(error), part=True)


def join(
    files: Sequence[Path],
    images: Path | None,
    *,
    split: Literal["all", "train", "val", "test", "testA", "testB"] = "all",
    split_by: str = "",
    masks: bool = False,
) -> Records:
    """Scenes of files of expressions, each with its `instances.json`.

    Args:
        split: only expressions of this split. RefCOCOg's `google` splits share images, so one image may give a scene in
            several of them, each with other objects.
        split_by: whose splits: `unc`, `google`, `umd`, the word in the file's name. Needed where a folder has several.
        masks: read masks too.
    """
    said = _chosen([path for path in files if not path.name.startswith("instances")], split_by)
    instances = _Instances()
    beside = [path.parent / "instances.json" for path in said]
    for path in dict.fromkeys([*(path for path in files if path.name.startswith("instances")), *beside]):
        if path.is_file():
            yield from instances.add(path)
        elif not instances.files:
            raise RelataError(f"{said[0]}: the boxes lie in instances.json, which is not beside it; put it there")
    refs: dict[int, list[tuple[Path, _Ref]]] = {}
    for path in said:
        for number, raw in enumerate(_records(path)):
            try:
                ref = _decoded(raw)
            except RelataError as error:
                yield Rejected(f"{short(path)}: record {number}", str(error), part=True)
                continue
            if split in ("all", ref.split):
                refs.setdefault(ref.image_id, []).append((path, ref))
    photos = Photos(images)
    for id, own in refs.items():
        where = f"{'; '.join(dict.fromkeys(short(path) for path, _ in own))}: image {id}"
        try:
            yield _scene(id, own, instances, Draft(where, "refcoco"), photos, masks)
        except RelataError as error:
            yield Rejected(where, str(error))
    return len(refs)


def _scene(
    id: int, refs: Sequence[tuple[Path, _Ref]], instances: _Instances, draft: Draft, photos: Photos, masks: bool
) -> Item:
    image = instances.images.get(id)
    if image is None:
        raise RelataError(
            f"{' and '.join(instances.files)} know no image {id}; take the instances.json of this data set"
        )
    said: dict[int, dict[str, None]] = {}
    for _, ref in refs:
        words = (sentence.sent.strip() for sentence in ref.sentences)
        said.setdefault(ref.ann_id, {}).update((text, None) for text in words if text)
    photo = photos.look_up(image.name, (image.width, image.height))
    for number, texts in said.items():
        thing = instances.objects.get(number)
        if thing is None or thing.image_id != id:
            draft.no_region(number, f"is no object of image {id} in {' and '.join(instances.files)}")
            continue
        x, y, width, height = thing.bbox
        label = instances.labels.get(thing.category_id, "")
        mask = _mask(draft, thing, photo.width, photo.height) if masks else None
        draft.region(number, label, (x, y, x + width, y + height), (), "; ".join(texts) or None, mask)
    more = {"split": ", ".join(dict.fromkeys(ref.split for _, ref in refs))}
    files = "; ".join(dict.fromkeys(short(path) for path, _ in refs))
    return draft.finish(str(id), photo, files, provenance=more)


def _mask(draft: Draft, thing: Instance, width: int, height: int) -> Mask | None:
    try:
        return segmentation(thing.segmentation, width, height)
    except RelataError as error:
        draft.problem(f"mask of region {thing.id}", str(error))
        return None


def _chosen(files: Sequence[Path], split_by: str) -> Sequence[Path]:
    """The files of expressions whose splits are wanted."""
    if not files:
        raise RelataError("no file of expressions is given; name refs(unc).p, or the folder that holds it")
    whose = {path: _whose(path) for path in files}
    if split_by:
        found = [path for path in files if whose[path] == split_by]
        if not found:
            known = ", ".join(dict.fromkeys(filter(None, whose.values()))) or "none"
            raise RelataError(f"option split_by is {split_by!r}, but the files' names say: {known}")
        return found
    if len(set(whose.values())) > 1:
        names = ", ".join(path.name for path in files)
        raise RelataError(
            f"{names} split the same expressions in different ways; choose one: split_by={whose[files[0]]}"
        )
    return files


def _whose(path: Path) -> str:
    match = re.search(r"\((\w+)\)", path.name)
    return match[1] if match else ""


def _records(path: Path) -> Iterable[Any]:
    return _unpickled(path) if path.suffix in (".p", ".pkl", ".pickle") else pieces(path)


def _decoded(raw: Any) -> _Ref:
    if isinstance(raw, (msgspec.Raw, bytes)):
        return decode(raw, _Ref)
    try:
        return msgspec.convert(raw, _Ref)
    except msgspec.ValidationError as error:
        raise RelataError(f"{error}; mend the record in the file") from error


def _unpickled(path: Path) -> list[Any]:
    held = load_pickle(path)
    if not isinstance(held, (list, tuple)):
        raise RelataError(f"{path}: holds no list of expressions. Is it a file of another format?")
    return list(held)
