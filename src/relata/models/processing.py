"""The processor: pictures, boxes and words in, tensors out; and the reply's tokens back to text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import BatchFeature, PreTrainedTokenizerFast, ProcessorMixin

from relata.dialects.relata import token
from relata.errors import RelataError
from relata.scene import Box

PAD, BOS, EOS, UNKNOWN = "<pad>", "<s>", "</s>", "<unk>"

#: Turns of a conversation as the model reads them. The images' regions stand once, before the first turn.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %} </s>{% endif %}{{ ' ' }}{% endfor %}"
)


def word_tokenizer(words: Iterable[str], phrases: Iterable[str], n_regions: int) -> PreTrainedTokenizerFast:
    """A tokenizer with one token a word, one a phrase (`left of`), one a region; the region tokens are the last ids."""
    phrases = sorted(set(phrases), key=lambda p: (-len(p), p))
    listed = [PAD, BOS, EOS, UNKNOWN, *sorted(set(words) | set(phrases))]
    vocabulary = {word: index for index, word in enumerate([*listed, *(token(k) for k in range(n_regions))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    either = "|".join(re.escape(p) for p in phrases)
    pattern = (rf"\b(?:{either})\b|" if either else "") + r"<[a-z/]+\d*>|\w+|[^\w\s]"
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True)
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN, padding_side="left"
    )


def text_tokenizer(texts: Iterable[str], size: int, n_regions: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of at most `size` tokens learnt from texts; the region tokens are the last ids."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=True)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, special_tokens=[PAD, BOS, EOS, UNKNOWN], show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(token(k), lstrip=True, normalized=False) for k in range(n_regions)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN, padding_side="left"
    )


class RelataProcessor(ProcessorMixin):
    """Images, their regions and text -> what `RelataForConditionalGeneration` takes.

    Args:
        tokenizer: with the region tokens as its last ids.
        image_size: side to which every image is resized, pixels; boxes are scaled with it.
        n_regions: how many regions one conversation may hold.
    """

    attributes = ["tokenizer"]
    tokenizer_class = "AutoTokenizer"

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        image_size: int = 96,
        n_regions: int = 12,
        chat_template: str | None = None,
        **_: Any,
    ) -> None:
        self.image_size = image_size
        self.n_regions = n_regions
        super().__init__(tokenizer, chat_template=chat_template or CHAT_TEMPLATE)

    def pixels(self, images: Sequence[Image.Image | np.ndarray]) -> Tensor:
        """(N, 3, S, S), values 0-1. Arrays are (H, W, 3) bytes."""
        size = (self.image_size, self.image_size)
        arrays = []
        for image in images:
            if isinstance(image, np.ndarray) and image.shape[:2] == size:
                arrays.append(image)
                continue
            picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
            arrays.append(np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BILINEAR)))
        return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 255

    def boxes(self, regions: Sequence[Sequence[Box]], sizes: Sequence[tuple[int, int]]) -> Tensor:
        """(N, K, 4) in 0-1, zeros where an image has fewer regions than the most. `sizes` are (width, height) in
        pixels.
        """
        most = max((len(r) for r in regions), default=0)
        boxes = torch.zeros(len(regions), max(most, 1), 4)
        for n, (image_regions, (width, height)) in enumerate(zip(regions, sizes)):
            for k, box in enumerate(image_regions):
                boxes[n, k] = torch.tensor([box.x1 / width, box.y1 / height, box.x2 / width, box.y2 / height])
        return boxes

    def slots(self, regions: Sequence[Sequence[Box]], numbers: Sequence[int], most: int, first: int = 0) -> Tensor:
        """(R,): for each token number of one conversation the index of its region among `first` images' and its own.

        Raises:
            RelataError: if the conversation has more regions than the model has tokens.
        """
        slots = torch.full((self.n_regions,), -1, dtype=torch.long)
        flat = [(first + n) * most + k for n, boxes in enumerate(regions) for k in range(len(boxes))]
        if len(flat) > self.n_regions:
            raise RelataError(
                f"{len(flat)} regions in one conversation, but the model has {self.n_regions} region tokens"
            )
        slots[torch.tensor(list(numbers[: len(flat)]), dtype=torch.long)] = torch.tensor(flat, dtype=torch.long)
        return slots

    def __call__(
        self,
        images: Sequence[Image.Image | np.ndarray],
        regions: Sequence[Sequence[Box]],
        text: Sequence[str],
        sizes: Sequence[tuple[int, int]] | None = None,
    ) -> BatchFeature:
        """One conversation about the images asked in several ways: a row per text, padded on the left.

        Args:
            images: the images of the conversation.
            regions: their boxes, in pixels of images of the given `sizes` (those of the images, if not given).
            text: prompts that begin after the image slots; each is put behind them.
        """
        arrays = [np.asarray(i) for i in images]
        sizes = sizes or [(a.shape[1], a.shape[0]) for a in arrays]
        boxes = self.boxes(regions, sizes)
        total = sum(len(r) for r in regions)
        slots = self.slots(regions, range(total), boxes.shape[1])
        tokens = self.tokenizer([f"{self.prefix(regions)} {t}" for t in text], padding=True, return_tensors="pt")
        return BatchFeature(
            {
                "input_ids": tokens["input_ids"],
                "attention_mask": tokens["attention_mask"],
                "pixel_values": self.pixels(images),
                "boxes": boxes,
                "regions": slots[None].expand(len(text), -1),
            }
        )

    def prefix(self, regions: Sequence[Sequence[Box]], numbers: Sequence[int] | None = None) -> str:
        """What stands before the first turn: the start token, then each image with its region tokens."""
        left = iter(numbers if numbers is not None else range(self.n_regions))
        parts = [BOS]
        for boxes in regions:
            parts += ["image :", *(token(next(left)) for _ in boxes)]
        return " ".join(parts)
