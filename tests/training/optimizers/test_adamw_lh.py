from __future__ import annotations

import numpy as np
import pytest

from tests.training.optimizers.twins import LR, Floats, Memory, assert_follows, assert_same, by_hand, moments


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m, v = moments(memory, g, t)
    return [(1 - wd * eta) * a - lr * b / (np.sqrt(c) + 1e-8) for a, b, c in zip(w, m, v, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "adamw-lh"}, formula)


def test_two_steps_by_hand() -> None:
    found = by_hand({"name": "adamw-lh"}, [1.0], [[2.0], [2.0]], lr=0.1, wd=0.5)
    assert found == pytest.approx([(1 * 0.5 - 0.1) * 0.5 - 0.1])


def test_it_is_pytorchs_at_a_decay_divided_by_the_base_rate() -> None:
    assert_same({"name": "adamw-lh"}, {"name": "adamw"}, wd_one=0.02, wd_other=0.02 / LR)
