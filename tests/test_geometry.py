"""Boxes, frames, codecs and masks, with cases worked out by hand and every codec held to its own bound."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from relata.dialects import asmv2, internvl, llava, paligemma, plain, qwen_vl, robin
from relata.errors import RelataError
from relata.geometry import (
    ORIGINAL,
    SQUARE,
    Codec,
    Frame,
    PatchCodec,
    Resize,
    array,
    containment,
    iou,
    iou_matrix,
    rle_area,
    rle_box,
    rle_decode,
    rle_encode,
    rle_from_counts,
    rle_from_polygons,
    union,
)
from relata.scene import Box, Mask

#: Every family's codec, with the variants that change the numbers.
CODECS: dict[str, Codec | PatchCodec] = {
    "asmv2": asmv2.VARIANTS["padded"],
    "asmv2:original": asmv2.VARIANTS["original"],
    "internvl": internvl.VARIANTS["1000"],
    "llava": llava.VARIANTS["padded"].replace(digits=2),
    "llava, 3 digits": llava.VARIANTS["original"].replace(digits=3),
    "paligemma": paligemma.VARIANTS["1024"],
    "plain": plain.VARIANTS["pixels"] or Codec(),
    "qwen_vl": qwen_vl.VARIANTS["pixels"],
    "qwen_vl, 1 Mpx": Codec(frame=Frame(resize=Resize(max_pixels=1003520))),
    "qwen_vl:1000": qwen_vl.VARIANTS["1000"],
    "robin": robin.CODEC,
    "relationvlm": PatchCodec(),
}
SIZES = [(640, 480), (31, 31), (31, 310), (310, 31), (1381, 13817), (13817, 1381), (13817, 13816)]


def random_box(rng: random.Random, width: int, height: int) -> Box:
    """Anywhere in the image, one in five at an edge, from a fraction of a pixel to the whole image."""
    sides = []
    for length in (width, height):
        size = length * rng.random() ** 2 + 1e-3
        start = rng.choice([0.0, length - size, *(rng.uniform(0, length - size) for _ in range(8))])
        sides.append((max(start, 0.0), min(start + size, float(length))))
    (x1, x2), (y1, y2) = sides
    return Box(x1, y1, x2, y2)


def test_overlap_by_hand() -> None:
    a, b = Box(0, 0, 10, 10), Box(5, 5, 15, 15)
    assert iou(a, b) == 25 / 175
    assert iou(a, a) == 1
    assert iou(a, Box(10, 0, 20, 10)) == 0, "boxes that touch do not overlap"
    assert containment(Box(8, 0, 12, 10), a) == 0.5
    assert containment(a, Box(-5, -5, 50, 50)) == 1
    assert union([a, b, Box(-3, 2, 1, 4)]) == Box(-3, 0, 15, 15)
    with pytest.raises(RelataError, match="no boxes"):
        union([])


def test_iou_matrix_is_the_pairs() -> None:
    rng = random.Random(0)
    a = [random_box(rng, 100, 50) for _ in range(20)]
    b = [random_box(rng, 100, 50) for _ in range(30)]
    assert np.allclose(iou_matrix(a, b), [[iou(x, y) for y in b] for x in a])
    assert np.array_equal(iou_matrix(array(a), array(b)), iou_matrix(a, b))
    assert iou_matrix([], b).shape == (0, 30)
    assert iou_matrix(a, []).shape == (20, 0)


@pytest.mark.parametrize(
    ("size", "bounds", "resized"),
    [
        # computed with transformers' smart_resize
        ((640, 480), (3136, 12845056), (644, 476)),
        ((1920, 1080), (3136, 1003520), (1316, 728)),
        ((31, 31), (3136, 12845056), (56, 56)),
        ((310, 31), (3136, 12845056), (308, 28)),
        ((10, 10), (3136, 12845056), (56, 56)),
        ((98, 126), (3136, 12845056), (112, 112)),  # 3.5 and 4.5 steps: both round to the even 4
        ((13817, 138), (3136, 1003520), (9996, 84)),
        ((1000, 13817), (3136, 12845056), (952, 13300)),
    ],
)
def test_resize_is_qwens(size: tuple[int, int], bounds: tuple[int, int], resized: tuple[int, int]) -> None:
    assert Resize(28, *bounds).size(*size) == resized


def test_frames_by_hand() -> None:
    assert ORIGINAL.place(640, 480) == (0, 0, 1, 1, 640, 480)
    assert SQUARE.place(640, 481) == (0, 79, 1, 1, 640, 640)  # 159 rows of padding: 79 above, 80 below
    assert SQUARE.place(5, 8) == (1, 0, 1, 1, 8, 8)
    # padded first, then resized: 640 x 640 to 644 x 644
    assert Frame(square=True, resize=Resize()).place(640, 480) == (0, 80, 644 / 640, 644 / 640, 644, 644)


@pytest.mark.parametrize(
    ("name", "box", "size", "written"),
    [
        # 49 / 480 * 999 = 101.98, 207 / 480 * 999 = 430.8: the published example truncates
        ("asmv2:original", Box(49, 162, 207, 617), (480, 640), (101, 252, 430, 963)),
        # 480 x 640 padded by 80 on the left: (49 + 80) / 640 * 999 = 201.4
        ("asmv2", Box(49, 162, 207, 617), (480, 640), (201, 253, 448, 963)),
        ("asmv2", Box(0, 0, 480, 640), (480, 640), (125, 0, 874, 999)),
        ("robin", Box(49, 162, 207, 640), (480, 640), (102, 253, 431, 1000)),
        ("internvl", Box(103.93, 299.99, 237.15, 476.41), (427, 640), (243, 468, 555, 744)),
        ("qwen_vl:1000", Box(49, 162, 207, 617), (480, 640), (102, 253, 431, 964)),
        ("qwen_vl", Box(320, 240, 640, 480), (640, 480), (322, 238, 644, 476)),
        ("llava", Box(0, 0, 480, 640), (480, 640), (0.13, 0.0, 0.88, 1.0)),  # 0.125 and 0.875, halves up
        ("paligemma", Box(0, 120, 320, 480), (640, 480), (256, 0, 1023, 512)),  # y first; 1024 does not exist
        ("plain", Box(10.5, 20.4, 30, 40), (640, 480), (11, 20, 30, 40)),
        # cells of 20 x 15 pixels: (0.1, 0.2) is cell 3 of row 6, (0.4, 0.5) ends in cell 12 of row 15
        ("relationvlm", Box(64, 96, 256, 240), (640, 480), (6 * 32 + 3, 15 * 32 + 12)),
    ],
)
def test_written_numbers(name: str, box: Box, size: tuple[int, int], written: tuple[float, ...]) -> None:
    assert CODECS[name].encode(box, *size) == written


@pytest.mark.parametrize("name", CODECS)
def test_codec_keeps_its_bound(name: str) -> None:
    """10,000 boxes over odd image sizes: never below the codec's bound, so 0.99 wherever its resolution allows that."""
    rng, codec = random.Random(name), CODECS[name]
    sharp = 0
    for count in range(10_000):
        size = SIZES[count % len(SIZES)]
        box = random_box(rng, *size)
        written = codec.encode(box, *size)
        read, problems = codec.decode(written, *size)
        assert read is not None, (box, size, written)
        assert not problems, (box, size, written, problems)
        bound = codec.bound(box, *size)
        assert iou(box, read) >= bound - 1e-9, (box, size, written, read)
        assert codec.encode(read, *size) == written, "writing what was read must not drift"
        sharp += min(box.width, box.height) >= 16 and bound >= 0.99
    assert sharp > 400 or name in ("llava", "relationvlm"), f"only {sharp} boxes could be written to 0.99"


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CODECS)
def test_codec_keeps_its_bound_at_every_size(name: str, size: tuple[int, int]) -> None:
    rng, codec = random.Random(f"{name} {size}"), CODECS[name]
    for _ in range(10_000):
        box = random_box(rng, *size)
        read, problems = codec.decode(codec.encode(box, *size), *size)
        assert read is not None, box
        assert not problems, box
        assert iou(box, read) >= codec.bound(box, *size) - 1e-9, box


