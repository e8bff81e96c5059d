"""Benchmarks: questions, a protocol, answers, scores. One file per benchmark; `crpe.py` is `crpe`.

A benchmark module has

    PROTOCOLS                                  names; the others are compared with the first
    questions(data) -> list[Question]          of one question file
    score(questions, replies, protocol, **options) -> Scored
    DEFAULT                                    the protocols that need no options, where not all
    ask(model, question, image) -> Reply       where it is more than `model.answer([image], question.text)`
    check(questions, protocol, **options)      where `score` refuses what can be refused before the model is asked

docs/evaluate.md has one to copy.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from relata import store
from relata.benchmarks import _answers
from relata.benchmarks._answers import Reply
from relata.benchmarks._scores import Details, Score, Scored, Scores, Value, versions
from relata.chat import Answer
from relata.errors import RelataError, Unsafe, near, unknown
from relata.images import inside
from relata.names import component
from relata.scene import resolve

__all__ = ["Details", "Model", "Question", "Reply", "Score", "Scored", "Scores", "Value", "evaluate", "score"]

PathLike = str | os.PathLike[str]


class Question(Protocol):
    """What every benchmark's questions have."""

    @property
    def id(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def text(self) -> str: ...


class Model(Protocol):
    """What is asked of a model. Benchmarks of graphs use its `graph(image) -> Scene` if it has one."""

    @property
    def name(self) -> str: ...
    def answer(self, images: Sequence[Path], question: str) -> str: ...


def evaluate(
    benchmark: str,
    model: Model,
    data: PathLike,
    protocol: str | Sequence[str] | None = None,
    *,
    out: PathLike,
    images: PathLike | None = None,
    **options: Any,
) -> Scores:
    """Ask a model all questions, then score its answers; `out` gets `answers.jsonl` and `scores.json`.

    Each answer is on disk before the next question. Answers that are there already are kept, so a stopped run goes on
    where it was.

    Args:
        benchmark: name of a benchmark, e.g. `crpe`.
        model: anything with `name` and `answer(images, question) -> str`.
        data: the question file, as published.
        protocol: one, several, or None for all that need no options.
        images: the folder that the questions' image paths are relative to; the current one if not given.
        options: of the benchmark, e.g. `dialect="asmv2"`.

    Raises:
        RelataError: on an unknown benchmark, protocol or option, damaged data, or answers of another model in `out`.
    """
    module, out = component("benchmarks", benchmark), Path(out)
    questions = _questions(module, Path(data))
    for name in _protocols(module, benchmark, protocol, options):
        getattr(module, "check", _check)(questions, name, **options)
    ask: Callable[[Model, Question, Path], Reply] = getattr(module, "ask", _ask)
    folder, path = None if images is None else Path(images), out / _answers.FILE
    with store.lock(out):
        done = _answers.resume(path)
        _answers.complete(done, (question.id for question in questions), str(path), incomplete=True)
        others = {_answers.model_of(reply) for reply in done.values()} - {model.name}
        if others:
            raise RelataError(f"{path} has answers of {', '.join(others)}, not of {model.name}; use another folder")
        asked = [(question, _place(question, folder)) for question in questions if question.id not in done]
        _answers.append(path, (ask(model, question, image) for question, image in asked))
        scores = score(benchmark, path, data, protocol, **options)
        scores.write(out / "scores.json")
    return scores


def score(
    benchmark: str,
    answers: PathLike,
    data: PathLike,
    protocol: str | Sequence[str] | None = None,
    *,
    incomplete: bool = False,
    **options: Any,
) -> Scores:
    """Score a file of answers, without the model.

    Args:
        answers: `answers.jsonl`, the folder of an evaluation, or the authors' own answer file.
        data, protocol, options: as in `evaluate`.
        incomplete: let questions without an answer count as wrong instead of refusing.

    Raises:
        RelataError: on an unknown benchmark, protocol or option, damaged files, answers to other questions, and missing
            answers unless `incomplete`.
    """
    module, data, answers = component("benchmarks", benchmark), Path(data), Path(answers)
    names = _protocols(module, benchmark, protocol, options)
    questions = _questions(module, data)
    replies = _answers.load(answers)
    missing = _answers.complete(replies, (q.id for q in questions), str(answers), incomplete)
    models = sorted({_answers.model_of(reply) for reply in replies.values()})
    if len(models) > 1:
        raise RelataError(f"{answers} mixes answers of {', '.join(models)}; score each model's answers by themselves")
    for question in missing:
        replies[question] = Answer(question, "")
    scored: dict[str, Scored] = {name: module.score(questions, replies, name, **options) for name in names}
    first = scored[names[0]].score.value
    return Scores(
        benchmark=benchmark,
        model=(models or [""])[0] or "unnamed",
        answers=len(replies) - len(missing),
        missing=len(missing),
        scores={name: found.score for name, found in scored.items()},
        differences={f"{name} - {names[0]}": scored[name].score.value - first for name in names[1:]},
        details={name: found.details for name, found in scored.items()},
        data={"file": data.name, "sha256": hashlib.sha256(data.read_bytes()).hexdigest()},
        versions=versions(),
    )


def _questions(module: ModuleType, data: Path) -> list[Question]:
    found: list[Question] = module.questions(data)
    if not found:
        raise RelataError(f"{data} holds no questions")
    return found


def _check(questions: Sequence[Question], protocol: str, **options: Any) -> None:
    """What a benchmark without `check` does."""


def _place(question: Question, folder: Path | None) -> Path:
    """Where a question's image is; the question file may not lead out of the folder of images."""
    try:
        inside(folder or Path(), question.image)
        return resolve(question.image, folder)
    except Unsafe as error:
        raise RelataError(f"question {question.id}: image {error}") from error


def _ask(model: Model, question: Question, image: Path) -> Answer:
    return Answer(question.id, model.answer([image], question.text), model=model.name)


def _protocols(
    module: ModuleType, benchmark: str, protocol: str | Sequence[str] | None, options: Mapping[str, Any]
) -> list[str]:
    """The protocols to score, after checking that they and the options exist."""
    known = list(inspect.signature(module.score).parameters)[3:]
    for option in options:
        if option not in known:
            raise RelataError(f"benchmark {benchmark} has no option {option!r}; {near(option, known)}")
    chosen = protocol or getattr(module, "DEFAULT", module.PROTOCOLS)
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    for name in names:
        if name not in module.PROTOCOLS:
            unknown(f"protocol of {benchmark}", name, module.PROTOCOLS)
    return names
