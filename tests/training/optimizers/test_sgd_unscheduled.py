from __future__ import annotations

import pytest

from tests.training.optimizers.twins import LR, Floats, Memory, assert_follows, by_hand


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m = memory["m"] = [0.9 * a + b for a, b in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
    return [(1 - wd) * a - lr * b for a, b in zip(w, m, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "sgd-unscheduled"}, formula)


def test_two_steps_by_hand() -> None:
    found = by_hand({"name": "sgd-unscheduled", "momentum": 0}, [1.0], [[1.0], [1.0]], lr=0.1, wd=0.5)
    assert found == pytest.approx([(0.5 - 0.1) * 0.5 - 0.1])


def test_at_a_constant_rate_it_is_sgdw_at_a_decay_divided_by_it() -> None:
    steps = [[1.0], [-2.0], [0.5]]
    found = by_hand({"name": "sgd-unscheduled"}, [1.0], steps, lr=LR, wd=0.02)
    assert found == pytest.approx(by_hand({"name": "sgdw"}, [1.0], steps, lr=LR, wd=0.02 / LR))
