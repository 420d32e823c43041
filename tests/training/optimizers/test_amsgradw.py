from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.test_amsgrad import largest
from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, _ = moments(memory, g, t)
    return [a - lr * b / (np.sqrt(c) + 1e-8) - lr * wd * a for a, b, c in zip(w, m, largest(memory, t), strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "amsgradw"}, formula)


def test_two_steps_by_hand() -> None:
    found = by_hand({"name": "amsgradw", "betas": [0.5, 0.5]}, [1.0], [[2.0], [0.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([(0.9 - 0.1) * 0.9 - 0.1 * (0.5 / 0.75) / np.sqrt(2 / 0.75)])
