"""No reference in data, and no member of an archive, leads out of the folder that the user named."""

from __future__ import annotations

import io
import itertools
import json
import os
import socket
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from relata.benchmarks import evaluate
from relata.errors import RelataError, Unsafe
from relata.filters._depth import Depth
from relata.images import descriptor, inside, own, read
from relata.readers._photos import Photos
from relata.readers._pixels import label_map
from relata.scene import Scene

from . import bombs
from .bombs import sound

PHOTO, SECRET = sound("PNG"), sound("PNG", (9, 9))

UPS = [
    "..",
    "../..",
    "../../..",
    "..///..",
    "sub/../..",
    "./..",
    "sub/deep/../../..",
    "//..",
    ".//..//.",
    "sub/./../..",
]
TARGETS = ["secret.png", "./secret.png", "outside/secret.png", "photos-too/secret.png", "photos/../secret.png"]
OUTSIDE = [f"{up}/{target}" for up, target in itertools.product(UPS, TARGETS)]
LINKS = ["link.png", "sub/link.png", "chain.png", "out/secret.png", "out/outside/secret.png", "sub/../out/secret.png"]
LINKS += ["up/secret.png", "absolute/passwd", "twice/secret.png"]
WINDOWS = ["C:\\secret.png", "C:/secret.png", "c:secret.png", "\\\\host\\share\\secret.png", "//host/share/secret.png"]
WINDOWS += ["\\\\?\\C:\\secret.png", "\\\\.\\pipe\\x", "\\\\.\\PhysicalDrive0", "//?/C:/secret.png", "//./COM1"]
BACKSLASHES = ["..\\secret.png", "..\\..\\secret.png", "sub\\..\\..\\secret.png", ".\\..\\secret.png", "\\secret.png"]
NULLS = [
    "a.png\0",
    "\0",
    "a.png\0.jpg",
    "../secret.png\0a.png",
    "\0/etc/passwd",
    "sub/\0/a.png",
    "a\0/../../secret.png",
]
SYSTEM = [
    "/etc/passwd",
    "/etc/hostname",
    "/proc/self/environ",
    "/proc/self/cmdline",
    "/proc/self/mem",
    "/proc/self/fd/0",
]
SYSTEM += [
    "/dev/zero",
    "/dev/stdin",
    "/dev/tty",
    "/dev/random",
    "/",
    "//",
    "///etc/passwd",
    "~/.ssh/id_rsa",
    "~root/.bashrc",
]
ENCODED = [
    "%2e%2e/secret.png",
    "..%2fsecret.png",
    "%2e%2e%2fsecret.png",
    "..%252fsecret.png",
    "%c0%ae%c0%ae/secret.png",
]
ENCODED += [
    "..;/secret.png",
    "..%00/secret.png",
    "&#46;&#46;/secret.png",
    "..%5csecret.png",
    "\\u002e\\u002e/secret.png",
]
ALIKE = ["．．/secret.png", "..／secret.png", "‥/secret.png", "․․/secret.png", "..∕secret.png", "..⁄secret.png"]
ALIKE += ["..\u200b/secret.png", ".\u0307./secret.png", "\u202e..//secret.png", "ａ.png", "..＼secret.png"]
ODD = ["", ".", "..", "sub", "x" * 300, "y/" * 3000, "a.png/b.png", "a.png/..", "\ud800.png", "loop.png"]
ODD += [
    "loop/a.png",
    " a.png",
    "a.png ",
    "A.PNG/../../secret.png",
    "nul",
    "con.png",
    "*",
    "?.png",
    "$HOME/a.png",
    "-rf",
]
FILES = ["pipe.png", "socket.png", "dangling.png", "unreadable/../../secret.png"]
REFUSED = [*OUTSIDE, *LINKS, *WINDOWS, *BACKSLASHES, *NULLS, *SYSTEM, *ENCODED, *ALIKE, *ODD, *FILES]
ADDRESSES = ["http://h/a.png", "HTTPS://h/a.png", "file:///etc/passwd", "file:/etc/passwd", "data:image/png;base64,AA"]
ADDRESSES += ["ftp://127.0.0.1/a.png", "smb://host/a", "javascript:alert(1)", " http://h/a.png", "jar:http://h!/a"]


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[Path]:
    """A folder of photos, with secrets around it and links that lead to them."""
    root = tmp_path / "photos"
    for folder in (root / "sub" / "deep", tmp_path / "outside", tmp_path / "photos-too"):
        folder.mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "outside", tmp_path / "photos-too"):
        (folder / "secret.png").write_bytes(SECRET)
    (root / "a.png").write_bytes(PHOTO)
    (root / "sub" / "b.png").write_bytes(PHOTO)
    links = {"link.png": "../secret.png", "sub/link.png": "../../secret.png", "chain.png": "link.png", "out": ".."}
    links |= {"up": str(tmp_path), "absolute": "/etc", "twice": "out", "loop.png": "loop.png", "loop": "loop"}
    links |= {"dangling.png": "nothing.png", "inner.png": "sub/b.png", "inner": "sub"}
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe.png")
    here = os.getcwd()
    os.chdir(root)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        os.chdir(here)
        yield root


