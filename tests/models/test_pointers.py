"""Regions as a dynamic vocabulary: what stands in for a region word, and what a pointer may point at."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.small import small, two_images
from relata.models.regions import RegionEncoder, coverage, pool_boxes, pool_masks


def test_absent_regions_are_never_pointed_at() -> None:
    model, processor = small()
    batch = two_images(processor, ["match <r0> ?"])  # two pictures of two regions: <r0>-<r3>
    logits = model(**batch).logits[0]
    text = model.config.text_vocab
    assert logits.shape[-1] == text + 12
    assert (logits.softmax(-1)[:, text + 4 :] == 0).all()
    assert logits[:, : text + 4].abs().max() < 1e4


def test_region_token_takes_its_regions_embedding() -> None:
    model, processor = small()
    batch = two_images(processor, ["match <r0> ?"])
    embeds = model.number_regions(model.encode(batch["pixel_values"], batch["boxes"]), batch["regions"])
    ids = torch.tensor([[model.config.text_vocab + 2, 5]])
    inputs = model.embed(ids, embeds)[0]
    assert torch.equal(inputs[0], embeds[0, 2])
    assert torch.equal(inputs[1], model.get_input_embeddings().weight[5])


def test_gradient_of_a_pointer_reaches_the_region_encoder() -> None:
    model, processor = small()
    batch = two_images(processor, ["match <r0> ?"])
    logits = model(**batch).logits[0, -1]
    logits.log_softmax(-1)[model.config.text_vocab + 2].backward()
    for name in ("regions.mask_code.weight", "regions.position.0.weight", "tower.stem.0.weight", "key.weight"):
        gradient = model.get_parameter(name).grad
        assert gradient is not None, name
        assert gradient.abs().max() > 0, name


def test_permuting_the_numbers_permutes_the_pointers() -> None:
    """A number means nothing but the region that it was dealt to: with the numbers' own embeddings dealt along, the
    words' logits stay and the pointers' move with their regions.
    """
    model, processor = small()
    batch = two_images(processor, ["match <r0> ?"])
    text = model.config.text_vocab
    order = torch.tensor([7, 2, 11, 0, 1, 3, 4, 5, 6, 8, 9, 10])  # old number -> new number
    with torch.no_grad():
        plain = model(**batch).logits
        ids = batch["input_ids"]
        region = ids >= text
        dealt = torch.where(region, text + order[(ids - text).clamp(min=0)], ids)
        regions = torch.full_like(batch["regions"], -1)
        regions[:, order] = batch["regions"]
        model.number.weight[order] = model.number.weight.clone()
        moved = model(**{**batch, "input_ids": dealt, "regions": regions}).logits
    assert torch.allclose(moved[..., :text], plain[..., :text], atol=1e-5)
    assert torch.allclose(moved[..., text + order], plain[..., text:], atol=1e-5)
    assert not torch.allclose(moved[..., text:], plain[..., text:], atol=1e-5)


def test_blind_is_given_the_mean_region_and_the_numbers() -> None:
    model, processor = small()
    batch = two_images(processor, ["match <r0> ?"])
    codes = model.encode(batch["pixel_values"], batch["boxes"])
    embeds = model.number_regions(codes, batch["regions"], blind=True)[0]
    for number, image in ((0, 0), (1, 0), (2, 1), (3, 1)):
        expected = model.mean_region + model.number.weight[number] + model.image_number.weight[image]
        assert torch.allclose(embeds[number], expected)
    assert (embeds[4:] == 0).all(), "regions that are absent stay absent"
    other = {**batch, "pixel_values": torch.rand_like(batch["pixel_values"]), "boxes": batch["boxes"].flip(1)}
    assert torch.equal(model(**batch, blind=True).logits, model(**other, blind=True).logits)
    assert not torch.equal(model(**batch).logits, model(**other).logits)


def test_rows_with_images_of_their_own() -> None:
    """Three images in two rows: the first row's two, then the second row's one, whose image number is 0 again."""
    model, _ = small()
    codes = torch.randn(3, 2, 64)
    regions = torch.full((2, 12), -1)
    regions[0, :3] = torch.tensor([0, 1, 2])  # both of image 0, the first of image 1
    regions[1, 5] = 4  # the first of image 2, dealt number 5
    embeds = model.number_regions(codes, regions)
    assert torch.allclose(embeds[0, 2], codes[1, 0] + model.number.weight[2] + model.image_number.weight[1])
    assert torch.allclose(embeds[1, 5], codes[2, 0] + model.number.weight[5] + model.image_number.weight[0])
    assert embeds[1].ne(0).any(-1).sum() == 1


def test_pooling_by_hand() -> None:
    """A 2 x 2 map. A box over the left column and the upper half: cell (0, 0) wholly. A box over the middle: all four
    equally. A box over a quarter of cell (1, 1): that cell alone, however small.
    """
    features = torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]
    boxes = torch.tensor([[[0, 0, 0.5, 0.5], [0.25, 0.25, 0.75, 0.75], [0.7, 0.7, 0.8, 0.8], [0, 0, 1, 0.25]]])
    assert pool_boxes(features, boxes)[0, :, 0].tolist() == pytest.approx([1.0, 2.5, 4.0, 1.5])
    masks = torch.tensor([[[[1, 0], [0, 0]], [[0, 0], [1, 1]], [[0, 0], [0, 0]]]])
    assert pool_masks(features, masks)[0, :, 0].tolist() == pytest.approx([1.0, 3.5, 0.0])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4), st.integers(1, 30), st.integers(1, 30))
def test_coverage_sums_to_one(corners: list[float], height: int, width: int) -> None:
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    rows, columns = coverage(torch.tensor([x1, y1, x2, y2]), height, width)
    assert rows.shape == (height,)
    assert columns.shape == (width,)
    assert (rows >= 0).all()
    if y2 - y1 > 1e-3:
        assert float(rows.sum()) == pytest.approx(1, abs=1e-4)
    if x2 == x1:
        assert float(columns.sum()) == 0


def test_position_code_by_hand() -> None:
    """Frequencies run from a quarter to twelve cycles; after the eight raw numbers come the sines, then the cosines."""
    encoder = RegionEncoder([4], 8, 6, frequencies=10)
    assert encoder.cycles[0].item() == pytest.approx(0.25)
    assert encoder.cycles[-1].item() == pytest.approx(12)
    code = encoder.fourier(torch.tensor([[[0.5, 0.0, 1.0, 0.5]]]))[0, 0]
    assert code.shape == (8 * 21,)
    assert code[:8].tolist() == pytest.approx([0.5, 0, 1, 0.5, 0.75, 0.25, 0.5, 0.5])
    assert code[8].item() == pytest.approx(math.sin(math.pi / 4))  # a quarter of a cycle over half the image
    assert code[8 + 80].item() == pytest.approx(math.cos(math.pi / 4))


def test_a_region_says_what_and_where() -> None:
    """The same box on two maps, and two boxes on one map without content, give different embeddings."""
    torch.manual_seed(0)
    encoder = RegionEncoder([4, 6], 8, 6, frequencies=3)
    maps = [torch.randn(2, 4, 8, 8), torch.randn(2, 6, 4, 4)]
    box = torch.tensor([[[0.1, 0.2, 0.5, 0.6]]]).expand(2, 1, 4)
    first, second = encoder(maps, box)[:, 0]
    assert not torch.allclose(first, second)
    flat = [torch.ones(1, 4, 8, 8), torch.ones(1, 6, 4, 4)]
    here, there = encoder(flat, torch.tensor([[[0.1, 0.1, 0.3, 0.3], [0.6, 0.6, 0.8, 0.8]]]))[0]
    assert not torch.allclose(here, there)
