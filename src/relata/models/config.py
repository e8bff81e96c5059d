"""Configuration of the region-token model: a vision tower, a region encoder and a causal language model."""

from __future__ import annotations

from typing import Any

from transformers import AutoConfig, PretrainedConfig
from transformers.backbone_utils import BackboneConfigMixin


class RelataTowerConfig(BackboneConfigMixin, PretrainedConfig):
    """The small convolutional tower of the tiny model, with heads that find objects.

    Args:
        image_size: side of the square input, pixels.
        widths: channels of the maps at strides 4, 8 and 16.
        attention_layers: transformer blocks over the coarsest map.
        words: groups of exclusive attribute words that the object head tells apart, e.g. textures, colours, shapes.
        states: what else it tells of one object, each true or false, e.g. that it is partly hidden.
        small: boxes with a longer side below this many pixels have a heat map of their own, so that an object inside
            another has its own centre.
    """

    model_type = "relata_tower"

    def __init__(
        self,
        image_size: int = 96,
        widths: tuple[int, int, int] = (64, 128, 192),
        attention_layers: int = 2,
        words: tuple[tuple[str, ...], ...] = (),
        states: tuple[str, ...] = (),
        small: float = 17.0,
        **options: Any,
    ) -> None:
        self.image_size = image_size
        self.widths = list(widths)
        self.attention_layers = attention_layers
        self.words = [list(group) for group in words]
        self.states = list(states)
        self.small = small
        self.stage_names = ["stride4", "stride8"]
        super().__init__(**options)
        self.set_output_features_output_indices(out_features=self.stage_names, out_indices=None)


class RelataConfig(PretrainedConfig):
    """The model: word tokens are the first `text_vocab` ids, region tokens the last `n_regions`.

    Args:
        vision_config: configuration of any backbone that transformers builds (`AutoBackbone`), or its dictionary.
        text_config: configuration of any causal decoder that transformers builds (`AutoModel`), or its dictionary.
        n_regions: how many regions one conversation may hold, all its images together.
        n_images: how many images.
        region_width: width of the region encoder's hidden layer.
        frequencies: number of Fourier frequencies of the position code, from 0.25 to 12 cycles an image.
        inverses: predicate -> the predicate that holds the other way round; the two are one statement when graphs are
            compared.
        predicates: the predicates the model was trained to tell apart; empty if any text may be one.
        trained_on: one sentence on what the model knows, shown when it is asked about something else.
    """

    model_type = "relata"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}

    def __init__(
        self,
        vision_config: PretrainedConfig | dict[str, Any] | None = None,
        text_config: PretrainedConfig | dict[str, Any] | None = None,
        n_regions: int = 12,
        n_images: int = 2,
        region_width: int = 384,
        frequencies: int = 10,
        inverses: dict[str, str] | None = None,
        predicates: tuple[str, ...] = (),
        trained_on: str = "",
        **options: Any,
    ) -> None:
        self.vision_config = _config(vision_config, RelataTowerConfig())
        self.text_config = _config(text_config, None)
        self.n_regions = n_regions
        self.n_images = n_images
        self.region_width = region_width
        self.frequencies = frequencies
        self.inverses = inverses or {}
        self.predicates = list(predicates)
        self.trained_on = trained_on
        self.text_vocab = self.text_config.vocab_size
        self.vocab_size = self.text_vocab + n_regions
        super().__init__(**options)

    def get_text_config(self, *args: Any, **kwargs: Any) -> PretrainedConfig:
        """The decoder's configuration; generation reads layer counts and the like from it."""
        return self.text_config


def _config(value: PretrainedConfig | dict[str, Any] | None, default: PretrainedConfig | None) -> PretrainedConfig:
    if isinstance(value, dict):
        return AutoConfig.for_model(**value)
    if value is None:
        from transformers import LlamaConfig

        return default or LlamaConfig(
            vocab_size=96,
            hidden_size=192,
            num_hidden_layers=4,
            num_attention_heads=3,
            num_key_value_heads=3,
            intermediate_size=512,
            rope_theta=1000.0,
            max_position_embeddings=1024,
            initializer_range=0.05,
        )
    return value
