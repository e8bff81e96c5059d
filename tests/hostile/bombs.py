"""Image files made to do harm, built by hand: each with the reason for which it has to be refused."""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import NamedTuple

from PIL import Image

SIDE = 50_000


class Bomb(NamedTuple):
    data: bytes
    reason: str


def sound(format: str, size: tuple[int, int] = (40, 30), frames: int = 1) -> bytes:
    """A harmless file."""
    pictures = [Image.new("RGB", size, (9 * k, 200 - 9 * k, k)) for k in range(frames)]
    out = BytesIO()
    many = {"save_all": True, "append_images": pictures[1:]} if frames > 1 else {}
    pictures[0].save(out, format, **many)
    return out.getvalue()


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    """A PNG with further chunks in front of its pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    pixels = zlib.compress(b"\0" * 25 * 8)
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def gif(*blocks: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0) + b"".join(blocks) + b";"


def gif_frame(size: tuple[int, int] = (8, 8), left: int = 0) -> bytes:
    return b"," + struct.pack("<HHHHB", left, 0, *size, 0) + b"\x02\x02\x4c\x01\x00"


def segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments: bytes, size: tuple[int, int] = (8, 8)) -> bytes:
    """A JPEG's headers, without its pixels."""
    frame = segment(0xC0, struct.pack(">BHHB", 8, size[1], size[0], 1) + b"\x01\x11\x00")
    return b"\xff\xd8" + b"".join(segments) + frame + segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x00\xff\xd9"


def webp(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def u24(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


def canvas(width: int, height: int) -> tuple[bytes, bytes]:
    return b"VP8X", b"\x02\0\0\0" + u24(width - 1) + u24(height - 1)


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


Entry = tuple[int, int, int, int]
"""Tag, type, number of values, value or offset."""


def directory(entries: Iterable[Entry], following: int = 0, big: bool = False) -> bytes:
    rows = [struct.pack("<HHQQ" if big else "<HHII", *entry) for entry in entries]
    return (
        struct.pack("<Q" if big else "<H", len(rows)) + b"".join(rows) + struct.pack("<Q" if big else "<I", following)
    )


def tiff(width: int = 8, height: int = 8, *more: Entry, following: int = 0, big: bool = False) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), *more]
    start = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) if big else b"II*\0" + struct.pack("<I", 8)
    return start + directory(entries, following, big)


def pages(count: int, last: int = 0) -> bytes:
    """A TIFF of many directories, the last of which leads to `last`."""
    size = len(directory([(256, 4, 1, 8), (257, 4, 1, 8)]))
    data = b"II*\0" + struct.pack("<I", 8)
    for page in range(1, count + 1):
        data += directory([(256, 4, 1, 8), (257, 4, 1, 8)], 8 + size * page if page < count else last)
    return data


def overlapping(count: int = 5000) -> bytes:
    """Exif or TIFF data in which every value is the whole file."""
    size = 8 + 2 + 12 * count + 4
    return b"II*\0" + struct.pack("<I", 8) + directory([(1000 + tag, 7, size, 0) for tag in range(count)])


LOOP = b"II*\0" + struct.pack("<I", 8) + directory([], 8)
SELF = b"II*\0" + struct.pack("<I", 8) + directory([(34665, 4, 1, 8)])
ZEROS = zlib.compress(b"\0" * (64 << 20), 9)


