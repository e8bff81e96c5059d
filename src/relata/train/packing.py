"""Rows to tensors. Many short conversations share one prefix, the images; each sees the prefix and itself, nothing
else.

Positions restart after the prefix, so that a turn is trained exactly as it is asked later. Only answer tokens are
learnt; which tokens those are comes from character offsets, never from counting again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from relata.dialects.relata import RegionTokens
from relata.errors import RelataError
from relata.grounded import Span
from relata.models.processing import EOS, RelataProcessor
from relata.train.mixture import Row


class Tokens(NamedTuple):
    """One conversation: token ids, and whether each is to be learnt."""

    ids: list[int]
    learnt: list[bool]


@dataclass
class Packed:
    """One row: ids, labels (-100 where nothing is learnt), conversation of each token (0: the prefix), position."""

    ids: list[int]
    labels: list[int]
    turn: list[int]
    position: list[int]
    kinds: list[str]
    """The kind of each conversation, 1, 2, 3 ... in order."""


def tokenise(parts: Sequence[tuple[str, bool]], processor: RelataProcessor, where: str) -> Tokens:
    """A conversation from its parts (text, is an answer). An answer ends with the end token, which is learnt too.

    Raises:
        RelataError: if no token is left to learn (a silent zero loss otherwise), or an answer is empty or has a word
            that the model does not know: it would learn to say nothing, or `<unk>`.
    """
    text, spans = "", []
    for part, is_answer in parts:
        piece = f"{part} {EOS}" if is_answer else part
        if is_answer:
            if not part:
                raise RelataError(f"{where}: an empty answer in {text!r}")
            spans.append((len(text), len(text) + len(piece)))
        text += f"{piece} "
    encoding = processor.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    learnt = [any(low <= start < high for low, high in spans) for start, _ in encoding.offsets]
    if not any(learnt):
        raise RelataError(f"{where}: no answer token to learn from in {text!r}")
    unknown = processor.tokenizer.unk_token_id
    for id, (start, end), learn in zip(encoding.ids, encoding.offsets, learnt):
        if learn and id == unknown:
            word = text[start:end]
            raise RelataError(f"{where}: the model has no word {word!r}, which an answer uses; set `vocabulary`")
    return Tokens(encoding.ids, learnt)


def pack(row: Row, processor: RelataProcessor, most: int, rng: random.Random | None, where: str) -> Packed:
    """A row with as many of its conversations as fit into `most` tokens; none is ever cut.

    Args:
        rng: deals the region numbers at random; None: in order.

    Raises:
        RelataError: if the row has other images than region lists, or its first conversation does not fit.
    """
    if not len(row.images) == len(row.regions) == len(row.seen):
        raise RelataError(f"{where}: {len(row.images)} images but {len(row.regions)} lists of regions")
    total = sum(map(len, row.regions))
    if total > processor.n_regions:
        raise RelataError(f"{where}: {total} regions, but the model has {processor.n_regions} region tokens")
    numbers = rng.sample(range(processor.n_regions), total) if rng else list(range(total))
    dialect = RegionTokens(row.regions, numbers)
    prefix = processor.tokenizer.backend_tokenizer.encode(processor.prefix(row.regions, numbers)).ids
    packed = Packed(list(prefix), [-100] * len(prefix), [0] * len(prefix), list(range(len(prefix))), [])
    for turn in row.turns:
        write = [(dialect.write(_without_slots(spans)), learnt) for spans, learnt in turn.parts]
        tokens = tokenise(write, processor, where)
        if len(packed.ids) + len(tokens.ids) > most:
            if not packed.kinds:
                raise RelataError(f"{where}: a conversation of {len(tokens.ids)} tokens does not fit into {most}")
            break
        packed.kinds.append(turn.kind)
        packed.ids += tokens.ids
        packed.labels += [i if learn else -100 for i, learn in zip(tokens.ids, tokens.learnt)]
        packed.turn += [len(packed.kinds)] * len(tokens.ids)
        packed.position += range(len(prefix), len(prefix) + len(tokens.ids))
    if not packed.kinds:
        raise RelataError(f"{where}: no conversation to learn from")
    row.numbers = numbers
    return packed


def _without_slots(spans: Sequence[Span]) -> list[Span]:
    from relata.grounded import ImageSlot

    return [span for span in spans if not isinstance(span, ImageSlot)]


def collate(rows: Sequence[Row], packed: Sequence[Packed], processor: RelataProcessor) -> dict[str, Tensor]:
    """The tensors `RelataForConditionalGeneration.forward` takes, and `turn` (B, T), the conversation of each token."""
    longest = max(len(p.ids) for p in packed)
    shape = (len(packed), longest)
    ids = np.zeros(shape, np.int64)
    labels = np.full(shape, -100, np.int64)
    turn = np.full(shape, -1, np.int64)
    position = np.zeros(shape, np.int64)
    for b, p in enumerate(packed):
        n = len(p.ids)
        ids[b, :n], labels[b, :n], turn[b, :n], position[b, :n] = p.ids, p.labels, p.turn, p.position
    seen = [boxes for row in rows for boxes in row.seen]
    sizes = [size for row in rows for size in row.sizes]
    boxes = processor.boxes(seen, sizes)
    slots, first = [], 0
    for row in rows:
        slots.append(processor.slots(row.regions, row.numbers, boxes.shape[1], first))
        first += len(row.images)
    turns = torch.from_numpy(turn)
    return {
        "input_ids": torch.from_numpy(ids),
        "labels": torch.from_numpy(labels),
        "position_ids": torch.from_numpy(position),
        "attention_mask": block_mask(turns),
        "pixel_values": processor.pixels([image for row in rows for image in row.images]),
        "boxes": boxes,
        "regions": torch.stack(slots),
        "turn": turns,
    }


def block_mask(turn: Tensor) -> Tensor:
    """(B, 1, T, T), true where row token i may look at j: earlier, and of the prefix or the same conversation."""
    n = turn.shape[1]
    earlier = torch.ones(n, n, dtype=torch.bool).tril()
    same = (turn[:, None, :] == 0) | (turn[:, None, :] == turn[:, :, None])
    # a padding token looks at itself, for a row of the softmax must not be empty
    return ((earlier & same & (turn[:, None, :] >= 0)) | torch.eye(n, dtype=torch.bool))[:, None]
