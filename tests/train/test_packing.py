"""Packed turns: each is as if it stood alone behind its images, and only answers are learnt."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from models.small import small
from relata.errors import RelataError
from relata.grounded import ImageSlot, Mention, Predicate, Text
from relata.models.processing import EOS
from relata.scene import Box
from relata.tasks import Talk, Turn, words
from relata.train.mixture import ONE, TWO, Mixture, Row
from relata.train.packing import collate, pack, tokenise

A, B = Box(10, 10, 30, 30), Box(50, 50, 80, 80)


def drawn(pairs: float = 0.0, index: int = 0) -> Row:
    return Mixture(dict.fromkeys((*ONE, *TWO), 1.0), pairs=pairs).row(0, 0, index)


def row(turns: list[Turn | Talk], boxes: list[Box] | None = None) -> Row:
    """One grey picture with two regions."""
    regions = [[A, B] if boxes is None else boxes]
    return Row([np.full((96, 96, 3), 200, np.uint8)], regions, regions, turns, [(96, 96)])


def one(turn: Turn | Talk, like: Row) -> Row:
    return Row(like.images, like.regions, like.seen, [turn], like.sizes)


@pytest.mark.parametrize("pairs", [0.0, 1.0])
@torch.no_grad()
def test_packed_turns_equal_turns_alone(pairs: float) -> None:
    model, processor = small()
    full = drawn(pairs)
    packed = pack(full, processor, 200, None, "row")
    batch = collate([full], [packed], processor)
    turn, labels = batch.pop("turn")[0], batch.pop("labels")[0]
    logits = model(**batch).logits[0]
    prefix = int((turn == 0).sum())
    assert len(packed.kinds) >= 8
    for number in range(1, len(packed.kinds) + 1):
        single = one(full.turns[number - 1], full)
        alone = collate([single], [pack(single, processor, 200, None, "alone")], processor)
        alone.pop("turn")
        assert alone.pop("labels")[0, prefix:].tolist() == labels[turn == number].tolist()
        difference = model(**alone).logits[0, prefix:] - logits[turn == number]
        assert difference.abs().max() <= 1e-5


@torch.no_grad()
def test_a_turn_touches_no_other() -> None:
    """Every token of the third turn is replaced: the logits of the prefix and of all other turns are the same bits."""
    model, processor = small()
    full = drawn()
    batch = collate([full], [pack(full, processor, 200, None, "row")], processor)
    turn = batch.pop("turn")
    batch.pop("labels")
    before = model(**batch).logits
    batch["input_ids"] = torch.where(turn == 3, torch.full_like(turn, 7), batch["input_ids"])
    after = model(**batch).logits
    assert torch.equal(before[turn != 3], after[turn != 3])
    assert not torch.allclose(before[turn == 3], after[turn == 3], atol=1e-3)


@torch.no_grad()
def test_rows_of_a_batch_do_not_touch() -> None:
    """A row beside a longer one with two images gives what it gives alone."""
    model, processor = small()
    rows = [drawn(), drawn(1.0, 1)]
    packed = [pack(rows[0], processor, 60, None, "short"), pack(rows[1], processor, 150, None, "long")]
    alone, both = collate(rows[:1], packed[:1], processor), collate(rows, packed, processor)
    for batch in (alone, both):
        del batch["turn"], batch["labels"]
    length = alone["input_ids"].shape[1]
    assert both["input_ids"].shape[1] > length
    difference = model(**both).logits[0, :length] - model(**alone).logits[0]
    assert difference.abs().max() <= 1e-5


def test_labels_are_the_answers_and_nothing_else() -> None:
    _, processor = small()
    turns = [
        Turn("relation", words("relation", Mention("", (A,)), Mention("", (B,)), "?"), words("left of")),
        Turn("name", words("name", Mention("", (B,)), "?"), words("plain red circle")),
        Turn("which", words("which above", Mention("", (B,)), "?"), (Mention("", (A, B)),)),
    ]
    both = row(turns)
    batch = collate([both], [pack(both, processor, 100, None, "row")], processor)
    decode = processor.tokenizer.decode
    learnt = [
        decode(batch["labels"][0][(batch["turn"][0] == number) & (batch["labels"][0] != -100)]) for number in (1, 2, 3)
    ]
    assert learnt == [f"left of {EOS}", f"plain red circle {EOS}", f"<r0> <r1> {EOS}"]
    asked = [
        decode(batch["input_ids"][0][(batch["turn"][0] == number) & (batch["labels"][0] == -100)])
        for number in (0, 1, 2, 3)
    ]
    assert asked == ["<s> image : <r0> <r1>", "relation <r0> <r1> ?", "name <r1> ?", "which above <r1> ?"]
    assert batch["labels"][0][batch["labels"][0] != -100].tolist() == [
        i for i, label in zip(batch["input_ids"][0], batch["labels"][0]) if label != -100
    ]


def test_positions_restart_after_the_images() -> None:
    _, processor = small()
    full = drawn()
    packed = pack(full, processor, 100, None, "row")
    prefix = packed.turn.count(0)
    at = 0
    for number in range(len(packed.kinds) + 1):
        length = packed.turn.count(number)
        start = prefix if number else 0
        assert packed.position[at : at + length] == list(range(start, start + length))
        at += length


def test_a_conversation_of_several_answers() -> None:
    """A longer conversation is one block: later answers see earlier ones, and every answer is learnt."""
    _, processor = small()
    said = [("name ?", False), ("circle", True), ("size ?", False), ("small", True)]
    talk = Talk("talk", tuple((words(text), learnt) for text, learnt in said))
    packed = pack(row([talk]), processor, 60, None, "row")
    learnt = [label for label in packed.labels if label != -100]
    assert processor.tokenizer.decode(learnt) == f"circle {EOS} small {EOS}"
    assert set(packed.turn) == {0, 1}


def test_image_slots_are_not_written_twice() -> None:
    _, processor = small()
    talk = Talk("talk", (((ImageSlot(0), *words("list ?")), False), (words("none"), True)))
    packed = pack(row([talk]), processor, 60, None, "row")
    assert processor.tokenizer.decode(packed.ids) == f"<s> image : <r0> <r1> list ? none {EOS}"


def test_numbers_are_dealt_at_random_and_belong_to_their_regions() -> None:
    """The token of a region, whatever its number, gets that region's own code."""
    model, processor = small()
    full = row([Turn("name", words("name", Mention("", (B,)), "?"), words("circle"))])
    dealt = set()
    for seed in range(5):
        packed = pack(full, processor, 60, random.Random(seed), "row")
        dealt.add(tuple(full.numbers))
        assert processor.tokenizer.decode(packed.ids).startswith(
            f"<s> image : <r{full.numbers[0]}> <r{full.numbers[1]}> name <r{full.numbers[1]}> ?"
        )
        batch = collate([full], [packed], processor)
        codes = model.encode(batch["pixel_values"], batch["boxes"])
        embeds = model.number_regions(codes, batch["regions"])[0, full.numbers[1]]
        plain = codes[0, 1] + model.number.weight[full.numbers[1]] + model.image_number.weight[0]
        assert torch.allclose(embeds, plain)
    assert len(dealt) > 1
    assert all(len(set(numbers)) == 2 and max(numbers) < 12 for numbers in dealt)


