"""`grit`: captions whose phrases have boxes, GRIT (Parquet, the same as JSON Lines, or what img2dataset writes).

A noun chunk or referring expression is [start, end, x1, y1, x2, y2, score]: characters of the caption, and a box in
shares of the image. A chunk is a region labelled with its words, article and all; an expression about the same box
(`a dog` grows to `a dog on a rug`) becomes its description, one about another box a region of its own. Region ids are
positions among the chunks, then the expressions. CLIP's similarities go into the provenance. Photos fetched by
img2dataset have new names: read what it wrote with them, the folder of JSON files or `00000.parquet`, whose `key` is
the photo's name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from relata.errors import RelataError
from relata.readers._draft import Draft
from relata.readers._json import Piece, each, pieces, short
from relata.readers._outcome import Item, Records
from relata.readers._photos import Photo, Photos, pixels, scaled

FILES = ("coyo_*.parquet", "*.jsonl", "*grit*.json", "[0-9]*[0-9].json", "*/[0-9]*[0-9].json")

#: A file of one record is looked at whole; one that is larger than this is JSON Lines, or a list.
_MOST_RECORD = 1 << 20


class _Record(msgspec.Struct):
    caption: str
    key: str = ""
    id: int | str = ""
    url: str = ""
    width: int | None = None
    height: int | None = None
    noun_chunks: list[list[float]] = []
    ref_exps: list[list[float]] = []
    clip_similarity_vitb32: float | None = None
    clip_similarity_vitl14: float | None = None

    @property
    def name(self) -> str:
        return f"{self.key}.jpg" if self.key else self.url.split("?")[0].rsplit("/", 1)[-1]

    @property
    def title(self) -> str:
        return f"image {self.key or self.id or self.url}"


def read(annotations: Path, images: Path | None, *, size: str = "") -> Records:
    """Scenes of one file of captions.

    Args:
        size: e.g. `640x480`: the size in pixels to assume where neither the record nor a photo tells it.
    """
    photos, assumed = Photos(images), pixels(size)

    def make(record: _Record, where: str) -> Item:
        if not record.name:
            raise RelataError("has neither key nor url, so it has no photo; add one of them")
        known = (record.width, record.height) if record.width and record.height else None
        photo = photos.look_up(record.name, known, assume=assumed)
        draft = Draft(where, "grit")
        _fill(draft, record, photo)
        said = {name: getattr(record, name) for name in ("clip_similarity_vitb32", "clip_similarity_vitl14")}
        more = {name: str(value) for name, value in said.items() if value is not None}
        id = str(record.key or record.id or record.name)
        captions = (record.caption,) if record.caption else ()
        return draft.finish(id, photo, short(annotations), captions=captions, provenance=more)

    return (yield from each(annotations, _records(annotations), _Record, make))


def _records(path: Path) -> Iterable[Piece]:
    if path.suffix == ".json" and 0 < path.stat().st_size < _MOST_RECORD:
        data = path.read_bytes()
        # otherwise these are several records, or it is damaged
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            msgspec.json.decode(data, type=dict[str, msgspec.Raw])
            return [data]
    return pieces(path)


def _fill(draft: Draft, record: _Record, photo: Photo) -> None:
    chunks = len(record.noun_chunks)
    for number, numbers in enumerate(record.noun_chunks + record.ref_exps):
        try:
            words = _phrase(numbers, record.caption)
        except RelataError as error:
            draft.no_region(number, str(error))
            continue
        if number >= chunks and (about := _same_box(numbers, record.noun_chunks)) in draft.regions:
            region = draft.regions[about]
            if words != region.label:
                described = f"{region.description}; {words}" if region.description else words
                draft.regions[about] = region.replace(description=described)
            continue
        draft.region(number, words, scaled(numbers[2:6], photo.width, photo.height))
        if number in draft.regions:
            draft.regions[number] = draft.regions[number].replace(score=numbers[6])


def _phrase(numbers: Sequence[float], caption: str) -> str:
    if len(numbers) != 7:
        raise RelataError(f"{numbers} is not [start, end, x1, y1, x2, y2, score]; mend it in the file")
    start, end = numbers[:2]
    if not 0 <= start < end <= len(caption):
        raise RelataError(f"characters {start:g} to {end:g} are not within the caption, which has {len(caption)}")
    return caption[int(start) : int(end)].strip()


def _same_box(numbers: Sequence[float], chunks: Sequence[Sequence[float]]) -> int:
    """The chunk inside the expression that has its box, or -1."""
    for number, chunk in enumerate(chunks):
        if chunk[2:6] == numbers[2:6] and numbers[0] <= chunk[0] and chunk[1] <= numbers[1]:
            return number
    return -1