def bombs() -> dict[str, Bomb]:
    """All of them, by name."""
    found = {
        "png claims": Bomb(png(size=(SIDE, SIDE)), "too-many-pixels"),
        "png claims, 1 kB": Bomb(png(chunk(b"tEXt", b"a\0" + b"b" * 900), size=(SIDE, SIDE)), "too-many-pixels"),
        "png claims most": Bomb(png(size=(2**31 - 1, 2**31 - 1)), "too-many-pixels"),
        "png one row": Bomb(png(size=(2**31 - 1, 1)), "too-many-pixels"),
        "png second header": Bomb(png(png(size=(SIDE, SIDE))[8:33]), "damaged"),
        "gif claims": Bomb(gif(gif_frame(), size=(65535, 65535)), "too-many-pixels"),
        "gif frame beyond canvas": Bomb(gif(gif_frame((65535, 65535))), "too-many-pixels"),
        "gif frame far away": Bomb(gif(gif_frame((9, 65535), left=65000)), "too-many-pixels"),
        "jpeg claims": Bomb(jpeg(size=(SIDE, SIDE)), "too-many-pixels"),
        "jpeg second size": Bomb(
            jpeg(segment(0xC2, struct.pack(">BHHB", 8, SIDE, SIDE, 1) + b"\x01\x11\x00")), "too-many-pixels"
        ),
        "webp canvas": Bomb(webp(canvas(1 << 24, 1 << 24)), "too-many-pixels"),
        "webp lossless": Bomb(webp((b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(9))), "too-many-pixels"),
        "webp lossy": Bomb(webp((b"VP8 ", b"\x30\0\0\x9d\x01\x2a\xff\x3f\xff\x3f")), "too-many-pixels"),
        "webp animation frame": Bomb(
            webp(canvas(8, 8), (b"ANMF", bytes(6) + u24(SIDE) + u24(SIDE) + bytes(4))), "too-many-pixels"
        ),
        "bmp claims": Bomb(bmp(SIDE, SIDE), "too-many-pixels"),
        "bmp claims, top down": Bomb(bmp(SIDE, -SIDE), "too-many-pixels"),
        "bmp negative width": Bomb(bmp(-SIDE, 1), "too-many-pixels"),
        "tiff claims": Bomb(tiff(SIDE, SIDE), "too-many-pixels"),
        "tiff claims, big": Bomb(tiff(SIDE, SIDE, big=True), "too-many-pixels"),
        "tiff tile": Bomb(tiff(8, 8, (322, 4, 1, SIDE), (323, 4, 1, SIDE)), "too-many-pixels"),
        "tiff second width": Bomb(tiff(8, SIDE, (256, 4, 1, SIDE)), "too-many-pixels"),
        "tiff negative": Bomb(tiff(8, 8, (256, 9, 1, 2**32 - 8)), "too-many-pixels"),
        "many frames, png": Bomb(png(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))), "too-many-frames"),
        "many frames, png uncounted": Bomb(png(*[chunk(b"fcTL", bytes(26))] * 5000), "too-many-frames"),
        "many frames, gif": Bomb(gif(*[gif_frame()] * 20_000), "too-many-frames"),
        "many frames, webp": Bomb(webp(canvas(8, 8), *[(b"ANMF", bytes(16))] * 9000), "too-many-frames"),
        "many frames, tiff": Bomb(pages(9000), "too-many-frames"),
        "frames make pixels": Bomb(sound("GIF", (3000, 3000), 9), "too-many-pixels"),
        "tiff loop": Bomb(tiff(8, 8, following=8), "loops"),
        "tiff loop, big": Bomb(tiff(8, 8, following=16, big=True), "loops"),
        "tiff loop of many": Bomb(pages(9, last=8), "loops"),
        "tiff inner loop": Bomb(tiff(8, 8, (330, 4, 1, 8)), "loops"),
        "tiff many inner directories": Bomb(
            tiff(8, 8, *[(330, 4, 16000, 0)] * 400).ljust(70_000, b"\1"), "overlaps"
        ),
        "tiff overlaps": Bomb(overlapping(), "overlaps"),
        "exif loop, jpeg": Bomb(jpeg(segment(0xE1, b"Exif\0\0" + LOOP)), "loops"),
        "exif inner loop, jpeg": Bomb(jpeg(segment(0xE1, b"Exif\0\0" + SELF)), "loops"),
        "exif in two pieces, jpeg": Bomb(
            jpeg(segment(0xE1, b"Exif\0\0" + SELF[:12]), segment(0xE1, b"Exif\0\0" + SELF[12:])), "loops"
        ),
        "exif loop, png": Bomb(png(chunk(b"eXIf", LOOP)), "loops"),
        "exif loop, webp": Bomb(webp(canvas(8, 8), (b"EXIF", SELF)), "loops"),
        "exif overlaps, jpeg": Bomb(jpeg(segment(0xE1, b"Exif\0\0" + overlapping())), "overlaps"),
        "exif overlaps, png": Bomb(png(chunk(b"eXIf", overlapping())), "overlaps"),
        "exif overlaps, webp": Bomb(webp(canvas(8, 8), (b"EXIF", b"Exif\0\0" + overlapping())), "overlaps"),
        "more pictures overlap, jpeg": Bomb(jpeg(segment(0xE2, b"MPF\0" + overlapping())), "overlaps"),
        "profile inflates": Bomb(png(chunk(b"iCCP", b"icc\0\0" + ZEROS)), "inflates"),
        "text inflates": Bomb(png(chunk(b"zTXt", b"k\0\0" + ZEROS)), "inflates"),
        "international text inflates": Bomb(png(chunk(b"iTXt", b"k\0\1\0en\0k\0" + ZEROS)), "inflates"),
        "text behind the pixels inflates": Bomb(png() + chunk(b"zTXt", b"k\0\0" + ZEROS), "inflates"),
        "many texts inflate": Bomb(
            png(*[chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(900_000)))] * 9), "inflates"
        ),
        "many chunks, png": Bomb(png(*[chunk(b"teSt")] * 90_000), "too-many-parts"),
        "many segments, jpeg": Bomb(jpeg(b"\xff\xfe\0\2" * 90_000), "too-many-parts"),
        "many pieces of exif, jpeg": Bomb(jpeg(segment(0xE1, b"Exif\0\0" + bytes(65000)) * 90), "too-many-parts"),
        "padding, jpeg": Bomb(jpeg(b"\xff" * 900_000), "too-many-parts"),
        "many chunks, webp": Bomb(webp(canvas(8, 8), *[(b"none", b"")] * 90_000), "too-many-parts"),
        "small blocks, gif": Bomb(gif(b"!\xfe" + b"\1x" * 900_000 + b"\0"), "too-many-parts"),
        "many entries, big tiff": Bomb(
            b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60) + bytes(20 * 90_000), "too-many-parts"
        ),
    }  # fmt: skip
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='file:///etc/passwd'/></svg>"
    other = {
        "empty": b"",
        "text": b"a photo of a dog",
        "svg": svg,
        "svg with declaration": b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'b'>]>" + svg,
        "packed svg": gzip.compress(svg),
        "html": b"<!doctype html><img src=x onerror=alert(1)>",
        "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        "pdf": b"%PDF-1.7\n",
        "psd": b"8BPS\0\1" + bytes(30),
        "ico": b"\0\0\1\0\1\0" + bytes(30),
        "icns": b"icns" + bytes(30),
        "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30),
        "avif": b"\0\0\0\x1cftypavif" + bytes(30),
        "fits": b"SIMPLE  =                    T",
        "xpm": b"/* XPM */",
        "pickle": b"\x80\x04\x95",
        "zip": b"PK\3\4" + bytes(30),
        "sound": b"RIFF\x24\0\0\0WAVEfmt ",
        "video": b"\0\0\0\x18ftypmp42" + bytes(30),
        "shell": b"#!/bin/sh\n",
        "late magic": b" " + sound("PNG"),
    }
    found |= {f"other: {name}": Bomb(data, "unknown-format") for name, data in other.items()}
    for format in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"):
        found[f"cut: {format}"] = Bomb(sound(format)[: 16 if format == "WEBP" else 12], "damaged")
    found["no pixels: png"] = Bomb(png(size=(0, 8)), "damaged")
    found["no pixels: jpeg"] = Bomb(jpeg(size=(8, 0)), "damaged")
    return found