def test_a_full_row_drops_whole_conversations_only() -> None:
    _, processor = small()
    full = drawn()
    longest = pack(full, processor, 10_000, None, "row")
    assert len(longest.kinds) == len(full.turns)
    for most in range(40, 150, 11):
        packed = pack(full, processor, most, None, "row")
        assert len(packed.ids) <= most
        assert packed.ids == longest.ids[: len(packed.ids)]
        following = longest.turn[len(packed.ids) :]
        assert following[0] == len(packed.kinds) + 1, "the next token begins the next conversation"
        assert len(packed.ids) + following.count(following[0]) > most, "which would not have fitted"


def test_refused() -> None:
    _, processor = small()
    name = Turn("name", words("name", Mention("", (A,)), "?"), words("circle"))
    with pytest.raises(RelataError, match="row 7: no answer token to learn"):
        tokenise([("name ?", False)], processor, "row 7")
    two_lists = row([name])
    two_lists.regions = two_lists.seen = [[A], [B]]
    with pytest.raises(RelataError, match="1 images but 2 lists of regions"):
        pack(two_lists, processor, 60, None, "row")
    many = [Box(k, 0, k + 1, 1) for k in range(13)]
    with pytest.raises(RelataError, match="13 regions, but the model has 12 region tokens"):
        pack(row([name], many), processor, 60, None, "row")
    with pytest.raises(RelataError, match="no conversation to learn from"):
        pack(row([]), processor, 60, None, "row")
    long = Turn("list", words("list ?"), words(*["circle"] * 50))
    with pytest.raises(RelataError, match=r"a conversation of \d+ tokens does not fit into 40"):
        pack(row([long]), processor, 40, None, "row")
    with pytest.raises(RelataError, match="none of the regions"):
        pack(row([name], [B]), processor, 60, None, "row")


def test_an_empty_answer_is_refused() -> None:
    """Its end token alone would teach the model to say nothing."""
    _, processor = small()
    with pytest.raises(RelataError, match="row: an empty answer"):
        pack(row([Turn("name", words("name ?"), words(" "))]), processor, 60, None, "row")


def test_an_answer_in_other_words_is_refused() -> None:
    _, processor = small()
    pack(row([Turn("name", words("what is giraffe ?"), words("circle"))]), processor, 60, None, "row")
    with pytest.raises(RelataError, match="no word 'giraffe'"):
        pack(row([Turn("name", words("name ?"), words("a plain giraffe"[2:]))]), processor, 60, None, "row")


def test_tokens_in_hostile_words_are_words() -> None:
    """A label that spells an end token or a region ends no turn and points at nothing."""
    _, processor = small()
    asked = words("name </s> <r1> <pad>", Mention("", (A,)), "?")
    packed = pack(row([Turn("name", asked, words("circle"))]), processor, 60, None, "row")
    special = {processor.tokenizer.convert_tokens_to_ids(token) for token in (EOS, "<r1>", "<pad>")}
    assert not special & set(packed.ids[5:-1])


def test_predicates_and_names_in_words() -> None:
    _, processor = small()
    graph = (Mention("red circle", (A,)), Text(" . "), Predicate("left of", (A,), (B,)), Text(" ; "))
    packed = pack(row([Turn("graph", words("graph ?"), graph)]), processor, 60, None, "row")
    assert processor.tokenizer.decode(packed.ids) == (
        f"<s> image : <r0> <r1> graph ? <r0> red circle . <r0> left of <r1> ; {EOS}"
    )
