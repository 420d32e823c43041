from __future__ import annotations

import pytest
import torch
from torch import nn

from decay_atlas.training import optimizers
from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, length_of_all


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    now = wd * length_of_all(g) / length_of_all(w)
    average = memory["decay"] = 0.1 * memory.get("decay", 0.0) + 0.9 * now
    g = [a + average * b for a, b in zip(g, w, strict=True)]
    m = memory["m"] = [0.9 * a + b for a, b in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
    return [a - lr * b for a, b in zip(w, m, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "awd"}, formula)


def test_two_steps_by_hand() -> None:
    # λ = ½ · 2 / 1 = 1, λ̄ = 0.9; then θ = 0.71, λ = ½ · 1 / 0.71, λ̄ = 0.09 + 0.45 / 0.71
    found = by_hand({"name": "awd", "momentum": 0}, [1.0], [[2.0], [1.0]], lr=0.1, wd=0.5)
    assert found == pytest.approx([0.71 - 0.1 * (1 + (0.09 + 0.45 / 0.71) * 0.71)])


def test_while_the_ratio_of_the_norms_is_constant_it_is_l2() -> None:
    dog, ratio = 0.1, 2.0
    ours, theirs = (nn.Parameter(torch.tensor([3.0, -4.0], dtype=torch.float64)) for _ in range(2))
    awd = optimizers.build([ours], {"name": "awd", "smoothing": 0}, 0.05, dog)
    l2 = optimizers.build([theirs], {"name": "sgd"}, 0.05, dog * ratio)
    for angle in torch.arange(1.0, 9.0, dtype=torch.float64):
        direction = torch.stack((angle.cos(), angle.sin()))
        for leaf, optimizer in ((ours, awd), (theirs, l2)):
            leaf.grad = direction * ratio * leaf.detach().norm()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)


def test_weights_that_are_all_zero_are_not_decayed() -> None:
    assert by_hand({"name": "awd"}, [0.0], [[1.0]], lr=0.1, wd=0.5) == pytest.approx([-0.1])
