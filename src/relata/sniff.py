"""What an image file says of itself: format, size in pixels, number of frames. Nothing is decoded.

Written for files that want to do harm. Every walk over a file's parts has an end, however the parts are linked, and
metadata is inflated up to a bound. Where readers of a format may disagree (two headers, frames larger than the canvas)
the larger claim counts, so that no decoder meets more pixels than were checked.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from relata.errors import Unsafe

#: Parts (chunks, segments, directory entries) of one file; photos have tens.
MOST_PARTS = 50_000
#: Blocks of 255 bytes in one GIF.
MOST_BLOCKS = 300_000
#: Segments of 64 kB over which a JPEG's Exif data may go; one is usual.
MOST_EXIF = 64
#: Bytes to which the compressed texts and colour profiles of one file may inflate.
MOST_INFLATED = 4 << 20

#: TIFF tags that lead to further directories: SubIFDs, Exif, GPS, Interop.
_POINTERS = {330, 34665, 34853, 40965}
#: How a TIFF directory stores values, by type. Signed numbers are read as unsigned, so that negative ones are refused.
_VALUES = {1: "B", 2: "s", 3: "H", 4: "I", 5: "8s", 6: "s", 7: "s", 8: "H", 9: "I", 10: "8s", 11: "4s", 12: "8s"}
_VALUES |= {13: "I", 16: "Q", 17: "Q", 18: "Q"}
_SOF = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # JPEG segments that give the size
_ALONE = {0x01, *range(0xD0, 0xDA)}  # JPEG markers without a segment


class Header(NamedTuple):
    """What a file claims."""

    format: str
    """`JPEG`, `PNG`, `GIF`, `WEBP`, `BMP` or `TIFF`."""
    width: int
    """Pixels; of several frames, the largest."""
    height: int
    frames: int


def sniff(data: bytes) -> Header:
    """Format, size and frames of an image file, from its headers alone.

    Raises:
        Unsafe: `unknown-format` for everything but the six formats, SVG included; `damaged` if the headers cannot be
            read or hold no pixels; `too-many-parts`, `inflates`, `loops` and `overlaps` for files made to keep a
            reader busy or to fill its memory.
    """
    format = next((name for name, (magic, _) in _WALKS.items() if data.startswith(magic)), None)
    if format is None or (format == "WEBP" and data[8:12] != b"WEBP"):
        raise Unsafe("unknown-format", f"the file is none of {', '.join(FORMATS)}; convert it")
    try:
        width, height, frames = _WALKS[format][1](data)
    except (struct.error, IndexError) as error:
        raise Unsafe("damaged", f"the headers of this {format} end too early") from error
    if 0 in (width, height, frames):
        raise Unsafe("damaged", f"this {format} has no pixels ({width} x {height}, {frames} frames)")
    return Header(format, width, height, frames)


def _steps(most: int = MOST_PARTS) -> Iterator[int]:
    """Counts parts; too many end the walk."""
    yield from range(most)
    raise Unsafe("too-many-parts", f"the file has more than {most:,} parts")


def _jpeg(data: bytes) -> tuple[int, int, int]:
    at, width, height = 2, 0, 0
    exif: list[bytes] = []
    for _ in _steps():
        at = data.find(b"\xff", at)  # readers skip what stands between segments
        if at < 0 or at + 4 > len(data):
            break
        marker = data[at + 1]
        if marker in (0x00, 0xFF):
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker == 0xDA:
            break
        else:
            (length,) = struct.unpack_from(">H", data, at + 2)
            body = data[at + 4 : at + 2 + length]
            if marker in _SOF:
                high, wide = struct.unpack_from(">HH", body, 1)
                width, height = max(width, wide), max(height, high)
            elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
                exif.append(body[6:])
                if len(exif) > MOST_EXIF:
                    raise Unsafe("too-many-parts", f"Exif data of more than {MOST_EXIF} segments")
            elif marker == 0xE2 and body.startswith(b"MPF\0"):
                _exif(body[4:])
            at += 2 + length
    _exif(b"".join(exif))  # readers join it too
    return width, height, 1


def _png(data: bytes) -> tuple[int, int, int]:
    at, size, claimed, drawn, room = 8, (0, 0), 1, 0, MOST_INFLATED
    for _ in _steps():
        if at + 8 > len(data):
            break
        length, kind = struct.unpack_from(">I4s", data, at)
        start, end = at + 8, at + 8 + length
        if kind == b"IHDR":
            if size != (0, 0):
                raise Unsafe("damaged", "this PNG has two headers")
            size = struct.unpack_from(">II", data, start)
        elif kind == b"acTL":
            claimed = max(claimed, *struct.unpack_from(">I", data, start))
        elif kind == b"fcTL":
            drawn += 1
        elif kind in (b"zTXt", b"iTXt", b"iCCP"):
            room -= _inflated(kind, data[start:end], room)
        elif kind == b"eXIf":
            _exif(data[start:end].removeprefix(b"Exif\0\0"))
        at = end + 4
    return *size, max(claimed, drawn)


def _inflated(kind: bytes, body: bytes, room: int) -> int:
    """How many bytes the compressed text or profile of a PNG's chunk holds."""
    _, _, rest = body.partition(b"\0")
    packed = rest[1:]
    if kind == b"iTXt":
        if rest[:1] != b"\1":
            return 0
        packed = rest[2:].split(b"\0", 2)[-1]  # language and translated keyword come first
    try:
        size = len(zlib.decompressobj().decompress(packed, room + 1))
    except zlib.error:
        return 0  # readers leave it out too
    if size > room:
        raise Unsafe("inflates", f"texts or colour profile of this PNG inflate to more than {MOST_INFLATED:,} bytes")
    return size


