"""Rows from examples: every conversation gets its turn, none asks for more regions than there are tokens."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file

from models.small import small
from relata.chat import Example, ImageRef, Message
from relata.errors import RelataError
from relata.grounded import Mention, Predicate, Span, Text
from relata.scene import Box, encode
from relata.train.conversations import Conversations, regions_of
from relata.train.packing import pack
from relata.train.run import train
from train.small_runs import REST, logged, run, stage

BOXES = [Box(k * 10, 0, k * 10 + 8, 20) for k in range(9)]


def example(number: int, boxes: list[Box], image: str = "a.png", answer: str = "a cup on a table") -> Example:
    asked: tuple[Span, ...] = (Text("What is "), Mention("this", tuple(boxes)), Text(" ?"))
    said = (Message("user", asked), Message("assistant", (Text(answer),)))
    return Example(f"{number}", (ImageRef(image, 100, 50),), said, recipe="test/plain")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        Image.new("RGB", (100, 50), (90, 120, 30)).save(tmp_path / name)
    return tmp_path


def written(folder: Path, *examples: Example) -> Path:
    path = folder / "examples.jsonl"
    path.write_bytes(b"".join(encode(e) + b"\n" for e in examples))
    return path


def test_one_row_an_image_with_the_boxes_of_all_its_conversations(images: Path) -> None:
    path = written(images, example(0, BOXES[:2]), example(1, BOXES[1:3]), example(2, BOXES[:1], "b.png"))
    found = Conversations(path, images, 12, 1)
    rows = [found.row(0, step, 0) for step in range(2)]
    assert sorted(len(row.turns) for row in rows) == [1, 2]
    both = max(rows, key=lambda row: len(row.turns))
    assert set(both.regions[0]) == set(BOXES[:3])
    assert both.sizes == [(100, 50)]
    assert both.images[0].shape == (50, 100, 3)


def test_an_image_with_many_regions_is_shown_in_several_rows(images: Path) -> None:
    """Five, four and five boxes, of which eight are different, with six tokens: the first and third share a row."""
    examples = [example(0, BOXES[:5]), example(1, BOXES[5:9]), example(2, BOXES[1:6])]
    found = Conversations(written(images, *examples), images, 6, 1)
    assert [[e.id for e in group] for group in found.groups] == [["0", "2"], ["1"]]
    assert all(sum(map(len, found.row(0, step, 0).regions)) <= 6 for step in range(4))
    few = Conversations(written(images, *examples), images, 4, 1)
    assert [[e.id for e in group] for group in few.groups] == [["1"]]
    assert few.left_out == {"more than 4 regions": 2}
    with pytest.raises(RelataError, match=r"no example to train on; left out: \{'more than 3 regions': 3\}"):
        Conversations(written(images, *examples), images, 3, 1)


def test_every_row_once_an_epoch_in_an_order_of_its_own(images: Path) -> None:
    examples = [example(k, BOXES[:2], answer=f"answer {k}", image=f"{k}.png") for k in range(10)]
    for k in range(10):
        Image.new("RGB", (100, 50)).save(images / f"{k}.png")
    found = Conversations(written(images, *examples), images, 12, 4)

    def answers(seed: int, epoch: int) -> list[str]:
        places = [divmod(at, 4) for at in range(10 * epoch, 10 * epoch + 10)]
        return [found.row(seed, step, index).turns[0].parts[1][0][0].text for step, index in places]

    assert sorted(answers(0, 0)) == sorted(answers(0, 1)) == sorted(f"answer {k}" for k in range(10))
    assert answers(0, 0) == answers(0, 0)
    assert len({tuple(answers(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


def test_conversations_that_do_not_fit_have_their_turn_later(images: Path) -> None:
    _, processor = small()
    examples = [example(k, BOXES[:1], answer="circle " * 20 + str(k)) for k in range(6)]
    found = Conversations(written(images, *examples), images, 12, 1)
    seen = set()
    for step in range(30):
        row = found.row(0, step, 0)
        kept = len(pack(row, processor, 70, None, "row").kinds)
        assert 1 <= kept < 6
        seen |= {talk.parts[1][0][0].text.split()[-1] for talk in row.turns[:kept]}
    assert seen == set("012345")


def test_regions_of_an_example() -> None:
    """What it offers, else what its text points at, in order and once."""
    spans = (Mention("a", (BOXES[1],)), Predicate("on", (BOXES[1],), (BOXES[0],)), Mention("b", (BOXES[2],), 1))
    two = (ImageRef("a.png", 100, 50), ImageRef("b.png", 100, 50))
    pointing = Example("x", two, (Message("assistant", spans),))
    assert regions_of(pointing) == [[BOXES[1], BOXES[0]], [BOXES[2]]]
    assert regions_of(pointing.replace(regions=((BOXES[4],), ()))) == [[BOXES[4]], []]


def test_a_new_model_learns_english_from_examples(images: Path) -> None:
    """Its tokenizer is made of their words, whatever these are; its loss falls."""
    path = written(images, *(example(k, BOXES[:2], answer="un chat noir près de l'été") for k in range(3)))
    learn = stage(objective="examples", data=str(path), images=str(images), turns={}, pairs=0.0, batch=1, steps=8)
    out = train(run(learn.replace(train=REST, tokens=200), vocabulary=str(path)), images / "out")
    losses = [line["loss"] for line in logged(out)]
    assert losses[-1] < losses[0] / 2
    assert load_file(out / "model.safetensors")["mean_region"].isfinite().all()
