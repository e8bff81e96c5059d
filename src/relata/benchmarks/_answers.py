"""The file of answers: JSON Lines of `Answer`, or of `Scene` where a model answers with graphs.

A line is durable before the next question is asked, so a stopped run loses at most the answer it was waiting for.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from relata.chat import Answer
from relata.errors import RelataError
from relata.scene import Scene, encode

Reply = Answer | Scene
"""A scene answers the question whose id is its own; `provenance["model"]` names the model."""

FILE = "answers.jsonl"


def question_of(reply: Reply) -> str:
    return reply.id if isinstance(reply, Scene) else reply.question


def model_of(reply: Reply) -> str:
    return reply.provenance.get("model", "") if isinstance(reply, Scene) else reply.model


def load(path: Path) -> dict[str, Reply]:
    """The answers of a file, or of the `answers.jsonl` in a folder, by question.

    The authors' own answer files (`question_id`, `text`) are read too.

    Raises:
        RelataError: naming file and line, on a damaged line or a question that is answered twice.
    """
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise RelataError(f"{path} does not exist; give a file of answers, or the folder of an evaluation")
    return _by_question(path, path.read_bytes().splitlines())


def _by_question(path: Path, lines: Iterable[bytes]) -> dict[str, Reply]:
    found: dict[str, Reply] = {}
    for number, line in enumerate(lines, 1):
        reply = _decode(line, f"{path}:{number}")
        question = question_of(reply)
        if question in found:
            raise RelataError(f"{path}:{number}: question {question} is answered a second time; keep one of the two")
        found[question] = reply
    return found


def _decode(line: bytes, where: str) -> Reply:
    try:
        row = msgspec.json.decode(line, type=dict[str, Any])
        if "question_id" in row:
            return Answer(str(row["question_id"]), row["text"], model=str(row.get("model_id", "")))
        return msgspec.convert(row, Answer) if "question" in row else msgspec.convert(row, Scene)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, KeyError) as error:
        raise RelataError(f"{where}: no answer ({error}); expected question and text, or a scene") from error


def complete(replies: Mapping[str, Reply], questions: Iterable[str], where: str, incomplete: bool) -> list[str]:
    """The questions without an answer, once it is sure that every answer has a question.

    Raises:
        RelataError: listing them, on answers to other questions, and on missing answers unless `incomplete`.
    """
    asked = list(questions)
    strange = sorted(replies.keys() - set(asked))
    if strange:
        raise RelataError(
            f"{where}: {_some(strange)} answer no question of this file; is it another version of the data?"
        )
    missing = [question for question in asked if question not in replies]
    if missing and not incomplete:
        raise RelataError(
            f"{where}: {_some(missing)} of {len(asked)} questions have no answer; finish the run, or ask for an "
            f"incomplete score, in which they are wrong"
        )
    return missing


def _some(ids: list[str], most: int = 10) -> str:
    return f"{len(ids)} ({', '.join(ids[:most])}{', ...' if len(ids) > most else ''})"


def resume(path: Path) -> dict[str, Reply]:
    """The answers that a run has so far; a last line that a killed run left half written is cut off."""
    if not path.exists():
        return {}
    with open(path, "r+b") as file:
        whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]
        file.truncate(len(whole))
    return _by_question(path, whole.splitlines())


def append(path: Path, replies: Iterable[Reply]) -> None:
    """Add answers one by one, each on disk before the next is asked for.

    Raises:
        RelataError: if the system cannot write, e.g. because the disk is full; what was answered so far stays.
    """
    with open(path, "ab", buffering=0) as file:  # unbuffered, so that closing a full disk has nothing left to write
        for reply in replies:
            line = encode(reply) + b"\n"
            try:
                whole = file.write(line) == len(line)
                os.fsync(file.fileno())
            except OSError as error:
                raise RelataError(f"cannot write {path}: {error.strerror}; mend that and run again") from error
            if not whole:
                raise RelataError(f"cannot write {path}: the disk took half a line; make room and run again")
