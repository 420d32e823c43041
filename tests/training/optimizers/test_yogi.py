from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    g = [a + wd * b for a, b in zip(g, w, strict=True)]
    m, _ = moments(memory, g, t)
    v = memory.get("yogi", [np.full_like(x, 1e-6) for x in g])
    v = memory["yogi"] = [a - 0.001 * np.sign(a - x**2) * x**2 for a, x in zip(v, g, strict=True)]
    return [a - lr * b / (np.sqrt(c / (1 - 0.999**t)) + 1e-3) for a, b, c in zip(w, m, v, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "yogi"}, formula)


def test_two_steps_by_hand() -> None:
    entry = {"name": "yogi", "betas": [0.0, 0.5], "eps": 1e-12, "initial_accumulator": 0.0}
    # v = 0 + ½·4 = 2, then, v > 1, 2 − ½·1 = 1.5; corrections ½, then ¾
    found = by_hand(entry, [1.0], [[2.0], [1.0]], lr=0.1, wd=0.0)
    assert found == pytest.approx([1 - 0.1 * 2 / np.sqrt(2 / 0.5) - 0.1 * 1 / np.sqrt(1.5 / 0.75)])
