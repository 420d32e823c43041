from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, mean_of_all, moments


def formula(coupled: bool, beta0: float = 0.1, beta2: float = 0.99, eps: float = 1e-3) -> Any:
    def update(
        w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float
    ) -> list[Floats]:
        if coupled:
            g = [a + wd * b for a, b in zip(g, w, strict=True)]
        _, v = moments(memory, g, t, beta2=beta2)
        average = mean_of_all(v)
        result = []
        for k, (weight, gradient) in enumerate(zip(w, g, strict=True)):
            beta1 = np.clip(1 - beta0 * v[k] / average, 0, 1 - eps)
            m = memory["first", k] = beta1 * memory.get(("first", k), 0) + (1 - beta1) * gradient
            product = memory["product", k] = memory.get(("product", k), 1) * beta1
            result.append(weight * (1 if coupled else 1 - lr * wd) - lr * m / (1 - product))
        return result

    return update


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adai"}, formula(True))
    assert_follows({"name": "adai", "betas": [1.5, 0.9], "eps": 0.2}, formula(True, 1.5, 0.9, 0.2))


def test_two_steps_by_hand() -> None:
    # gradients (1, 1), no decay: v̂ = v̄, β₁ = 0.9, and the corrected m is 1: plain SGD
    assert by_hand({"name": "adai"}, [1.0, 2.0], [[1.0, 1.0]] * 2, 0.1, 0.0) == pytest.approx([0.8, 1.8])
    # gradients (0, 2): v̂ / v̄ = (0, 2): β₁ = (0.999, 0.8); m̂ = (0, 2)
    assert by_hand({"name": "adai"}, [1.0, 2.0], [[0.0, 2.0]] * 2, 0.1, 0.0) == pytest.approx([1.0, 1.6])


def test_zero_gradients_move_nothing() -> None:
    assert by_hand({"name": "adai"}, [1.0, 2.0], [[0.0, 0.0]] * 3, lr=0.1, wd=0.0) == [1.0, 2.0]