def test_bound_by_hand() -> None:
    # 0..999 of 640 px: half a step is 0.3203 px; a box of 64 x 128 loses at most two of them on each axis
    step = 640 / 999
    bound = CODECS["asmv2"].bound(Box(0, 0, 64, 128), 640, 480)
    assert bound == pytest.approx((1 - step / 64) * (1 - step / 128))
    assert CODECS["robin"].error(640, 480) == pytest.approx((0.64, 0.48), rel=1e-5)
    assert CODECS["relationvlm"].error(640, 480) == (20, 15)
    assert CODECS["relationvlm"].bound(Box(0, 0, 30, 30), 640, 480) == 0


@pytest.mark.parametrize(
    ("numbers", "box", "problems"),
    [
        ([0, 125, 999, 874], Box(0, 0.08008, 640, 479.91992), ()),
        ([500, 600, 100, 200], Box(64.064064, 48.128128, 320.32032, 304.384384), ("swapped-corners",)),
        ([100, 300, 100, 400], None, ("flat-box",)),
        ([100, 300, 2000, 400], Box(64.064064, 112.192192, 640, 176.256256), ("out-of-range",)),
        ([-5, 300, 200, 400], Box(0, 112.192192, 128.128128, 176.256256), ("out-of-range",)),
        ([100, 0, 200, 100], None, ("out-of-range", "flat-box")),  # wholly in the padding above the image
        ([100, 60, 200, 300], Box(64.064064, 0, 128.128128, 112.192192), ("out-of-range",)),  # partly
        ([100, 300, 200], None, ("bad-box",)),
        ([], None, ("bad-box",)),
        ([100, 300, math.inf, 400], None, ("bad-box",)),
        ([100, 300, math.nan, 400], None, ("bad-box",)),
        ([1e308, 300, 200, 400], Box(128.128128, 112.192192, 640, 176.256256), ("swapped-corners", "out-of-range")),
    ],
)
def test_reading_repairs_and_reports(numbers: Sequence[float], box: Box | None, problems: tuple[str, ...]) -> None:
    read = CODECS["asmv2"].decode(numbers, 640, 480)
    assert read.problems == problems
    if box is None:
        assert read.box is None
    else:
        assert read.box is not None
        assert read.box.tuple() == pytest.approx(box.tuple(), abs=1e-4)


