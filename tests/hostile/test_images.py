"""Image files that want to do harm are refused at once, sound ones are read, and what is accepted keeps the limits."""

from __future__ import annotations

import io
import os
import pickle
import random
import time
import tracemalloc
import warnings
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from relata.errors import Unsafe
from relata.images import LIMITS, Limits, check, load, read
from relata.sniff import Header, sniff

from .bombs import bombs, pages, sound

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF")
BOMBS = bombs()


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str, tmp_path: Path) -> None:
    data, reason = BOMBS[name]
    (tmp_path / "bomb").write_bytes(data)
    took = []
    for _ in range(3):
        start = time.process_time()
        with pytest.raises(Unsafe) as refusal:
            read("bomb", tmp_path)
        took.append(time.process_time() - start)
    assert refusal.value.reason == reason
    assert "image 'bomb': " in str(refusal.value)
    assert min(took) < 0.1
    tracemalloc.start()
    with pytest.raises(Unsafe):
        read("bomb", tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64e6


def test_a_run_goes_on_past_bombs(tmp_path: Path) -> None:
    names = []
    for number, (data, _) in enumerate(BOMBS.values()):
        (tmp_path / f"{number}.bomb").write_bytes(data)
        (tmp_path / f"{number}.png").write_bytes(sound("PNG"))
        names += [f"{number}.bomb", f"{number}.png"]
    kept, refused = [], []
    for name in names:
        try:
            kept.append(load(name, tmp_path).size)
        except Unsafe as error:
            refused.append(error.reason)
    assert kept == [(40, 30)] * len(BOMBS)
    assert refused == [reason for _, reason in BOMBS.values()]


def test_a_large_file_is_not_even_read(tmp_path: Path) -> None:
    with open(tmp_path / "large.png", "wb") as file:
        file.write(sound("PNG"))
        file.truncate(LIMITS.bytes + 1)
    tracemalloc.start()
    with pytest.raises(Unsafe, match="67,108,865 bytes") as refusal:
        read("large.png", tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.value.reason == "too-many-bytes"
    assert peak < 1e6


@pytest.mark.parametrize("format", FORMATS)
def test_sound_files_are_read(format: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(sound(format))
    assert sniff(read("a", tmp_path)) == Header(format, 40, 30, 1)
    assert load("a", tmp_path).size == (40, 30)
    assert load("a", tmp_path).mode == "RGB"


@pytest.mark.parametrize("format", ["PNG", "GIF", "WEBP", "TIFF"])
def test_frames_are_counted(format: str) -> None:
    assert check(sound(format, frames=16)).frames == 16
    with pytest.raises(Unsafe, match="17 frames") as refusal:
        check(sound(format, frames=17))
    assert refusal.value.reason == "too-many-frames"


def test_limits_are_inclusive() -> None:
    data = sound("PNG")
    assert check(data, Limits(1200, len(data), 1)) == Header("PNG", 40, 30, 1)
    for limits in (Limits(1199, len(data), 1), Limits(1200, len(data) - 1, 1)):
        with pytest.raises(Unsafe):
            check(data, limits)
    assert sniff(pages(3)).frames == 3


MODES = {"JPEG": "1 L RGB CMYK", "PNG": "1 L P RGB RGBA I;16", "GIF": "1 L P RGB RGBA", "WEBP": "L P RGB RGBA"}
MODES |= {"BMP": "1 L P RGB RGBA", "TIFF": "1 L P RGB RGBA CMYK I;16"}


@pytest.mark.parametrize(("format", "mode"), [(format, mode) for format in MODES for mode in MODES[format].split()])
def test_every_kind_of_file_gives_its_size(format: str, mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (37, 23)).save(out, format)
    assert sniff(out.getvalue()) == Header(format, 37, 23, 1)


def test_camera_metadata_is_no_bomb() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "a long description " * 50, 6
    exif.get_ifd(0x8769)[0x9286] = b"comment" * 100
    exif.get_ifd(0x8825)[1] = "N"
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        out = io.BytesIO()
        Image.new("RGB", (37, 23)).save(out, format, exif=exif)
        assert check(out.getvalue()) == Header(format, 37, 23, 1)


def test_what_is_accepted_is_no_larger_for_the_decoder() -> None:
    """Bytes of sound files are changed at random; where both read a file, the decoder sees no more than was checked."""
    rng = random.Random(5)
    both, refused = 0, Counter[str]()
    limits = Limits(40 * 30 * 4, 1 << 20, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for format in FORMATS:
            for frames in (1, 3) if format in ("PNG", "GIF", "WEBP", "TIFF") else (1,):
                original = sound(format, frames=frames)
                for _ in range(250):
                    data = bytearray(original)
                    for _ in range(rng.randint(1, 4)):
                        data[min(rng.randrange(len(data)), rng.randrange(600))] = rng.choice(
                            (0, 1, 255, rng.randrange(256))
                        )
                    try:
                        header = check(bytes(data), limits)
                    except Unsafe:
                        continue
                    try:
                        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                            assert image.format in (header.format, "MPO")
                            assert image.width * image.height <= limits.pixels, (format, header, image.size)
                            image.convert("RGB")
                    except (AssertionError, MemoryError):
                        raise
                    except Exception as error:  # a decoder may refuse more, and that is told
                        refused[type(error).__name__] += 1
                        continue
                    both += 1
    print(f"{both} decoded; refused by the decoder: {dict(refused)}")
    assert both > 500


def test_pixels_that_cannot_be_decoded_are_refused(tmp_path: Path) -> None:
    for format in ("JPEG", "PNG", "WEBP", "TIFF"):
        data = sound(format, (200, 200))
        (tmp_path / "half").write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(Unsafe, match="image 'half'") as refusal:
            load("half", tmp_path)
        assert refusal.value.reason == "damaged"


def test_real_photos_are_accepted_and_their_size_agrees(shared_data: Path) -> None:
    seen = 0
    for path in sorted(shared_data.rglob("*")):
        if path.suffix in (".jpg", ".png"):
            header = sniff(read(os.path.relpath(path, shared_data), shared_data))
            with Image.open(path) as image:
                assert (header.format, header.width, header.height) == (image.format, *image.size)
            seen += 1
    assert seen > 500


def test_a_refusal_survives_the_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(Unsafe("loops", "it loops")))
    assert (again.reason, again.detail, str(again)) == ("loops", "it loops", "it loops")
