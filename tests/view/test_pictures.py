"""Which files a page may show, and what becomes of them."""

from __future__ import annotations

import itertools
import os
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from relata import RelataError
from relata.view.pictures import LONGEST, Album, picture

from .samples import picture_bytes

UPS = [
    "..",
    "../..",
    "../../..",
    "..///..",
    "photos/../..",
    "./..",
    "sub/../..",
    "../photos/..",
    "//..",
    ".//..//.",
    "sub/./../..",
]
TARGETS = [
    "secret.png",
    "./secret.png",
    "other/secret.png",
    "../secret.png",
    "photos-too/secret.png",
    "photos/../secret.png",
]
WINDOWS = ["C:\\secret.png", "C:/secret.png", "c:secret.png", "\\\\host\\share\\secret.png", "//host/share/secret.png"]
WINDOWS += [
    "..\\secret.png",
    "..\\..\\secret.png",
    "sub\\..\\..\\secret.png",
    "\\\\?\\C:\\secret.png",
    "\\\\.\\pipe\\x",
]
BYTES = ["a.png\x00", "\x00", "a.png\x00.jpg", "../secret.png\x00a.png", "\x00/etc/passwd", "sub/\x00/a.png"]
ADDRESSES = ["http://h/a.png", "HTTPS://h/a.png", "file:///etc/passwd", "gopher://h/", "data:image/png;base64,AAAA"]
ADDRESSES += ["ftp://127.0.0.1/a.png", "smb://host/a", "javascript:alert(1)", "blob://a", "File://../secret.png"]
SYSTEM = [
    "/etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
    "/dev/stdin",
    "/",
    ".",
    "",
    "sub",
    "~/.ssh/id_rsa",
]
ODD = ["x" * 300, "y/" * 3000, "a.png/b.png", "%2e%2e/secret.png", "..%2fsecret.png", "..;/secret.png", "\ud800.png"]
LINKS = ["link.png", "loop.png", "out/secret.png", "chain.png", "sub/link.png"]
REFUSED = [f"{up}/{target}" for up, target in itertools.product(UPS, TARGETS)]
REFUSED += [*WINDOWS, *BYTES, *ADDRESSES, *SYSTEM, *ODD, *LINKS]


@pytest.fixture
def trap(tmp_path: Path, photos: Path) -> Path:
    """The folder of photos, with secrets around it and links that lead to them."""
    for place in (tmp_path, tmp_path / "other", tmp_path / "photos-too", tmp_path.parent):
        place.mkdir(exist_ok=True)
        (place / "secret.png").write_bytes(picture_bytes("black"))
    (photos / "sub").mkdir()
    (photos / "link.png").symlink_to(tmp_path / "secret.png")
    (photos / "sub" / "link.png").symlink_to("../../secret.png")
    (photos / "chain.png").symlink_to(photos / "link.png")
    (photos / "loop.png").symlink_to(photos / "loop.png")
    (photos / "out").symlink_to(tmp_path)
    return photos


def test_no_path_leads_out_of_the_folder_of_images(trap: Path, tmp_path: Path) -> None:
    assert len(set(REFUSED)) >= 100
    album = Album(tmp_path / "page", trap)
    for image in REFUSED:
        shown = album.show(image, 128, 96)
        assert shown.source == "", image
        assert shown.problem.startswith("image '"), image
    absolute = str(tmp_path / "secret.png")
    assert "lies outside the folder" in album.show(absolute, 128, 96).problem
    assert not (tmp_path / "page").exists()


def test_a_pipe_is_not_waited_for(photos: Path, tmp_path: Path) -> None:
    os.mkfifo(photos / "pipe.png")
    assert "not a file" in Album(tmp_path, photos).show("pipe.png", 128, 96).problem


def test_a_name_never_reaches_the_page(photos: Path, tmp_path: Path) -> None:
    hostile = '"><img src=x onerror=alert(1)>.png'
    (photos / hostile).write_bytes(picture_bytes())
    shown = Album(tmp_path, photos).show(hostile, 128, 96)
    assert shown.problem == ""
    assert (tmp_path / shown.source).is_file()
    assert shown.source.removeprefix("assets/").removesuffix(".png").isalnum()


def test_one_picture_used_twice_is_copied_once(photos: Path, tmp_path: Path) -> None:
    album = Album(tmp_path, photos)
    assert album.show("a.png", 128, 96) == album.show("./a.png", 128, 96)
    assert len(list((tmp_path / "assets").iterdir())) == 1


def test_large_photos_become_small_jpegs_without_metadata() -> None:
    out = BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    Image.effect_noise((2000, 1000), 50).convert("RGB").save(out, "JPEG", exif=exif)
    small = picture(out.getvalue())
    assert (small.type, small.width, small.height) == ("jpeg", 2000, 1000)
    with Image.open(BytesIO(small.data)) as image:
        assert image.size == (LONGEST, 450)
        assert not image.getexif()


def test_small_pictures_keep_every_pixel() -> None:
    small = picture(picture_bytes())
    with Image.open(BytesIO(small.data)) as image, Image.open(BytesIO(picture_bytes())) as original:
        assert image.tobytes() == original.tobytes()


def test_transparency_becomes_white() -> None:
    out = BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(out, "PNG")
    with Image.open(BytesIO(picture(out.getvalue()).data)) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def bomb(width: int, height: int) -> bytes:
    """A PNG of some hundred bytes that claims a size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "data",
    [
        bomb(50_000, 50_000),
        bomb(9_000, 9_000),
        bomb(100, 100),  # too few pixels in it
        b"",
        b"not a picture",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 20,
        picture_bytes()[:200],
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
    ],
)
def test_what_is_no_sound_picture_is_refused(data: bytes) -> None:
    with pytest.raises(RelataError, match=r"pixels|cannot be decoded|the file is none of|end too early"):
        picture(data)


def test_a_broken_picture_is_a_problem_on_the_page_not_an_error(photos: Path, tmp_path: Path) -> None:
    (photos / "broken.png").write_bytes(picture_bytes()[:200])
    shown = Album(tmp_path, photos).show("broken.png", 128, 96)
    assert shown.source == ""
    assert shown.problem.startswith("image 'broken.png': cannot be decoded")


def test_a_picture_of_another_size_is_shown_and_told(photos: Path, tmp_path: Path) -> None:
    shown = Album(tmp_path, photos).show("a.png", 640, 480)
    assert shown.source
    assert "128 x 96 px, the record says 640 x 480" in shown.problem
