"""The tiny model from zero: its vocabulary, its shapes, its processor."""

from __future__ import annotations

from pathlib import Path

from transformers import LlamaConfig

from relata.chat import Example
from relata.grounded import plain
from relata.models.config import RelataConfig, RelataTowerConfig
from relata.models.processing import RelataProcessor, text_tokenizer, word_tokenizer
from relata.models.relata import RelataForConditionalGeneration
from relata.store import records
from relata.synth.edit import TRANSFORMS
from relata.synth.rules import INVERSE
from relata.synth.world import COLOURS, PREDICATES, SHAPES, SIZE, TEXTURES

N_REGIONS = 12
#: Most tokens of a vocabulary learnt from examples.
ENGLISH = 4096
#: What the tower tells of one object beside its name. Neither is a relation: which other object it is, is not told.
STATES = ("hidden", "covering", "linked")
TRAINED_ON = (
    "the tiny model was trained on rendered pictures of coloured shapes (`relata synth` makes them), 96 x 96 pixels, "
    "with nine predicates; of a photograph it knows nothing"
)
_TASK_WORDS = """
    _ ? : . , ; A B C D name size where count list relation is which choose graph match transform image all none yes no
    small large Unknown
"""


def vocabulary() -> tuple[list[str], list[str]]:
    """Words and phrases (several words that are one token) of the synthetic world and of the tasks."""
    phrases = [*(p for p in PREDICATES if " " in p), *(t for t in TRANSFORMS if " " in t)]
    words = [*_TASK_WORDS.split(), *map(str, range(13)), *SHAPES, *COLOURS, *TEXTURES, *PREDICATES, *TRANSFORMS]
    return [w for w in words if " " not in w], phrases


def create(
    layers: int = 4, width: int = 192, examples: Path | None = None
) -> tuple[RelataForConditionalGeneration, RelataProcessor]:
    """An untrained model and its processor. Seed torch before.

    Args:
        examples: what `relata build` wrote; the tokenizer is then learnt from its words, and the model speaks English.
    """
    if examples is None:
        tokenizer = word_tokenizer(*vocabulary(), N_REGIONS)
    else:
        messages = (message for example in records(examples, Example) for message in example.messages)
        tokenizer = text_tokenizer((plain(message.spans) for message in messages), ENGLISH, N_REGIONS)
    text = LlamaConfig(
        vocab_size=len(tokenizer) - N_REGIONS,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
        intermediate_size=width * 8 // 3,
        rope_parameters={"rope_type": "default", "rope_theta": 1000.0},
        max_position_embeddings=512,
        initializer_range=0.05,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    config = RelataConfig(
        vision_config=RelataTowerConfig(image_size=SIZE, words=(TEXTURES, COLOURS, SHAPES), states=STATES),
        text_config=text,
        n_regions=N_REGIONS,
        inverses={PREDICATES[p]: PREDICATES[q] for p, q in INVERSE.items()},
        predicates=tuple(PREDICATES) if examples is None else (),
        trained_on=TRAINED_ON if examples is None else "",
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model = RelataForConditionalGeneration(config)
    return model, RelataProcessor(tokenizer, SIZE, N_REGIONS)