def test_patches_read_as_kosmos_does() -> None:
    codec = PatchCodec(32)
    size = (320, 320)  # cells of 10 pixels
    assert codec.decode((33, 66), *size).box == Box(15, 15, 25, 25)  # cells (1, 1) and (2, 2): their centres
    assert codec.decode((33, 33), *size).box == Box(10, 10, 20, 20)  # one cell: its edges
    assert codec.decode((33, 35), *size).box == Box(10, 10, 40, 20)  # one row: edges
    assert codec.decode((33, 97), *size).box == Box(10, 10, 20, 40)  # one column: edges
    assert codec.decode((66, 33), *size) == (Box(15, 15, 25, 25), ("swapped-corners",))
    assert codec.decode((33, 1024 + 5), *size) == (Box(15, 15, 55, 315), ("out-of-range",))
    assert codec.decode((33,), *size) == (None, ("bad-box",))
    assert codec.decode((33, math.inf), *size) == (None, ("bad-box",))


def reference_counts(flat: Sequence[bool]) -> list[int]:
    counts, value, run = [], False, 0
    for pixel in flat:
        if pixel != value:
            counts.append(run)
            value, run = pixel, 0
        run += 1
    return [*counts, run]


def reference_string(counts: Sequence[int]) -> str:
    """COCO's packing, number by number."""
    letters = []
    for place, count in enumerate(counts):
        left = count - counts[place - 2] if place > 2 else count
        while True:
            digit = left & 31
            left >>= 5
            more = left != (-1 if digit & 16 else 0)
            letters.append(chr(digit + 32 * more + 48))
            if not more:
                break
    return "".join(letters)


