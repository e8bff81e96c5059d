"""Asking an image once gives what the plain loop over questions and candidates gives."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from models.small import boxes_of, loaded
from relata.models.prefix import grow
from relata.synth.render import render
from relata.synth.world import world
from relata.tasks import region, relation


def test_the_tree_of_a_prefix_two_questions_and_their_candidates() -> None:
    tree = grow([1, 2], [[3], [4, 5]], [[[6], [7, 8]], [[9]]])
    # 1 2 | 3 | 7 (the first of a two-token candidate; last tokens are never fed) | 4 5
    assert tree.ids.tolist() == [[1, 2, 3, 7, 4, 5]]
    assert tree.positions.tolist() == [[0, 1, 2, 3, 2, 3]]
    assert tree.read == [[[(2, 6)], [(2, 7), (3, 8)]], [[(5, 9)]]]
    sees = tree.mask[0, 0].int().tolist()
    assert sees[3] == [1, 1, 1, 1, 0, 0]  # a candidate: the prefix, its question, itself
    assert sees[5] == [1, 1, 0, 0, 1, 1]  # the second question does not see the first


def test_rank_is_the_plain_loop() -> None:
    model, drawn = loaded(), world(0, 3)
    look = model.look([render(drawn)], [boxes_of(drawn)])
    questions = [region.question(look.mention(0)), relation.question(look.mention(0), look.mention(1))]
    choices = [["plain red circle", "striped blue square"], ["above", "left of", "in front of"]]
    encode = model.processor.tokenizer.backend_tokenizer.encode
    for question, options, scores in zip(questions, choices, look.rank(questions, choices)):
        for option, score in zip(options, scores):
            prompt = encode(f"{look.prefix} {look.dialect.write(question)}").ids
            answer = encode(option).ids
            with torch.no_grad():
                logits = model.network(input_ids=torch.tensor([prompt + answer]), region_embeds=look.embeds).logits
            logs = logits[0].log_softmax(-1)
            plain = sum(float(logs[len(prompt) - 1 + k, token]) for k, token in enumerate(answer))
            assert score == pytest.approx(plain, abs=1e-4)


def test_the_first_word_is_greedy_generations_first() -> None:
    model, drawn = loaded(), world(0, 4)
    look = model.look([render(drawn)], [boxes_of(drawn)])
    questions = [region.question(look.mention(k)) for k in range(len(drawn))]
    first = look.first(questions)
    whole = look.ask(questions, most=1)
    assert all(f == w or w == "" for f, w in zip(first, whole))  # an end token is decoded to nothing by `ask`