def test_no_reference_leads_out_of_the_folder(photos: Path, tmp_path: Path) -> None:
    assert len(set(REFUSED)) >= 100
    for name in (*REFUSED, str(tmp_path / "secret.png"), str(photos / ".." / "secret.png")):
        with pytest.raises(Unsafe) as refusal:
            read(name, photos)
        assert refusal.value.reason in {"outside-root", "bad-name", "missing", "not-a-file", "unreadable"}, name
        assert str(refusal.value).startswith("image "), name
        assert str(refusal.value).isprintable(), name


@pytest.mark.parametrize(
    ("names", "reasons"),
    [
        (OUTSIDE, {"outside-root", "bad-name"}),  # two slashes in front: a network share
        (LINKS, {"outside-root"}),
        (WINDOWS, {"bad-name"}),
        (NULLS, {"bad-name"}),
        (["pipe.png", "socket.png", ".", "sub"], {"not-a-file"}),
        (["dangling.png", "nothing.png", *ENCODED, *ALIKE], {"missing"}),
    ],
)
def test_the_reason_says_which(names: list[str], reasons: set[str], photos: Path) -> None:
    for name in names:
        with pytest.raises(Unsafe) as refusal:
            read(name, photos)
        assert refusal.value.reason in reasons, name


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_no_file(address: str, photos: Path) -> None:
    with pytest.raises(Unsafe) as refusal:
        read(address, photos)
    assert refusal.value.reason == "address"


def test_photos_inside_are_read_however_they_are_named(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["a.png", "./a.png", "sub/../a.png", "../photos/a.png", str(photos / "a.png"), "inner.png", "inner/b.png"]
    names += ["sub//b.png", "sub/./b.png"]
    for name in names:
        assert read(name, photos) == PHOTO
    link = tmp_path / "link-to-photos"
    link.symlink_to(photos)
    assert read("a.png", link) == PHOTO
    monkeypatch.chdir(photos)
    assert read("sub/b.png", None) == PHOTO
    with pytest.raises(Unsafe):
        read("../secret.png", None)


def test_odd_names_are_names(photos: Path) -> None:
    for name in ("a b.png", "7%20.png", "größe 写真.png", "..a.png", "a..png", "...", "frame-00:12.png", "x" * 250):
        (photos / name).write_bytes(PHOTO)
        assert read(name, photos) == PHOTO


@pytest.mark.parametrize("name", ["link.png", "out/secret.png", "sub/link.png", "inner/b.png"])
def test_what_became_a_link_after_the_check_is_not_opened(name: str, photos: Path) -> None:
    with pytest.raises((OSError, Unsafe)):
        os.close(descriptor(photos, photos / name))


def test_what_is_swapped_while_it_is_read_is_not_followed(photos: Path, tmp_path: Path) -> None:
    """A folder turns into a link to the outside and back, as fast as it can, while a photo in it is read."""
    (photos / "swap").mkdir()
    (photos / "swap" / "secret.png").write_bytes(PHOTO)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(photos / "swap", photos / "real")
            os.symlink(tmp_path, photos / "swap")
            os.unlink(photos / "swap")
            os.rename(photos / "real", photos / "swap")

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes | str] = set()
    try:
        for _ in range(1500):
            try:
                seen.add(read("swap/secret.png", photos))
            except Unsafe as error:
                seen.add(error.reason)
    finally:
        stop.set()
        thread.join()
    assert seen <= {PHOTO, "outside-root", "missing", "unreadable", "bad-name"}


