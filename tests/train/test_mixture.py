"""Rows are a function of (seed, step, place), and what they say is true of what they show."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.small import small
from relata.dialects.relata import RegionTokens
from relata.errors import RelataError
from relata.models.tower import RelataTower
from relata.scene import Box, Region, Relation, Scene
from relata.synth.world import PREDICATES, SPLITS
from relata.train import objects
from relata.train.mixture import ONE, TWO, Mixture, Row, balance
from relata.train.objects import MOST, Objects, batch

ALL = dict.fromkeys((*ONE, *TWO), 1.0)


def same(one: Row, other: Row) -> bool:
    pixels = all(np.array_equal(a, b) for a, b in zip(one.images, other.images))
    return pixels and (one.regions, one.seen, one.turns) == (other.regions, other.seen, other.turns)


def test_a_row_depends_on_seed_step_and_place_alone() -> None:
    places = [(seed, step, index) for seed in (0, 1) for step in (0, 3) for index in (0, 1, 2)]
    first, again = Mixture(ALL, 0.5, 0.8), Mixture(ALL, 0.5, 0.8)
    rows = {place: first.row(*place) for place in places}
    random.Random(0).shuffle(places)
    assert all(same(again.row(*place), rows[place]) for place in places)
    shown = {row.images[0].tobytes() for row in rows.values()}
    assert len(shown) == len(places), "no two places draw the same picture"


def test_noise_moves_only_where_the_model_looks() -> None:
    still, noisy = Mixture(ALL), Mixture(ALL, noise=0.8)
    moved = 0
    for index in range(60):
        plain, row = still.row(0, 0, index), noisy.row(0, 0, index)
        assert (row.regions, row.turns) == (plain.regions, plain.turns)
        assert np.array_equal(row.images[0], plain.images[0])
        assert plain.seen == plain.regions
        if row.seen != row.regions:
            moved += 1
            steps = [
                abs(a - b) for seen, box in zip(row.seen[0], row.regions[0]) for a, b in zip(seen.tuple(), box.tuple())
            ]
            assert 0 < max(steps) < 6
    assert 24 <= moved <= 48, "60 % of the rows"


def test_rows_of_two_images_ask_about_both_and_between_them() -> None:
    mixture = Mixture(ALL, pairs=1.0)
    kinds, images = set(), set()
    for index in range(10):
        row = mixture.row(0, 0, index)
        assert len(row.images) == len(row.regions) == len(row.sizes) == 2
        assert not np.array_equal(row.images[0], row.images[1])
        for turn in row.turns:
            kinds.add(turn.kind)
            images |= {span.image for span in turn.question if hasattr(span, "image")}
    assert {"match", "transform", "relation", "name"} <= kinds
    assert images == {0, 1}
    assert all(len(Mixture(ALL, pairs=0.0).row(0, 0, index).images) == 1 for index in range(10))


def test_no_question_twice_in_a_row_and_all_can_be_written() -> None:
    mixture = Mixture(ALL, pairs=0.5)
    for index in range(20):
        row = mixture.row(0, 0, index)
        dialect = RegionTokens(row.regions)
        asked = [(turn.kind, dialect.write(turn.question)) for turn in row.turns]
        assert len(set(asked)) == len(asked)
        assert all(dialect.write(turn.answer) for turn in row.turns)


def test_relations_are_asked_evenly() -> None:
    """Nine predicates with frequencies up to eight times apart are each between a half and twice the even share."""
    assert set(balance()) == set(PREDICATES)
    mixture = Mixture({"relation": 1.0}, most=1)
    counts = dict.fromkeys(PREDICATES, 0)
    for index in range(900):
        counts[mixture.row(0, 0, index).turns[0].answer[0].text] += 1
    assert min(counts.values()) > 45
    assert max(counts.values()) < 200


def test_weights_weigh() -> None:
    mixture = Mixture({"name": 9.0, "count": 1.0}, most=1)
    kinds = [mixture.row(0, 0, index).turns[0].kind for index in range(300)]
    assert 0.82 < kinds.count("name") / 300 < 0.97


@pytest.mark.parametrize("split", SPLITS)
def test_training_shows_no_held_out_combination(split: str) -> None:
    """Colour i never stands with shape i, except in the held-out split."""
    mixture = Mixture({"name": 1.0}, split=split)
    labels = {turn.answer[0].text for index in range(150) for turn in mixture.row(0, 0, index).turns}
    assert bool([label for label in labels if label.endswith("red circle")]) == (split == "heldout")


def test_rows_of_a_data_set(tmp_path: Path) -> None:
    boxes = [Box(0, 0, 10, 10), Box(20, 0, 40, 10)]
    Image.new("RGB", (64, 32), (10, 20, 30)).save(tmp_path / "one.png")
    regions = tuple(Region(k + 5, "cup", box) for k, box in enumerate(boxes))
    scene = Scene("one", "one.png", 64, 32, regions, (Relation(5, "beside", 6),))
    row = Mixture({"relation": 1.0}, scenes=[scene], images=tmp_path).row(0, 0, 0)
    assert row.images[0].shape == (32, 64, 3)
    assert row.sizes == [(64, 32)]
    assert row.regions == [boxes]
    assert [turn.answer[0].text for turn in row.turns] == ["beside"]


def test_scenes_with_nothing_to_ask_are_passed_over(tmp_path: Path) -> None:
    """Only scenes of five can be asked for a subject among four; a scene without sizes has none to ask for."""
    mixture = Mixture({"choose_subject": 1.0}, most=2)
    assert all(len(mixture.row(0, 0, index).regions[0]) == 5 for index in range(10))
    Image.new("RGB", (64, 32)).save(tmp_path / "one.png")
    scene = Scene("one", "one.png", 64, 32, (Region(0, "cup", Box(0, 0, 9, 9)),))
    with pytest.raises(RelataError, match="none of 100 scenes has a question of the kinds size"):
        Mixture({"size": 1.0}, scenes=[scene], images=tmp_path).row(0, 0, 0)


# The tower's own training


def test_a_batch_of_objects() -> None:
    found = batch(0, 0, 0, 16)
    assert found["pixel_values"].shape == (16, 3, 96, 96)
    assert found["boxes"].shape == found["noisy"].shape == (16, MOST, 4)
    assert found["words"].shape == found["states"].shape == (16, MOST, 3)
    real = found["real"]
    assert real.any(1).all()
    assert (found["boxes"][~real] == 0).all()
    assert (found["noisy"][~real] == 0).all()
    sides = (found["boxes"][..., 2:] - found["boxes"][..., :2])[real]
    assert (sides > 0).all()
    assert (found["boxes"] >= 0).all()
    assert (found["boxes"] <= 1).all()
    assert 0 < (found["noisy"] - found["boxes"])[real].abs().mean() * 96 < 2


def test_batches_of_objects_depend_on_seed_step_and_process() -> None:
    first = batch(0, 0, 0, 4)
    assert all(torch.equal(value, batch(0, 0, 0, 4)[name]) for name, value in first.items())
    for place in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
        assert not torch.equal(first["pixel_values"], batch(*place, 4)["pixel_values"])


def test_states_are_of_relations() -> None:
    """Hidden and covering objects come in equal number, and so do the two ends of a line; no other object is either."""
    found = batch(0, 0, 0, 64)
    hidden, covering, linked = found["states"].sum((0, 1)).tolist()
    assert hidden == covering > 0
    assert linked > 0
    assert linked % 2 == 0
    assert (found["states"].sum(1)[:, 0] == found["states"].sum(1)[:, 1]).all()


def test_the_tower_learns_its_batch_and_finds_it_again() -> None:
    """Four pictures: boxes are right within three pixels, and what is then detected lies in the picture."""
    torch.manual_seed(0)
    model, _ = small()
    tower = RelataTower(model.config.vision_config)
    job = Objects(tower)
    optimiser = torch.optim.AdamW(tower.parameters(), 5e-3)
    fixed = batch(0, 0, 0, 4)
    losses = []
    for _ in range(80):
        loss, count, shown = job(fixed)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    assert count == int(fixed["real"].sum())
    assert losses[-1] < losses[0] / 3
    assert shown["box_px"] < 3
    found = tower.detect(fixed["pixel_values"])
    assert len(found) == 4
    for boxes, scores in found:
        assert boxes.shape == (len(scores), 4)
        assert (boxes >= 0).all()
        assert (boxes <= 96).all()


def test_more_regions_than_tokens_are_refused() -> None:
    _, processor = small()
    with pytest.raises(RelataError, match="13 regions in one conversation, but the model has 12"):
        processor.slots([[Box(0, 0, 1, 1)] * 13], range(13), 13)
    assert processor.n_regions >= objects.MOST
