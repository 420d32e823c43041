from __future__ import annotations

import math

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, v = moments(memory, [a + wd * b for a, b in zip(g, w, strict=True)], t)
    longest = 2 / (1 - 0.999) - 1
    rho = longest - 2 * t * 0.999**t / (1 - 0.999**t)
    if rho <= 5:
        return [a - lr * b for a, b in zip(w, m, strict=True)]
    r = math.sqrt((rho - 4) * (rho - 2) * longest / ((longest - 4) * (longest - 2) * rho))
    return [a - lr * b * r / (np.sqrt(c) + 1e-8 / math.sqrt(1 - 0.999**t)) for a, b, c in zip(w, m, v, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "radam"}, formula)


def test_it_is_pytorchs() -> None:
    assert_same({"name": "radam"}, {"name": "torch.RAdam"})


def test_two_steps_by_hand() -> None:
    # the first five steps are not yet rectified: SGD with the bias-corrected momentum
    assert by_hand({"name": "radam"}, [1.0], [[2.0], [2.0]], lr=0.1, wd=0.0) == pytest.approx([0.6])
