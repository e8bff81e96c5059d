"""Which optimiser moves what, the schedule, the average."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.small import small
from relata.train.optim import Average, Optimiser, rate


def parts(optimiser: Optimiser) -> tuple[set[int], set[int]]:
    """Places in memory of what Muon and AdamW move."""
    muon, adam = optimiser.parts
    assert isinstance(muon, torch.optim.Muon)
    assert isinstance(adam, torch.optim.AdamW)
    groups = ([p for group in part.param_groups for p in group["params"]] for part in (muon, adam))
    first, second = ({p.data_ptr() for p in group} for group in groups)
    return first, second


def test_tables_norms_and_biases_go_to_adam_and_all_other_matrices_to_muon() -> None:
    model, _ = small()
    matrices, rest = parts(Optimiser(model.named_parameters(), 0.02, 0.002))
    assert not matrices & rest
    tables = {"decoder.embed_tokens.weight", "number.weight", "image_number.weight", "tower.place"}
    for name, parameter in model.named_parameters():
        expected = rest if name in tables or parameter.ndim < 2 else matrices
        assert parameter.data_ptr() in expected, name
    assert len(matrices) + len(rest) == len(list(model.parameters()))
    names = dict(model.named_parameters())
    assert names["decoder.layers.0.mlp.up_proj.weight"].data_ptr() in matrices
    assert names["tower.stem.0.weight"].data_ptr() in matrices, "a convolution is a matrix"
    assert names["decoder.norm.weight"].data_ptr() in rest


def test_what_is_frozen_is_left_out() -> None:
    model, _ = small()
    model.requires_grad_(False)
    model.query.requires_grad_(True)
    optimiser = Optimiser(model.named_parameters(), 0.02, 0.002)
    assert len(optimiser.parts) == 1
    assert [p.data_ptr() for p in optimiser.parameters] == [model.query.weight.data_ptr()]


def test_a_step_by_hand() -> None:
    """Muon's first step from a diagonal gradient is nearly a multiple of the identity, whatever the sizes on the
    diagonal; AdamW's is its rate in every direction of the sign. Gradients are cleared; a quarter rate is a quarter.
    """
    weight, bias = nn.Parameter(torch.zeros(3, 3)), nn.Parameter(torch.zeros(2))
    optimiser = Optimiser([("weight", weight), ("bias", bias)], 0.1, 0.01)
    weight.grad, bias.grad = torch.diag(torch.tensor([1.0, 0.6, 0.3])), torch.tensor([0.5, -0.1])
    optimiser.step(0.25)
    moved = -weight.detach() / (0.1 * 0.25)
    assert torch.allclose(moved.diag(), torch.ones(3), atol=0.35), "Newton-Schulz leaves them between 0.7 and 1.2"
    assert moved.fill_diagonal_(0).abs().max() < 0.02
    assert torch.allclose(bias.detach(), torch.tensor([-0.0025, 0.0025]), atol=1e-6)
    assert weight.grad is None
    assert bias.grad is None


def test_clipped_to_norm_one_over_all_parameters() -> None:
    """AdamW's second moment tells: gradients of 3 and 4 (norm 5) are a fifth of themselves when they arrive."""
    first, second = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimiser = Optimiser([("a", first), ("b", second)], 0.1, 0.01)
    first.grad, second.grad = torch.tensor([3.0]), torch.tensor([4.0])
    optimiser.step(1.0)
    state = optimiser.parts[0].state
    assert state[first]["exp_avg"].item() == pytest.approx(0.1 * 0.6, rel=1e-4)
    assert state[second]["exp_avg"].item() == pytest.approx(0.1 * 0.8, rel=1e-4)


def test_continued_is_the_same_as_unbroken() -> None:
    def gradients(model: nn.Module, step: int) -> None:
        torch.manual_seed(step)
        for p in model.parameters():
            p.grad = torch.randn_like(p)

    def made() -> tuple[nn.Module, Optimiser]:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 6), nn.Conv2d(2, 3, 2))
        return model, Optimiser(model.named_parameters(), 0.02, 0.002)

    model, optimiser = made()
    for step in range(6):
        gradients(model, step)
        optimiser.step(1.0)
        if step == 2:
            kept = {k: v.clone() for k, v in model.state_dict().items()}
            state = torch.utils._pytree.tree_map(
                lambda x: x.clone() if isinstance(x, torch.Tensor) else x, optimiser.state_dict()
            )
    again, continued = made()
    again.load_state_dict(kept)
    continued.load_state_dict(state)
    for step in range(3, 6):
        gradients(again, step)
        continued.step(1.0)
    for one, other in zip(model.parameters(), again.parameters()):
        assert torch.equal(one, other)


def test_average() -> None:
    """Early steps: decays of 1/10, 2/11 ... up to the given one. From 0, with weights 1 then 2: .9, then
    .9 + (2 - .9) * 9/11 = 1.8. Swapping twice changes nothing.
    """
    weight, frozen = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.ones(1), requires_grad=False)
    average = Average([weight, frozen], 0.99)
    for step, value in enumerate((1.0, 2.0)):
        weight.data.fill_(value)
        average.update(step)
    assert len(average.values) == 1
    assert average.values[0].item() == pytest.approx(1.8)
    average.swap()
    assert (weight.item(), average.values[0].item()) == (pytest.approx(1.8), 2.0)
    average.swap()
    assert (weight.item(), average.values[0].item()) == (2.0, pytest.approx(1.8))
    late = Average([weight], 0.99)
    weight.data.fill_(3.0)
    late.update(100_000)
    assert late.values[0].item() == pytest.approx(2.01)


def test_rate() -> None:
    """Ten steps, four of warm-up, the last half falling: 1/4 .. 1, then 5/5, 4/5 .. 1/5."""
    rates = [rate(step, 10, 4, 0.5) for step in range(10)]
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1, 0.8, 0.6, 0.4, 0.2])
    assert [rate(step, 3, 0, 0.0) for step in range(3)] == [1, 1, 1]
    assert all(0 < rate(step, 100, 60, 0.35) <= 1 for step in range(100))
