"""Photos of a benchmark are found again however they were saved."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from relata import phash
from relata.errors import RelataError
from relata.filters import leaks
from relata.scene import Scene


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A smooth picture of its own."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def hash_of(picture: Image.Image) -> int:
    return phash.bits(phash.grey(picture))


def test_hashes_stay_when_pictures_are_resized_and_differ_between_pictures() -> None:
    hashes = [hash_of(photo(seed)) for seed in range(40)]
    small = [hash_of(photo(seed).resize((100, 75))) for seed in range(40)]
    assert all((a ^ b).bit_count() <= leaks.BITS for a, b in zip(hashes, small, strict=True))
    assert min((a ^ b).bit_count() for n, a in enumerate(hashes) for b in hashes[:n]) > leaks.BITS


def test_the_hash_of_a_mirror_image_is_known_without_mirroring() -> None:
    grey = phash.grey(photo(3))
    assert phash.bits(grey, mirror=True) == hash_of(ImageOps.mirror(photo(3)))


def test_a_picture_that_says_it_is_turned_is_turned() -> None:
    lying = photo(5).transpose(Image.Transpose.ROTATE_90)
    exif = lying.getexif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    assert hash_of(lying) == hash_of(photo(5))


@pytest.mark.parametrize("radius", [0, 3, 4, 8, 11])
def test_the_index_finds_what_a_walk_over_all_finds(radius: int) -> None:
    rng = random.Random(radius)
    known = [(f"p{n}", rng.getrandbits(64)) for n in range(400)]
    index = phash.Index(known, radius)
    for _ in range(300):
        asked = rng.choice(known)[1]
        for bit in rng.sample(range(64), rng.randint(0, radius + 4)):
            asked ^= 1 << bit
        distance, name = min(((asked ^ hash).bit_count(), n) for n, (_, hash) in enumerate(known))
        expected = phash.Near(known[name][0], distance) if distance <= radius else None
        assert index.near([asked]) == expected


def test_an_index_of_nothing_and_a_radius_out_of_range() -> None:
    assert phash.Index([], 8).near([5]) is None
    assert phash.Index([("a", 5)], 8).near([]) is None
    with pytest.raises(RelataError, match="bits is 16"):
        phash.Index([], 16)


@pytest.fixture
def benchmark_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmark"
    folder.mkdir()
    for seed in range(5):
        photo(seed).save(folder / f"COCO_val2014_{seed + 100:012d}.jpg", quality=90)
    return folder


def scene(image: str) -> Scene:
    return Scene(f"scene of {image}", image, 320, 240)


def test_copies_under_other_names_are_rejected(tmp_path: Path, benchmark_folder: Path) -> None:
    train = tmp_path / "train"
    train.mkdir()
    photo(2).resize((160, 120)).save(train / "a.png")
    photo(2).crop((16, 12, 304, 228)).save(train / "cropped.jpg", quality=40)
    ImageOps.mirror(photo(3)).save(train / "mirrored.jpg")
    photo(50).save(train / "other.jpg")
    options = {"pictures": str(benchmark_folder), "images": str(train)}

    def reason(image: str, **more: bool) -> str | None:
        found = leaks.check(scene(image), **options, **more)  # type: ignore[arg-type]
        return found and found.reason

    assert reason("a.png") == "looks-alike"
    assert reason("cropped.jpg") == "looks-alike"
    assert reason("other.jpg") is None
    assert reason("mirrored.jpg") is None
    assert reason("mirrored.jpg", mirror=True) == "looks-alike"
    assert reason("val2017/000000000103.jpg") == "excluded"  # by its name alone, so that it need not be there


def test_a_list_of_names_and_what_is_missing(tmp_path: Path, benchmark_folder: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("COCO_val2014_000000000139.jpg\n")
    assert leaks.check(scene("000000000139.jpg"), str(names)) is not None
    assert leaks.check(scene("000000000139.jpg"), leaks.keys([139])) is not None
    assert leaks.check(scene("000000000140.jpg"), str(names)) is None
    with pytest.raises(RelataError, match="name the folder of the scenes' images"):
        leaks.check(scene("a.jpg"), pictures=str(benchmark_folder))
    with pytest.raises(RelataError, match="is no folder"):
        leaks.check(scene("a.jpg"), pictures=str(tmp_path / "nowhere"), images=str(tmp_path))
    with pytest.raises(RelataError, match="not found"):
        leaks.check(scene("a.jpg"), pictures=str(benchmark_folder), images=str(tmp_path))
    (benchmark_folder / "broken.jpg").write_bytes(
        (benchmark_folder / "COCO_val2014_000000000100.jpg").read_bytes()[:700]
    )
    leaks._benchmark.cache_clear()
    with pytest.raises(RelataError, match="broken"):
        leaks.check(scene("a.jpg"), pictures=str(benchmark_folder), images=str(tmp_path))


def test_real_photos_are_found_again_and_none_is_taken_for_another(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "coco_photos" / "images"
    names = sorted(path.name for path in folder.glob("*.jpg"))[:60]
    whole = {name: phash.bits(phash.read(name, folder)) for name in names}
    index = phash.Index(whole.items(), leaks.BITS)
    for name in names:
        with Image.open(folder / name) as opened:
            opened.convert("RGB").resize((224, 224)).save(tmp_path / "copy.jpg", quality=40)
        found = index.near([phash.bits(phash.read("copy.jpg", tmp_path))])
        assert found is not None
        assert found.name == name
    distances = [(a ^ b).bit_count() for n, a in enumerate(whole.values()) for b in list(whole.values())[:n]]
    assert min(distances) > leaks.BITS
