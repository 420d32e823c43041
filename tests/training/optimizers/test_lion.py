from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m = memory.get("m", [np.zeros_like(x) for x in g])
    memory["m"] = [0.99 * a + 0.01 * x for a, x in zip(m, g, strict=True)]
    return [a - lr * np.sign(0.9 * b + 0.1 * x) - lr * wd * a for a, b, x in zip(w, m, g, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "lion"}, formula)


def test_it_is_timms() -> None:
    assert_same({"name": "lion"}, {"name": "timm.lion"})


def test_two_steps_by_hand() -> None:
    # m = 0.1 after the first step; then 0.9 · 0.1 − 0.1 · 0.5 > 0: the sign stays, against the gradient's
    found = by_hand({"name": "lion", "betas": [0.9, 0.9]}, [1.0], [[1.0], [-0.5]], lr=0.1, wd=1.0)
    assert found == pytest.approx([(0.9 - 0.1) * 0.9 - 0.1])
