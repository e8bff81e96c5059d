"""The model is a transformers model: Auto classes, safetensors, generate()."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, ConvNextConfig, Qwen2Config

from models.small import boxes_of, small, two_images
from relata.models.config import RelataConfig, RelataTowerConfig
from relata.models.processing import RelataProcessor
from relata.models.relata import RelataForConditionalGeneration
from relata.synth.render import render
from relata.synth.world import world

QUESTIONS = ["match <r0> ?", "relation <r1> <r0> ?", "graph ?"]


def robin(tokenizer_size: int) -> RelataForConditionalGeneration:
    """ROBIN's shape, shrunk: a four-level ConvNext and a Qwen2 decoder with grouped keys."""
    torch.manual_seed(1)
    tower = ConvNextConfig(hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], out_indices=[1, 2, 3, 4])
    decoder = Qwen2Config(
        vocab_size=tokenizer_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=48,
    )
    config = RelataConfig(vision_config=tower, text_config=decoder, pad_token_id=0, bos_token_id=1, eos_token_id=2)
    return RelataForConditionalGeneration(config).eval()


@pytest.mark.parametrize("shape", ["tiny", "robin"])
def test_saved_and_loaded_by_the_auto_classes(shape: str, tmp_path: Path) -> None:
    model, processor = small()
    if shape == "robin":
        model = robin(model.config.text_vocab)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    reader = AutoProcessor.from_pretrained(tmp_path)
    assert type(config) is RelataConfig
    assert type(again) is RelataForConditionalGeneration
    assert type(reader) is RelataProcessor
    assert config.to_dict() == AutoConfig.from_pretrained(tmp_path).to_dict()
    assert type(config.vision_config) is (RelataTowerConfig if shape == "tiny" else ConvNextConfig)
    batch, other = two_images(processor, QUESTIONS), two_images(reader, QUESTIONS)
    assert all(torch.equal(batch[key], other[key]) for key in batch)
    assert torch.equal(model(**batch).logits, again.eval()(**other).logits)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_robin_in_its_own_size() -> None:
    """Shapes alone, without memory for the weights: ConvNeXt-Large and Qwen2.5-3B, 3.3 billion weights."""
    tower = ConvNextConfig(hidden_sizes=[192, 384, 768, 1536], depths=[3, 3, 27, 3], out_indices=[1, 2, 3, 4])
    decoder = Qwen2Config(
        vocab_size=151_665,
        hidden_size=2048,
        intermediate_size=11_008,
        num_hidden_layers=36,
        num_attention_heads=16,
        num_key_value_heads=2,
    )
    with torch.device("meta"):
        model = RelataForConditionalGeneration(RelataConfig(tower, decoder, n_regions=99, region_width=1024))
        assert sum(p.numel() for p in model.parameters()) == pytest.approx(3.3e9, rel=0.01)
        embeds = model.number_regions(
            model.encode(torch.zeros(1, 3, 512, 512), torch.zeros(1, 5, 4)), torch.zeros(1, 99, dtype=torch.long)
        )
        assert embeds.shape == (1, 99, 2048)
        ids = torch.zeros(1, 7, dtype=torch.long)
        assert model(input_ids=ids, region_embeds=embeds).logits.shape == (1, 7, 151_665 + 99)


def test_weights_are_safetensors_only(tmp_path: Path) -> None:
    model, processor = small()
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "model.safetensors" in names
    assert not [name for name in names if Path(name).suffix in (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".py")]
    header = (tmp_path / "model.safetensors").read_bytes()
    size = int.from_bytes(header[:8], "little")
    assert "number.weight" in json.loads(header[8 : 8 + size])
    assert "auto_map" not in json.loads((tmp_path / "config.json").read_text()), "no code comes with a checkpoint"


@pytest.mark.parametrize("shape", ["tiny", "robin"])
def test_generate_with_cache_is_the_greedy_loop_without(shape: str) -> None:
    model, processor = small()
    if shape == "robin":
        model = robin(model.config.text_vocab)
    steps = 6
    for question in QUESTIONS:  # one by one in the loop: no padding, no cache, everything again at every step
        batch = two_images(processor, [question])
        ids = batch["input_ids"]
        for _ in range(steps):
            seen = {key: value for key, value in batch.items() if key not in ("input_ids", "attention_mask")}
            with torch.no_grad():
                logits = model(input_ids=ids, **seen, use_cache=False).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
        batch["eos_token_id"] = -1  # an untrained model may say it at once
        out = model.generate(**batch, max_new_tokens=steps, do_sample=False)
        assert out.tolist() == ids.tolist()
    together = two_images(processor, QUESTIONS)  # padded on the left to the longest
    out = model.generate(**together, max_new_tokens=steps, do_sample=False, eos_token_id=-1)
    assert out[-1, -steps:].tolist() == ids[0, -steps:].tolist()


def test_region_embeds_given_or_computed() -> None:
    model, processor = small()
    batch = two_images(processor, QUESTIONS)
    codes = model.encode(batch["pixel_values"], batch["boxes"])
    embeds = model.number_regions(codes, batch["regions"])
    assert embeds.shape == (3, 12, 64)
    text = {key: batch[key] for key in ("input_ids", "attention_mask")}
    assert torch.equal(model(**batch).logits, model(**text, region_embeds=embeds).logits)
    told = model.generate(**batch, max_new_tokens=4, do_sample=False)
    assert torch.equal(told, model.generate(**text, region_embeds=embeds, max_new_tokens=4, do_sample=False))


def test_masks_in_place_of_boxes() -> None:
    """The mask of a box's own cells gives what the box gives; another mask gives something else."""
    model, _ = small()
    pixels = torch.rand(1, 3, 96, 96)
    boxes = torch.tensor([[[0.25, 0.0, 0.5, 0.5]]])
    mask = torch.zeros(1, 1, 24, 24)
    mask[..., :12, 6:12] = 1
    assert torch.allclose(model.encode(pixels, boxes, mask), model.encode(pixels, boxes), atol=1e-5)
    mask[..., :6, :] = 0
    assert not torch.allclose(model.encode(pixels, boxes, mask), model.encode(pixels, boxes), atol=1e-3)


def test_picture_of_another_size_and_boxes_in_its_pixels() -> None:
    _, processor = small()
    drawn = world(0, 3)
    pixels = render(drawn)
    boxes = boxes_of(drawn)
    large = np.kron(pixels, np.ones((2, 2, 1), np.uint8))
    doubled = [type(box)(*(2 * v for v in box.tuple())) for box in boxes]
    batch = processor([large], [doubled], ["list ?"])
    assert batch["pixel_values"].shape == (1, 3, 96, 96)
    assert torch.allclose(batch["boxes"], processor([pixels], [boxes], ["list ?"])["boxes"])
