"""Regions from transformers pipelines: a tiny random detector, and a stand-in for a segmenter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image
from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

from relata.errors import RelataError
from relata.geometry import rle_decode
from relata.models import propose
from relata.models.propose import Proposer
from relata.scene import Box


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("yolos")
    torch.manual_seed(0)
    config = YolosConfig(
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=[64, 64],
        num_detection_tokens=5,
        num_labels=3,
    )
    YolosForObjectDetection(config).save_pretrained(folder)
    YolosImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)
    return folder


def test_a_detector_from_a_folder_proposes_regions(detector: Path) -> None:
    regions = Proposer(str(detector), most=3, threshold=0.0)(Image.new("RGB", (100, 80)))
    assert [region.id for region in regions] == [0, 1, 2]
    scores = [region.score or 0.0 for region in regions]
    assert scores == sorted(scores, reverse=True)
    assert all(r.box.x1 >= 0 and r.box.y1 >= 0 and r.box.x2 <= 100 and r.box.y2 <= 80 for r in regions)
    assert all(region.label.startswith("LABEL_") for region in regions)


def test_nothing_found_names_the_threshold(detector: Path) -> None:
    with pytest.raises(RelataError, match=r"no region.*0\.999"):
        Proposer(str(detector), threshold=0.999)(Image.new("RGB", (100, 80)))


def test_masks_become_regions_with_tight_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    mask = np.zeros((80, 100), bool)
    mask[10:30, 40:45] = True
    found: dict[str, Any] = {"masks": [np.zeros((80, 100), bool), mask], "scores": [0.9, 0.8]}
    monkeypatch.setattr("transformers.pipeline", lambda kind, model: lambda image: found)
    (region,) = Proposer("any", kind="mask-generation")(Image.new("RGB", (100, 80)))  # the empty mask is nothing
    assert region.box == Box(40, 10, 45, 30)
    assert region.mask is not None
    assert np.array_equal(rle_decode(region.mask), mask)


def test_a_detection_outside_the_image_is_cut_or_dropped() -> None:
    image = Image.new("RGB", (100, 80))
    assert propose._inside(-5, 10, 50, 90, image) == Box(0, 10, 50, 80)
    assert propose._inside(120, 10, 150, 90, image) is None
