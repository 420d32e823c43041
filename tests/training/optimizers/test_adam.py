from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, v = moments(memory, [a + wd * b for a, b in zip(g, w, strict=True)], t)
    return [a - lr * b / (np.sqrt(c) + 1e-8) for a, b, c in zip(w, m, v, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adam"}, formula)


def test_two_steps_by_hand() -> None:
    # gradients 2 + 1·1 = 3 and, at 0.9, 2.1 + 0.9 = 3: both steps are lr long, though the decay is strong
    found = by_hand({"name": "adam"}, [1.0], [[2.0], [2.1]], lr=0.1, wd=1.0)
    assert found == pytest.approx([0.8])
