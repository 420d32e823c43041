from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, v = moments(memory, g, t)
    r = [b / (np.sqrt(c) + 1e-6) + wd * a for a, b, c in zip(w, m, v, strict=True)]
    norm = np.linalg.norm
    return [a - lr * norm(np.ravel(a)) / norm(np.ravel(d)) * d for a, d in zip(w, r, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "lamb"}, formula)


def test_it_is_timms_without_its_clipping() -> None:
    assert_same({"name": "lamb"}, {"name": "timm.lamb", "max_grad_norm": None, "always_adapt": True})


def test_two_steps_by_hand() -> None:
    # one weight: the step is lr times the weight, whatever gradient and decay
    assert by_hand({"name": "lamb"}, [1.0], [[3.0], [5.0]], lr=0.1, wd=1.0) == pytest.approx([0.81])


def test_weights_of_length_zero_move() -> None:
    assert by_hand({"name": "lamb"}, [0.0, 0.0], [[1.0, 2.0]], lr=0.1, wd=1.0) == pytest.approx([-0.1, -0.1])
