from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.test_amsgrad import largest
from tests.training.optimizers.twins import (
    Floats,
    Memory,
    assert_follows,
    assert_same,
    by_hand,
    mean_of_all,
    moments,
)


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, _ = moments(memory, g, t)
    v = largest(memory, t)
    decay = lr * wd / np.sqrt(mean_of_all(v))
    return [a - lr * b / (np.sqrt(c) + 1e-8) - decay * a for a, b, c in zip(w, m, v, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "amsgrads"}, formula)


def test_two_steps_by_hand() -> None:
    second = 2 / 0.75  # the largest v, corrected, in the second step; in the first it is 4
    found = by_hand({"name": "amsgrads", "betas": [0.5, 0.5]}, [1.0], [[2.0], [0.0]], lr=0.1, wd=1.0)
    after_one = 1 - 0.1 - 0.1 / 2
    assert found == pytest.approx([after_one * (1 - 0.1 / np.sqrt(second)) - 0.1 * (0.5 / 0.75) / np.sqrt(second)])


def test_without_a_power_it_is_amsgradw() -> None:
    assert_same({"name": "amsgrads", "p": 0}, {"name": "amsgradw"})
