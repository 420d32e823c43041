from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    moments(memory, [a + wd * b for a, b in zip(g, w, strict=True)], t)
    final, rate = 0.1 * eta, lr * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    low, high = final * (1 - 1 / (0.001 * t + 1)), final * (1 + 1 / (0.001 * t))
    return [
        a - np.clip(rate / (np.sqrt(v) + 1e-8), low, high) * m
        for a, m, v in zip(w, memory["m"], memory["v"], strict=True)
    ]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adabound"}, formula)


def test_two_steps_by_hand() -> None:
    # bounds that have closed: SGD with dampened momentum, m = ½, then ¾
    entry = {"name": "adabound", "betas": [0.5, 0.999], "final_lr": 0.4, "gamma": 1e15}
    assert by_hand(entry, [1.0], [[1.0], [1.0]], lr=0.1, wd=0.0) == pytest.approx([1 - 0.4 * 0.5 - 0.4 * 0.75])


def test_within_wide_bounds_it_is_adam() -> None:
    assert_same({"name": "adabound", "gamma": 1e-9, "eps": 1e-15}, {"name": "adam", "eps": 1e-15})
