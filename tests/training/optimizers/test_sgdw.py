from __future__ import annotations

import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand


def formula(w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float) -> list[Floats]:
    m = memory["m"] = [0.9 * a + b for a, b in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
    return [(1 - lr * wd) * a - lr * b for a, b in zip(w, m, strict=True)]


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "sgdw"}, formula)


def test_two_steps_by_hand() -> None:
    found = by_hand({"name": "sgdw", "momentum": 0.5}, [1.0], [[1.0], [1.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([(0.9 - 0.1) * 0.9 - 0.15])


def test_without_momentum_decay_in_or_outside_the_gradient_is_the_same() -> None:
    assert_same({"name": "sgdw", "momentum": 0}, {"name": "sgd", "momentum": 0})
