from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, moments


def formula(betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> Any:
    def update(
        w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float
    ) -> list[Floats]:
        m, v = moments(memory, g, t, *betas)
        return [a - lr * b / (np.sqrt(c) + eps) - lr * wd * a for a, b, c in zip(w, m, v, strict=True)]

    return update


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adamw"}, formula())
    assert_follows({"name": "adamw", "betas": [0.8, 0.95], "eps": 0.01}, formula((0.8, 0.95), 0.01))


def test_two_steps_by_hand() -> None:
    # m̂ = √v̂ = 2 in both steps: each loses lr · wd of itself, then lr
    found = by_hand({"name": "adamw", "eps": 1e-300}, [1.0], [[2.0], [2.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([(1 * 0.9 - 0.1) * 0.9 - 0.1])
