from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    total = []
    for weight, gradient in zip(w, g, strict=True):
        size = np.abs(gradient)
        z = (size - size.mean()) / size.std() if size.size > 1 else np.zeros_like(size)
        total.append(gradient + wd * 2 / (1 + np.exp(-4 * z)) * weight)
    m = memory["m"] = [0.9 * a + b for a, b in zip(memory.get("m", [0.0] * len(g)), total, strict=True)]
    return [a - lr * b for a, b in zip(w, m, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adadecay"}, formula)


def test_two_steps_by_hand() -> None:
    # |g| = (2, 0): z = ±1, so the decay is 2/(1 + e⁻¹) of wd and 2/(1 + e)
    share = np.array([2 / (1 + np.exp(-1)), 2 / (1 + np.exp(1))])
    found = by_hand({"name": "adadecay", "momentum": 0, "alpha": 1}, [1.0, 1.0], [[-2.0, 0.0]] * 2, lr=0.1, wd=0.5)
    one = np.array([1.2, 1.0]) - 0.05 * share
    assert found == pytest.approx(one * (1 - 0.05 * share) + [0.2, 0])


def test_without_alpha_it_is_sgd() -> None:
    assert_same({"name": "adadecay", "alpha": 0}, {"name": "sgd"})


def test_gradients_of_one_size_are_decayed_alike() -> None:
    found = by_hand({"name": "adadecay", "momentum": 0}, [1.0, 2.0], [[3.0, -3.0]], lr=0.1, wd=0.5)
    assert found == pytest.approx([1 - 0.3 - 0.05, 2 + 0.3 - 0.1])
