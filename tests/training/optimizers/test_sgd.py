from __future__ import annotations

from typing import Any

import pytest

from tests.training.optimizers.twins import Floats, Memory, assert_follows, by_hand


def formula(momentum: float = 0.9, nesterov: bool = False) -> Any:
    def update(
        w: list[Floats], g: list[Floats], memory: Memory, t: int, lr: float, wd: float, eta: float
    ) -> list[Floats]:
        g = [a + wd * b for a, b in zip(g, w, strict=True)]
        m = memory["m"] = [momentum * a + b for a, b in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
        step = [a + momentum * b for a, b in zip(g, m, strict=True)] if nesterov else m
        return [a - lr * b for a, b in zip(w, step, strict=True)]

    return update


def test_it_does_what_its_formula_says() -> None:
    assert_follows({"name": "sgd"}, formula())
    assert_follows({"name": "sgd", "momentum": 0}, formula(0.0))
    assert_follows({"name": "sgd", "momentum": 0.5, "nesterov": True}, formula(0.5, nesterov=True))


def test_two_steps_by_hand() -> None:
    # m = 1 + 1, then ½ · 2 + (1 + 0.8)
    found = by_hand({"name": "sgd", "momentum": 0.5}, [1.0], [[1.0], [1.0]], lr=0.1, wd=1.0)
    assert found == pytest.approx([1 - 0.1 * 2 - 0.1 * 2.8])
