"""`webdataset`: tar files of samples, for loaders that read whole shards in order.

    000000012.0.jpg  000000012.1.png  000000012.json

The JSON file of a sample has `messages` with `<image>` where an image stands, `images` (the endings of their names, in
order), `paths`, `width` and `height`; of a preference also `rejected_response`. Names are numbers, so no path of the
data reaches a file system; entries have no date and no owner, so the same data give the same bytes. `out` is a folder
of files with up to `shard` samples each, for

    webdataset.WebDataset("out/data-{00000..00004}.tar").decode("pil")
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from relata import store
from relata.chat import Example, Preference
from relata.dialects import Dialect
from relata.errors import RelataError
from relata.formats._files import fresh, picture
from relata.formats._turns import Refuse, Talk, rows, spelt
from relata.formats.sharegpt import body
from relata.sniff import sniff

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}


class _Sample(NamedTuple):
    """The files of one sample by the ending of their name."""

    files: dict[str, bytes]


def write(
    records: Iterable[Example | Preference],
    out: Path,
    *,
    dialect: Dialect,
    images: Path | None,
    refuse: Refuse,
    shard: int = 1000,
) -> int:
    """Write a folder of tar files; give the number of samples in them.

    Raises:
        RelataError: if the folder of images is not named, or `out` holds tar files already.
    """
    if images is None:
        raise RelataError("webdataset holds the images' files: name the folder of images")
    if shard < 1:
        raise RelataError(f"shard is {shard}; a file needs at least one sample")

    def sample(record: Talk) -> _Sample:
        said = spelt(record, dialect.write)
        files = {}
        for number, image in enumerate(said.images):
            data = picture(image, images)
            format = sniff(data).format
            files[f"{number}.{_ENDINGS.get(format, format.lower())}"] = data
        about = body(said, "messages")
        about |= {"images": list(files), "paths": about["images"], "recipe": said.recipe}
        return _Sample({**files, "json": msgspec.json.encode(about)})

    fresh(out, "*.tar")
    made = rows(records, sample, refuse)
    count = 0

    def entries(samples: Iterable[_Sample]) -> Iterator[bytes]:
        nonlocal count
        for one in samples:
            for ending, data in one.files.items():
                yield _header(f"{count:09d}.{ending}", len(data))
                yield data
                yield bytes(-len(data) % tarfile.BLOCKSIZE)
            count += 1
        yield bytes(2 * tarfile.BLOCKSIZE)  # the end of a tar file

    for number, first in enumerate(made):
        store.write(out / f"data-{number:05d}.tar", entries(chain([first], islice(made, shard - 1))))
    return count


def _header(name: str, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry.tobuf(tarfile.USTAR_FORMAT)
