"""Ask an image once: questions branch from the images, candidates branch from their question, all in one packed pass.

A candidate's log-likelihood is what the plain loop over (question, candidate) gives, for every token sees the same
tokens at the same positions; the images are read once instead of once per candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Tree(NamedTuple):
    """One packed row of a prefix, questions and candidates.

    `read` lists, for candidate c of question q, the (place, token) pairs whose log-probabilities add up to its own.
    """

    ids: Tensor
    """(1, T)"""
    positions: Tensor
    """(1, T)"""
    mask: Tensor
    """(1, 1, T, T), true where a token may look."""
    read: list[list[list[tuple[int, int]]]]


def grow(
    prefix: Sequence[int], questions: Sequence[Sequence[int]], candidates: Sequence[Sequence[Sequence[int]]]
) -> Tree:
    """The tree over token ids; `candidates[q]` belong to question q. A candidate's last token is predicted, never
    fed.
    """
    ids, positions = list(prefix), list(range(len(prefix)))
    parents = list(range(-1, len(prefix) - 1))  # the token before; following it gives all that a token may see
    read = []

    def add(tokens: Sequence[int], parent: int) -> int:
        for token in tokens:
            ids.append(token)
            positions.append(positions[parent] + 1)
            parents.append(parent)
            parent = len(ids) - 1
        return parent

    for question, options in zip(questions, candidates):
        end = add(question, len(prefix) - 1)
        places = []
        for option in options:
            last, steps = end, []
            for index, token in enumerate(option):
                steps.append((last, token))
                if index + 1 < len(option):
                    last = add([token], last)
            places.append(steps)
        read.append(places)
    mask = torch.eye(len(ids), dtype=torch.bool)
    for index, parent in enumerate(parents):
        if parent >= 0:
            mask[index] |= mask[parent]
    return Tree(torch.tensor([ids]), torch.tensor([positions]), mask[None, None], read)


def likelihoods(logits: Tensor, tree: Tree) -> list[list[float]]:
    """Log-likelihood of every candidate from the row's logits (1, T, V)."""
    logs = logits[0].float().log_softmax(-1).cpu()
    return [[float(sum(logs[at, token] for at, token in steps)) for steps in places] for places in tree.read]
