"""The region-token model: regions are a dynamic vocabulary of a causal language model.

Where the text mentions region k the input embedding is computed from the image under its mask and from its box; where
the model wants to mention a region it points at one: its logit is a scaled product of the hidden state with that
region's embedding. Region tokens are the last ids of the vocabulary, so labels, `generate()` and the tokenizer treat
them as words.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import (
    AutoBackbone,
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    GenerationMixin,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

from relata.models.config import RelataConfig, RelataTowerConfig
from relata.models.processing import RelataProcessor
from relata.models.regions import RegionEncoder
from relata.models.tower import RelataTower


class RelataForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """A tower, a region encoder and a decoder.

    Shapes: B rows, T tokens, N images of all rows together, K regions an image at most, R = `n_regions`.
    """

    config_class = RelataConfig
    base_model_prefix = "decoder"
    main_input_name = "input_ids"
    input_modalities = ("image", "text")
    _supports_sdpa = True
    _supports_attention_backend = True

    def __init__(self, config: RelataConfig) -> None:
        super().__init__(config)
        width = config.text_config.hidden_size
        self.tower = AutoBackbone.from_config(config.vision_config)
        self.regions = RegionEncoder(self.tower.channels, config.region_width, width, config.frequencies)
        self.number = nn.Embedding(config.n_regions, width)
        self.image_number = nn.Embedding(config.n_images, width)
        self.decoder = AutoModel.from_config(config.text_config)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        # the mean region of the training data, all that a blind model is given
        self.register_buffer("mean_region", torch.zeros(width))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.decoder.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.decoder.set_input_embeddings(value)

    def encode(self, pixel_values: Tensor, boxes: Tensor, masks: Tensor | None = None) -> Tensor:
        """What each region looks like and where it is, before it has a number: (N, K, width).

        Args:
            pixel_values: (N, 3, S, S), values 0-1.
            boxes: (N, K, 4) in 0-1 of the image's sides; zeros where there is no region.
            masks: (N, K, h, w), used in place of the boxes for the features.
        """
        return self.regions(self.tower(pixel_values).feature_maps, boxes, masks)

    def number_regions(self, codes: Tensor, regions: Tensor, blind: bool = False) -> Tensor:
        """Region embeddings of each row: (B, R, width), row b's token k at [b, k].

        Args:
            codes: (N, K, width) from `encode`.
            regions: (B, R), for each token the index of its region in the flattened codes, -1 where there is none.
            blind: put the mean region of the training data in place of every region, keeping only the numbers.
        """
        per_image = codes.shape[1]
        known = regions >= 0
        embeds = codes.flatten(0, 1)[regions.clamp(min=0)]
        if blind:
            embeds = self.mean_region.to(codes).expand_as(embeds)
        image = regions.clamp(min=0) // per_image
        first = torch.where(known, image, torch.full_like(image, 1 << 30)).min(1, keepdim=True).values
        image = (image - first).clamp(0, self.config.n_images - 1)
        embeds = embeds + self.number.weight.to(embeds) + self.image_number(image).to(embeds)
        return embeds * known[..., None]

    def forward(
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        boxes: Tensor | None = None,
        regions: Tensor | None = None,
        masks: Tensor | None = None,
        region_embeds: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        blind: bool = False,
        **options: Any,
    ) -> CausalLMOutputWithPast:
        """Logits (B, T, text_vocab + R). Give images, boxes and `regions`, or the `region_embeds` computed from them.

        `attention_mask` is (B, T), or (B, 1, T, T) of booleans, true where a token may look: packed turns. `labels` are
        aligned with `input_ids` (shifted here), -100 where nothing is to be learnt.
        """
        if region_embeds is None:
            region_embeds = self.number_regions(self.encode(pixel_values, boxes, masks), regions, blind)
        if attention_mask is not None and attention_mask.dim() == 4:
            attention_mask = torch.where(attention_mask, 0.0, torch.finfo(torch.float32).min)
        output = self.decoder(
            inputs_embeds=self.embed(input_ids, region_embeds),
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            use_cache=use_cache,
        )
        hidden = output.last_hidden_state
        logits = self.logits(hidden, region_embeds)
        loss = None
        if labels is not None:
            loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)
        return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=output.past_key_values)

    def embed(self, input_ids: Tensor, region_embeds: Tensor) -> Tensor:
        """Input embeddings: the word table, or the region's own."""
        is_region = input_ids >= self.config.text_vocab
        words = self.get_input_embeddings()(input_ids.masked_fill(is_region, 0))
        number = (input_ids - self.config.text_vocab).clamp(min=0)
        chosen = region_embeds.gather(1, number[..., None].expand(-1, -1, region_embeds.shape[-1]))
        return torch.where(is_region[..., None], chosen.to(words), words)

    def logits(self, hidden: Tensor, region_embeds: Tensor) -> Tensor:
        """Scores of words (tied with their embeddings) and of regions (a pointer); absent ones are minus infinity."""
        words = F.linear(hidden, self.get_input_embeddings().weight)
        keys = self.key(region_embeds.to(hidden))
        pointer = self.query(hidden) @ keys.transpose(1, 2) / math.sqrt(hidden.shape[-1])
        absent = (region_embeds == 0).all(-1)
        pointer = pointer.float().masked_fill(absent[:, None], torch.finfo(torch.float32).min)
        return torch.cat([words.float(), pointer], -1)

    def prepare_inputs_for_generation(self, input_ids: Tensor, **kwargs: Any) -> dict[str, Any]:
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(input_ids, **kwargs)
        if inputs.get("region_embeds") is None and kwargs.get("past_key_values") is not None:
            inputs["region_embeds"] = kwargs.get("region_embeds")
        return inputs

    @torch.no_grad()
    def generate(self, *args: Any, **kwargs: Any) -> Any:
        """As transformers' own; regions are looked at once and carried along."""
        if kwargs.get("region_embeds") is None:
            look = [kwargs.pop(name, None) for name in ("pixel_values", "boxes", "masks", "regions")]
            codes = self.encode(look[0], look[1], look[2])
            kwargs["region_embeds"] = self.number_regions(codes, look[3], kwargs.pop("blind", False))
        return super().generate(*args, **kwargs)


# importing this module is what makes the Auto classes know the model
AutoConfig.register("relata_tower", RelataTowerConfig)
AutoConfig.register("relata", RelataConfig)
AutoBackbone.register(RelataTowerConfig, RelataTower)
AutoModelForImageTextToText.register(RelataConfig, RelataForConditionalGeneration)
AutoProcessor.register(RelataConfig, RelataProcessor)