def test_masks_are_packed_as_coco_does() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        height, width = rng.integers(1, 50, 2).tolist()
        array_ = rng.random((height, width)) < rng.random()
        counts = reference_counts(array_.ravel(order="F").tolist())
        mask = rle_encode(array_)
        assert mask == Mask(size=(height, width), counts=reference_string(counts))
        assert mask == rle_from_counts(counts, height, width)
        assert np.array_equal(rle_decode(mask), array_)
        assert rle_area(mask) == array_.sum()


def test_mask_by_hand() -> None:
    array_ = np.zeros((3, 4), dtype=np.uint8)
    array_[1:, 2] = 7  # down the columns: 7 zeros, 2 ones, 3 zeros
    mask = rle_encode(array_)
    assert mask == Mask(size=(3, 4), counts="723")
    assert rle_box(mask) == Box(2, 1, 3, 3)
    assert rle_box(rle_encode(array_ * 0)) is None
    long = np.ones((300, 200), dtype=bool)
    assert np.array_equal(rle_decode(rle_encode(long)), long)


def test_polygons() -> None:
    square = rle_decode(rle_from_polygons([[1, 1, 5, 1, 5, 4, 1, 4]], 6, 7))
    expected = np.zeros((6, 7), dtype=bool)
    expected[1:4, 1:5] = True
    assert np.array_equal(square, expected)
    two = rle_from_polygons([[0, 0, 2, 0, 2, 2, 0, 2], [4, 4, 6, 4, 6, 6, 4, 6]], 6, 7)
    assert rle_area(two) == 8
    assert rle_area(rle_from_polygons([[-9, -9, -1, -9, -1, -1]], 6, 7)) == 0, "wholly outside"
    assert rle_area(rle_from_polygons([], 6, 7)) == 0
    turns = [turn / 50 * math.pi for turn in range(100)]
    circle = [value for turn in turns for value in (50 + 30 * math.cos(turn), 50 + 30 * math.sin(turn))]
    assert rle_area(rle_from_polygons([circle], 100, 100)) == pytest.approx(math.pi * 900, rel=0.02)


@pytest.mark.parametrize("counts", ["", "7", "72", "7233", "zzz", "\x00", "é", "o" * 40, "oooooooooo?", "72n3"])
def test_damaged_masks_are_refused(counts: str) -> None:
    with pytest.raises(RelataError, match="mask"):
        rle_decode(Mask(size=(3, 4), counts=counts))


def test_impossible_masks_are_refused() -> None:
    with pytest.raises(RelataError, match="at most"):
        rle_decode(Mask(size=(50_000, 50_000), counts="0"))
    with pytest.raises(RelataError, match="shape"):
        rle_encode(np.zeros(5))
    with pytest.raises(RelataError, match="fill"):
        rle_from_counts([5, -2, 9], 3, 4)
    with pytest.raises(RelataError, match="six or more"):
        rle_from_polygons([[1, 2, 3, 4]], 9, 9)
    with pytest.raises(RelataError, match="finite"):
        rle_from_polygons([[1, 2, 3, 4, 5, math.nan]], 9, 9)


def test_real_coco_masks(shared_data: Path) -> None:
    """Crowd run lengths are read to the box that COCO states; polygons to its area, within a few per cent."""
    ratios, crowds = [], 0
    for path in sorted((shared_data / "coco_photos/annotations/tiny_coco").glob("instances_*.json")):
        data = json.loads(path.read_bytes())
        sizes = {image["id"]: (image["height"], image["width"]) for image in data["images"]}
        for entry in data["annotations"]:
            height, width = sizes[entry["image_id"]]
            x, y, w, h = entry["bbox"]
            if entry["iscrowd"]:
                crowds += 1
                mask = rle_from_counts(entry["segmentation"]["counts"], height, width)
                assert rle_box(mask) == Box.xywh(x, y, w + 1, h + 1)  # COCO's crowd boxes end on the last pixel
            elif entry["area"] > 400:
                ratios.append(rle_area(rle_from_polygons(entry["segmentation"], height, width)) / entry["area"])
    assert crowds > 5
    assert 0.99 < float(np.median(ratios)) < 1.03
    assert max(ratios) < 1.15