def test_members_of_archives_stay_inside(photos: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (*OUTSIDE, "/etc/cron.d/x", "out/x.png", "C:/x.png", "ok/new.png"):
            archive.writestr(name, b"x")
    with zipfile.ZipFile(packed) as archive:
        members = archive.namelist()
    tape = io.BytesIO()
    with tarfile.open(fileobj=tape, mode="w") as archive:
        for name in ("../../x", "/etc/x", "twice/x", "ok/new.png"):
            archive.addfile(tarfile.TarInfo(name))
    tape.seek(0)
    with tarfile.open(fileobj=tape) as archive:
        members += archive.getnames()
    kept, reasons = [], set()
    for name in members:
        try:
            kept.append(inside(photos, name))
        except Unsafe as error:
            reasons.add(error.reason)
    assert reasons == {"outside-root", "bad-name"}
    assert kept == [photos / "ok" / "new.png"] * 2


def test_a_reader_looks_up_no_size_outside(photos: Path) -> None:
    found = Photos(photos)
    assert found.look_up("sub/b.png")[:3] == ("sub/b.png", 40, 30)
    for name in ("../secret.png", "out/secret.png", "link.png", "pipe.png", "a.png\0", "loop.png"):
        with pytest.raises(RelataError):
            found.look_up(name)


def test_label_maps_and_depth_maps_are_read_from_their_folder_only(photos: Path) -> None:
    label = Image.fromarray(np.array([[1, 2], [3, 4]], dtype=np.uint8))
    label.save(photos / "map.png")
    assert label_map(photos / "sub" / ".." / "map.png", root=photos).tolist() == [[1, 2], [3, 4]]
    for name in ("../secret.png", "out/secret.png", "link.png", "pipe.png", "loop.png", "/etc/passwd"):
        with pytest.raises(RelataError):
            label_map(photos / name, root=photos)
    assert label_map(photos / "link.png").shape == (9, 9, 3)  # a link that the user made, in a folder that they named
    depth = np.tile(np.arange(40, dtype=np.float32), (30, 1))
    np.save(photos / "sub" / "b.npy", depth)
    (photos / "c.npy").symlink_to(photos / "sub" / "b.npy")
    (photos.parent / "d.npy").write_bytes((photos / "sub" / "b.npy").read_bytes())
    (photos / "d.npy").symlink_to(photos.parent / "d.npy")
    assert Depth.read(photos, Scene("s", "x/c.jpg", 40, 30), "large").range > 0
    with pytest.raises(RelataError, match="outside the folder"):
        Depth.read(photos, Scene("s", "x/d.jpg", 40, 30), "large")


def test_an_array_that_claims_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    header = repr({"descr": "<f8", "fortran_order": False, "shape": (200_000, 200_000)}).encode().ljust(117) + b"\n"
    (tmp_path / "s.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(RelataError, match="cannot be read as a depth map"):
        Depth.read(tmp_path, Scene("s", "s.jpg", 40, 30), "large")


class Model:
    """Counts what it is asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[Path] = []

    def answer(self, images: Sequence[Path], question: str) -> str:
        self.asked += images
        return "A"


def test_questions_lead_to_no_image_outside(photos: Path, tmp_path: Path) -> None:
    row = {
        "text": "What is there?\nA. cat\nB. dog\nAnswer with the letter.",
        "category": "exist",
        "correct_option": "A",
    }
    for name in ("../secret.png", "out/secret.png", "/etc/passwd", str(tmp_path / "secret.png"), "link.png", ""):
        rows = [{"question_id": n, "image": image, **row} for n, image in enumerate(("a.png", name))]
        (tmp_path / "q.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
        model = Model()
        with pytest.raises(RelataError, match=r"question 1.*: image"):
            evaluate("crpe", model, tmp_path / "q.jsonl", out=tmp_path / "run", images=photos)
        assert model.asked == []


def test_files_that_the_user_named_may_lie_anywhere_but_keep_to_the_limits(photos: Path, tmp_path: Path) -> None:
    assert own(photos / "link.png").size == own(str(tmp_path / "secret.png")).size == (9, 9)
    (tmp_path / "bomb.png").write_bytes(bombs.png(size=(bombs.SIDE, bombs.SIDE)))
    for name, reason in (("bomb.png", "too-many-pixels"), ("photos/pipe.png", "not-a-file"), ("none.png", "missing")):
        with pytest.raises(Unsafe) as refused:
            own(tmp_path / name)
        assert refused.value.reason == reason
