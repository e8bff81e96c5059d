"""A region-token model of a few thousand weights, for tests: the tiny model's words, a narrower tower and decoder."""

from __future__ import annotations

import torch

from relata.models.model import Model
from relata.models.processing import RelataProcessor
from relata.models.relata import RelataForConditionalGeneration
from relata.models.tiny import create
from relata.scene import Box
from relata.synth.render import render
from relata.synth.world import World, world

torch.set_num_threads(1)


def small(layers: int = 2, width: int = 64, seed: int = 0) -> tuple[RelataForConditionalGeneration, RelataProcessor]:
    """An untrained model and its processor."""
    torch.manual_seed(seed)
    tiny, processor = create(layers, width)
    tiny.config.vision_config.widths = [8, 16, 24]
    model = RelataForConditionalGeneration(tiny.config).eval()
    with torch.no_grad():
        model.mean_region.normal_()
    return model, processor


def loaded(**options: int) -> Model:
    """The same as a user holds it."""
    network, processor = small(**options)
    return Model(network, processor, "small")


def boxes_of(drawn: World) -> list[Box]:
    return [Box(*box) for box in drawn.boxes]


def two_images(processor: RelataProcessor, questions: list[str]) -> dict[str, torch.Tensor]:
    """What the model takes for questions about two pictures of three and four objects or the like."""
    drawn = [world(0, 1), world(0, 2)]
    return dict(processor([render(w) for w in drawn], [boxes_of(w) for w in drawn], questions))
