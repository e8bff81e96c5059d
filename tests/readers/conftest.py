"""Hand-written annotation files in their published formats, and photos for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

#: Sizes of the photos that the fixtures speak of.
SIZES = {"000000000009": (100, 80), "000000000025": (60, 60), "000000000030": (50, 50), "000000000042": (20, 10)}


@pytest.fixture(scope="session")
def files() -> Path:
    return Path(__file__).resolve().parents[1] / "fixtures" / "readers"


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The photos under their 2017 names."""
    folder = tmp_path_factory.mktemp("photos")
    for name, size in SIZES.items():
        Image.new("RGB", size).save(folder / f"{name}.jpg")
    return folder
