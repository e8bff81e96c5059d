"""Answering the questions of `relata.benchmarks.crpe` with a model that speaks only its own few words.

The model finds the regions itself. Each option is scored by the likelihood of its names and of its predicate, over the
region or the pair that fits best, and the letter of the best option is the reply.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from relata.benchmarks.crpe import Question
from relata.errors import RelataError
from relata.metrics.choice import LETTERS
from relata.metrics.graphs import Floats
from relata.tasks import region, relation

if TYPE_CHECKING:
    from relata.models.model import Look, Model


class Chooser:
    """A model as benchmarks ask one: `name` and `answer`."""

    def __init__(self, model: Model, name: str) -> None:
        self.name = name
        self._model = model
        words = "|".join(sorted(map(re.escape, model.network.config.predicates), key=len, reverse=True))
        self._forms: list[tuple[re.Pattern[str], Callable[..., Floats]]] = [
            (re.compile(r"Which of these objects is in the image\?"), _exists),
            (re.compile(r"What is the relation between the (.+) and the (.+)\?"), _predicate),
            (re.compile(rf"What is the (.+) ({words})\?"), _object),
            (re.compile(rf"What is ({words}) the (.+)\?"), _subject),
        ]
        self._look = lru_cache(maxsize=1)(lambda image: model.look([image]))  # questions come image by image
        self._best = lru_cache(maxsize=8)(self._choose)  # and rotation by rotation

    def answer(self, images: Sequence[Path], question: str) -> str:
        """The letter of the likeliest option; none where the model finds no two regions.

        Raises:
            RelataError: if the question is of another form than `construct` asks.
        """
        stem, options = question.partition("\n")[0], Question(0, "", question, "", "A").options
        best = self._best(images[0], stem, frozenset(options))
        return LETTERS[options.index(best)] if best else ""

    def _choose(self, image: Path, stem: str, options: frozenset[str]) -> str:
        """The likeliest option; their order does not matter."""
        for form, score in self._forms:
            if found := form.fullmatch(stem):
                look, listed = self._look(image), sorted(options)
                if len(look.regions[0]) < 2:
                    return ""
                return listed[int(np.argmax(score(look, listed, *found.groups())))]
        raise RelataError(f"the demo's model does not understand {stem!r}")


def _names(look: Look, names: Sequence[str]) -> Floats:
    """(regions, names): log-likelihood of each name of each region."""
    count = len(look.regions[0])
    rows = look.rank([region.question(look.mention(k)) for k in range(count)], [list(names)] * count)
    return np.array(rows)


def _relations(look: Look, pairs: Sequence[tuple[int, int]], predicates: Sequence[str]) -> Floats:
    """(pairs, predicates): log-likelihood of each predicate of each pair of regions."""
    questions = [relation.question(look.mention(s), look.mention(o)) for s, o in pairs]
    return np.array(look.rank(questions, [list(predicates)] * len(pairs)))


def _exists(look: Look, options: Sequence[str]) -> Floats:
    best: Floats = _names(look, options).max(0)
    return best


def _predicate(look: Look, options: Sequence[str], subject: str, object: str) -> Floats:
    ends = _names(look, [subject, object]).argmax(0)
    scores: Floats = _relations(look, [(int(ends[0]), int(ends[1]))], options)[0]
    return scores


def _subject(look: Look, options: Sequence[str], predicate: str, object: str) -> Floats:
    return _other(look, options, object, predicate, turned=False)


def _object(look: Look, options: Sequence[str], subject: str, predicate: str) -> Floats:
    return _other(look, options, subject, predicate, turned=True)


def _other(look: Look, options: Sequence[str], known: str, predicate: str, turned: bool) -> Floats:
    """Which option names the region that the known one is related to; `turned`: the known one is the subject."""
    names = _names(look, [known, *options])
    at = int(names[:, 0].argmax())
    others = [k for k in range(len(names)) if k != at]
    pairs = [(at, k) if turned else (k, at) for k in others]
    best: Floats = (names[others, 1:] + _relations(look, pairs, [predicate])).max(0)
    return best
