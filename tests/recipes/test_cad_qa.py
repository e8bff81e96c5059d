"""`cad_qa`: from a summary to a conversation to one question."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

import relata
from relata import store
from relata.chat import Example
from relata.english.pairs import questions
from relata.filters import Rejection
from relata.grounded import plain
from relata.recipes import cad_qa
from relata.recipes._here import Here
from relata.scene import Group, Scene

pytest.importorskip("lemminflect", reason="the built-in tagger needs the extra `text`")

FIRST = Scene(
    "first", "first.jpg", 640, 480,
    captions=("A man is riding a brown horse on a road. There are trees, a car, a house, a fence, the sky and a dog.",),
)  # fmt: skip
SECOND = Scene(
    "second", "second.jpg", 640, 480,
    captions=("A woman is holding a white horse on a road near three trees, a car, a house, a fence, a dog, the sky.",),
)  # fmt: skip
PAIR = Group("first+second", (FIRST, SECOND))
SUMMARY = "Commonalities: Both images have a horse.\nDifferences: The horse is brown in Image 1 and white in Image 2."
TALK = "Q: What colour is the horse in Image 1?\nA: It is brown.\nQ: Do both images show a dog?\nA: Yes.\nQ: C?\nA: D."


def item(seed: int = 0, **options: object) -> cad_qa.Item:
    (found,) = cad_qa.items(PAIR, Here(random.Random(seed), Path(), Path()), **options)  # type: ignore[arg-type]
    assert isinstance(found, cad_qa.Item), found
    return found


def second(seed: int = 0) -> cad_qa.Item:
    """The item that asks for the conversation."""
    found = cad_qa.read(SUMMARY, item(seed))
    assert isinstance(found, cad_qa.Item), found
    return found


def test_two_steps() -> None:
    first, then = item(), second()
    assert (first.id, then.id) == ("first+second/cad_qa/summary", "first+second/cad_qa")
    assert first.images == then.images == ()
    asked = cad_qa.prompt(first)
    assert "Summarise" in asked.user
    assert not asked.turns
    asked = cad_qa.prompt(then)
    assert "The horse is brown in Image 1" in asked.user
    assert FIRST.captions[0] in asked.user
    assert "Write 5 questions" in asked.user
    assert len(asked.turns) == 2
    found = cad_qa.read(TALK, then)
    assert isinstance(found, Example)
    assert len(found.messages) == 2
    assert plain(found.messages[0].spans).startswith("Image 1: \nImage 2: \n")


def test_every_question_is_as_likely() -> None:
    found = [cad_qa.read(TALK, second(seed)) for seed in range(300)]
    drawn = Counter(plain(one.messages[1].spans) for one in found if isinstance(one, Example))
    assert set(drawn) == {"It is brown.", "Yes.", "D."}
    assert min(drawn.values()) > 70
    about = {plain(one.messages[1].spans): one.provenance["about"] for one in found if isinstance(one, Example)}
    assert about == {"It is brown.": "one image", "Yes.": "all images", "D.": "all images"}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "no-turns"),
        ("Q: What?", "no-turns"),
        ("Q: What is in Image 3?\nA: A dog.", "unknown-image"),
        ("Q: What do both captions say?\nA: A dog.", "speaks-of-captions"),
    ],
)
def test_refused(reply: str, reason: str) -> None:
    found = cad_qa.read(reply, second())
    assert isinstance(found, Rejection)
    assert found.reason == reason


def test_pairs_that_share_too_little() -> None:
    here = Here(random.Random(0), Path(), Path())
    (found,) = cad_qa.items(PAIR, here, least=9)
    assert isinstance(found, Rejection)
    assert (found.reason, found.detail) == ("few-nouns", "8 in common, 9 needed; groups=many_nouns")
    (found,) = cad_qa.items(Group("g", (FIRST, SECOND.replace(captions=()))), here)
    assert isinstance(found, Rejection)
    assert found.reason == "no-captions"


def test_questions_by_rules_are_true() -> None:
    asked = {
        turn.question: turn.answer for seed in range(20) for turn in questions((FIRST, SECOND), 5, random.Random(seed))
    }
    assert len(asked) > 10
    assert asked["What is going on in Image 2?"] == "In Image 2, a woman is holding a white horse."
    assert asked["Do both images show a man?"] == "No, only Image 1 shows a man."
    assert asked["Do both images show a horse?"] == "Yes, both images show a horse."
    assert asked["What can be seen in Image 1 that is not in Image 2?"].startswith("Image 1 shows a man, which")
    assert asked["What does the horse in Image 1 look like?"] == "It is brown."
    assert "No, only Image 1 shows a horse." not in asked.values()


def test_a_run_from_scenes(tmp_path: Path) -> None:
    report = relata.build("cad_qa", [FIRST, SECOND], out=tmp_path, pairs=1)
    assert (report.read, report.kept) == (1, 1)
    (example,) = store.records(tmp_path, Example)
    assert example.recipe == "cad_qa"
    assert example.provenance["nouns"] == "rules"
    assert example.provenance["shared"] == "8"
    assert example.provenance["turn"].endswith(" of 5")
    assert example.provenance["prompt"].count("+") == 1
