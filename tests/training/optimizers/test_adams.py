from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.training.optimizers.twins import (
    Floats,
    Memory,
    assert_follows,
    assert_same,
    by_hand,
    mean_of_all,
    moments,
)


def formula(p: float) -> Any:
    def update(
        w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float
    ) -> list[Floats]:
        m, v = moments(memory, g, t)
        decay = lr * mean_of_all(v) ** (-p) * wd
        return [a - lr * b / (np.sqrt(c) + 1e-8) - decay * a for a, b, c in zip(w, m, v, strict=True)]

    return update


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adams"}, formula(0.5))
    assert_follows({"name": "adams", "p": 0.25}, formula(0.25))


def test_two_steps_by_hand() -> None:
    # gradients (3, 4): v̂ = (9, 16) in both steps, v̄ = 12.5, and every step is lr
    decay = 0.1 / np.sqrt(12.5)
    found = by_hand({"name": "adams"}, [1.0, 2.0], [[3.0, 4.0], [3.0, 4.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([((w * (1 - decay) - 0.1) * (1 - decay) - 0.1) for w in (1.0, 2.0)])


def test_without_a_power_it_is_adamw() -> None:
    assert_same({"name": "adams", "p": 0}, {"name": "adamw"})


def test_the_decay_is_as_long_as_a_mean_step_whatever_the_gradients_scale() -> None:
    small = by_hand({"name": "adams"}, [5.0], [[1e-3], [1e-3]], lr=0.1, wd=1e-3)
    large = by_hand({"name": "adams"}, [5.0], [[1.0], [1.0]], lr=0.1, wd=1.0)
    assert small == pytest.approx(large, rel=1e-5)


def test_nothing_decays_before_the_first_gradient() -> None:
    assert by_hand({"name": "adams"}, [1.0, 2.0], [[0.0, 0.0]] * 3, lr=0.1, wd=1.0) == [1.0, 2.0]
    assert by_hand({"name": "adams", "p": 0}, [1.0], [[0.0]], lr=0.1, wd=1.0) == [0.9]
