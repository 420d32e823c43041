from __future__ import annotations

from typing import Any

import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, assert_same, by_hand


def formula(beta1: float, beta3: float) -> Any:
    def update(
        w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float
    ) -> list[Floats]:
        m = memory["m"] = [beta1 * a + beta3 * b for a, b in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
        return [(1 - beta3 / (1 - beta1) * lr * wd) * a - lr * b for a, b in zip(w, m, strict=True)]

    return update


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "sgds"}, formula(0.9, 1.0))
    assert_follows({"name": "sgds", "momentum": 0.8, "dampening": 0.3}, formula(0.8, 0.7))
    assert_follows({"name": "sgds", "momentum": 0, "dampening": 0.3}, formula(0.0, 0.7))


def test_two_steps_by_hand() -> None:
    # the decay is lr · wd / (1 − ½) = 0.2 a step; m = 1, then 1.5
    found = by_hand({"name": "sgds", "momentum": 0.5}, [1.0], [[1.0], [1.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([(0.8 - 0.1) * 0.8 - 0.15])


def test_without_momentum_it_is_sgdw() -> None:
    assert_same({"name": "sgds", "momentum": 0}, {"name": "sgdw", "momentum": 0})
