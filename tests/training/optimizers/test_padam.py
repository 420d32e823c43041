from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.test_amsgrad import largest
from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, _ = moments(memory, [a + wd * b for a, b in zip(g, w, strict=True)], t)
    return [a - lr * b / (np.sqrt(c) + 1e-8) ** 0.25 for a, b, c in zip(w, m, largest(memory, t), strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "padam"}, formula)


def test_two_steps_by_hand() -> None:
    # m̂ = √v̂ = 16 in both steps: each is 0.1 · 16 / 16^¼
    assert by_hand({"name": "padam"}, [1.0], [[16.0], [16.0]], lr=0.1, wd=0.0) == pytest.approx([1 - 2 * 0.8])


def test_with_power_one_half_it_is_amsgrad() -> None:
    assert_same({"name": "padam", "p": 0.5}, {"name": "amsgrad"})
