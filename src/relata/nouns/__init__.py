"""A tagger finds the nouns of a caption. One file per kind, each with `tagger(argument) -> Tagger`.

A tagger is named as `kind` or `kind:argument`: `rules`, `spacy`, `spacy:en_core_web_md`. Nouns come as singulars, and
without those that say nothing about what is in a photo, like `image`, `side` and `background` (`unseen.txt`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from relata.engines import local
from relata.names import component

__all__ = ["NounSets", "Tagger", "listed", "noun_sets", "tagger"]

#: Captions that a process is given at a time.
_BLOCK = 10_000

Ids = npt.NDArray[np.int32]
Offsets = npt.NDArray[np.int64]


class Tagger(Protocol):
    """Finds nouns. Taggers that may find different ones have different names."""

    @property
    def name(self) -> str:
        """Kept with every group that was formed by these nouns."""

    def nouns(self, captions: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """For each caption its nouns, in the order of the text, each once."""


def tagger(spec: str) -> Tagger:
    """The tagger called `kind` or `kind:argument`.

    Raises:
        RelataError: if there is no such kind, or what it needs is not installed.
    """
    kind, _, argument = spec.partition(":")
    made: Tagger = component("nouns", kind).tagger(argument)
    return made


class NounSets(NamedTuple):
    """The nouns of many captions as numbers: those of caption k are `ids[starts[k] : starts[k + 1]]`, ascending.

    Number 0 is the rarest noun, and of two equally rare ones the first in the alphabet.
    """

    starts: Offsets
    """One more than there are captions."""
    ids: Ids
    names: list[str]
    """The noun of each number."""

    def __len__(self) -> int:
        """How many captions."""
        return len(self.starts) - 1

    def of(self, caption: int) -> list[str]:
        """The nouns of one caption, the rarest first."""
        return [self.names[i] for i in self.ids[self.starts[caption] : self.starts[caption + 1]]]


def noun_sets(captions: Iterable[str], spec: str = "rules", processes: int = 1) -> NounSets:
    """The nouns of many captions. The result does not depend on the number of processes.

    Args:
        captions: read in blocks; more may come than fit in memory.
        spec: the tagger, see `tagger`.
        processes: with more than one, the calling script needs the usual `if __name__ == "__main__":`.
    """
    blocks: dict[int, tuple[list[str], Ids, Ids]] = {}
    units = ((k, spec, block) for k, block in enumerate(_blocks(captions)))
    for k, names, ids, sizes in local.run(_Tag(), units, processes):
        blocks[k] = names, ids, sizes
    return _joined([blocks[k] for k in range(len(blocks))])


class _Tag:
    """The work of one block."""

    abreast = 1

    async def __call__(self, unit: tuple[int, str, Sequence[str]]) -> tuple[int, list[str], Ids, Ids]:
        """The block's number, its nouns, their numbers caption by caption, and how many each caption has."""
        number, spec, captions = unit
        known: dict[str, int] = {}
        ids: list[int] = []
        sizes: list[int] = []
        for nouns in _tagger(spec).nouns(captions):
            sizes.append(len(nouns))
            ids += [known.setdefault(noun, len(known)) for noun in nouns]
        return number, list(known), np.array(ids, np.int32), np.array(sizes, np.int32)


_tagger = lru_cache(tagger)  # once per process


def _blocks(captions: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(captions)
    while block := list(itertools.islice(rest, _BLOCK)):
        yield block


def _joined(blocks: Sequence[tuple[list[str], Ids, Ids]]) -> NounSets:
    """The blocks as one, renumbered by how rare a noun is."""
    known: dict[str, int] = {}
    parts = [
        np.array([known.setdefault(noun, len(known)) for noun in names], np.int32)[ids] for names, ids, _ in blocks
    ]
    ids = np.concatenate(parts) if parts else np.zeros(0, np.int32)
    sizes = np.concatenate([sizes for _, _, sizes in blocks]) if blocks else np.zeros(0, np.int32)
    counts = np.bincount(ids, minlength=len(known))
    names = sorted(known, key=lambda noun: (counts[known[noun]], noun))
    rank = np.empty(len(known), np.int32)
    rank[[known[noun] for noun in names]] = np.arange(len(known), dtype=np.int32)
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    ids = rank[ids]
    order = np.argsort(np.repeat(np.arange(len(sizes), dtype=np.int64) * len(known), sizes) + ids)
    return NounSets(starts, ids[order], names)


@lru_cache
def listed(name: str) -> tuple[str, ...]:
    """The words of one of the lists beside this file: `objects`, `unseen`, `verbs`."""
    lines = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    words = (word.strip() for line in lines if not line.startswith("#") for word in line.split(","))
    return tuple(dict.fromkeys(word for word in words if word))
