from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, moments


def largest(memory: Memory, t: int) -> list[Floats]:
    """max(v, v_max), corrected: call after `moments`."""
    memory["max"] = [np.maximum(a, b) for a, b in zip(memory.get("max", memory["v"]), memory["v"], strict=True)]
    return [value / (1 - 0.999**t) for value in memory["max"]]


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, _ = moments(memory, [a + wd * b for a, b in zip(g, w, strict=True)], t)
    return [a - lr * b / (np.sqrt(c) + 1e-8) for a, b, c in zip(w, m, largest(memory, t), strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "amsgrad"}, formula)


def test_two_steps_by_hand() -> None:
    # betas ½: m = 1, then ½; v = 2, then 1, but the largest stays 2; corrections ½, then ¾
    found = by_hand({"name": "amsgrad", "betas": [0.5, 0.5]}, [1.0], [[2.0], [0.0]], lr=0.1, wd=0.0)
    assert found == pytest.approx([1 - 0.1 * 1 - 0.1 * (0.5 / 0.75) / np.sqrt(2 / 0.75)])