def _gif(data: bytes) -> tuple[int, int, int]:
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _palette(flags)
    frames = 0
    steps = _steps(MOST_BLOCKS)
    for _ in steps:
        kind = data[at : at + 1]
        if kind in (b"", b";"):
            break
        if kind == b",":
            left, top, wide, high, flags = struct.unpack_from("<HHHHB", data, at + 1)
            width, height, frames = max(width, left + wide), max(height, top + high), frames + 1
            at += 11 + _palette(flags)
        elif kind == b"!":
            at += 2
        else:
            at += 1
            continue
        while at < len(data) and data[at]:
            at += data[at] + 1
            next(steps)
        at += 1
    return width, height, frames


def _palette(flags: int) -> int:
    return 3 << (flags % 8 + 1) if flags & 0x80 else 0


def _webp(data: bytes) -> tuple[int, int, int]:
    at, width, height, frames = 12, 0, 0, 0
    for _ in _steps():
        if at + 8 > len(data):
            break
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + min(length, 16)]
        wide = high = 0
        if kind == b"VP8X":
            wide, high = _u24(body, 4) + 1, _u24(body, 7) + 1
        elif kind == b"VP8 ":
            wide, high = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<I", body, 1)
            wide, high = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif kind == b"ANMF":
            wide, high, frames = _u24(body, 6) + 1, _u24(body, 9) + 1, frames + 1
        elif kind == b"EXIF":
            _exif(data[at + 8 : at + 8 + length].removeprefix(b"Exif\0\0"))
        width, height = max(width, wide), max(height, high)
        at += 8 + length + length % 2
    return width, height, max(frames, 1)


def _u24(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8 | data[at + 2] << 16


def _bmp(data: bytes) -> tuple[int, int, int]:
    if struct.unpack_from("<I", data, 14) == (12,):
        return *struct.unpack_from("<HH", data, 18), 1
    width, height = struct.unpack_from("<II", data, 18)
    return width, 2**32 - height if height >> 24 == 0xFF else height, 1  # negative: the first row is the top one


def _tiff(data: bytes) -> tuple[int, int, int]:
    width = height = frames = 0
    for main, tags in _directories(data):
        frames += main
        # a tile may be larger than the image, and is decoded whole
        width = max(width, tags.get(256, 0), tags.get(322, 0))
        height = max(height, tags.get(257, 0), tags.get(323, 0))
    return width, height, max(frames, 1)


def _exif(data: bytes) -> None:
    """Refuse metadata that loops or overlaps; whatever else is wrong with it, readers leave it out."""
    if data[:2] in (b"II", b"MM"):
        try:
            for _ in _directories(data):
                pass
        except struct.error:
            return


def _directories(data: bytes) -> Iterator[tuple[bool, dict[int, int]]]:
    """The directories of a TIFF file or of Exif data: whether it is a frame, and the first value of each integer tag.

    Readers copy every value out, so values that share their bytes make a small file fill the memory.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(f"{order}H", data, 2) == (43,)
    inline, step = (8, 20) if big else (4, 12)
    offset = struct.Struct(order + ("Q" if big else "I"))
    count = struct.Struct(order + ("Q" if big else "H"))
    entry = struct.Struct(order + ("HHQ" if big else "HHI"))
    waiting = [(offset.unpack_from(data, inline)[0], True)]
    seen: set[int] = set()
    steps = _steps()
    copied = 0
    while waiting:
        start, main = waiting.pop()
        if not 0 < start <= len(data) - count.size:
            continue
        if start in seen:
            raise Unsafe("loops", "a directory of the file leads back to an earlier one")
        seen.add(start)
        first, end = start + count.size, start + count.size + step * count.unpack_from(data, start)[0]
        tags: dict[int, int] = {}
        for _, at in zip(steps, range(first, min(end, len(data) - step + 1), step)):
            tag, kind, number = entry.unpack_from(data, at)
            form = _VALUES.get(kind, "")
            size = struct.calcsize(order + form) * number if form else 0
            value = at + step - inline
            if size > inline:
                (value,) = offset.unpack_from(data, value)
                if value + size > len(data):
                    continue
                copied += size
                if copied > 2 * len(data) + 65536:
                    raise Unsafe("overlaps", "the values of the file's directories overlap")
            if form not in ("B", "H", "I", "Q") or not number:
                continue
            if tag in _POINTERS:
                for _, k in zip(steps, range(number)):
                    (target,) = struct.unpack_from(order + form, data, value + k * struct.calcsize(form))
                    waiting.append((target, False))
            else:
                tags[tag] = max(tags.get(tag, 0), *struct.unpack_from(order + form, data, value))
        yield main, tags
        if main and end + offset.size <= len(data):
            waiting.append((offset.unpack_from(data, end)[0], True))


_WALKS: dict[str, tuple[bytes | tuple[bytes, ...], Callable[[bytes], tuple[int, int, int]]]] = {
    "JPEG": (b"\xff\xd8\xff", _jpeg),
    "PNG": (b"\x89PNG\r\n\x1a\n", _png),
    "GIF": ((b"GIF87a", b"GIF89a"), _gif),
    "WEBP": (b"RIFF", _webp),
    "BMP": (b"BM", _bmp),
    "TIFF": ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _tiff),
}

#: The formats that are read, by Pillow's names.
FORMATS = tuple(_WALKS)
