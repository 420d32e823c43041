from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from decay_atlas.training import optimizers

CURVATURE = np.array([1.0, 3.0])
LR, WD, RHO = 0.1, 0.2, 0.5


def trained(entry: dict[str, Any], steps: int) -> list[float]:
    """Down the quadratic Σ c·w² / 2, whose gradient is c·w."""
    leaf = nn.Parameter(torch.tensor([1.0, -1.0], dtype=torch.float64))
    optimizer = optimizers.build([leaf], entry, LR, WD)
    curvature = torch.from_numpy(CURVATURE)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (curvature * leaf**2).sum() / 2
        loss.backward()
        return loss

    for _ in range(steps):
        closure()
        optimizer.step(closure)
    return leaf.tolist()


def twin(uphill: Callable[[Any, Any], Any], steps: int) -> Any:
    w, m = np.array([1.0, -1.0]), np.zeros(2)
    for _ in range(steps):
        g = CURVATURE * (w + uphill(w, CURVATURE * w))
        m = 0.9 * m + g + WD * w  # the decay is of the weights themselves
        w = w - LR * m
    return w


def test_it_steps_with_the_gradient_found_uphill() -> None:
    expected = twin(lambda w, g: RHO * g / np.linalg.norm(g), steps=6)
    assert trained({"name": "sam", "rho": RHO}, 6) == pytest.approx(expected.tolist(), rel=1e-12)


def test_the_adaptive_one_climbs_in_units_of_each_weight() -> None:
    def uphill(w: Any, g: Any) -> Any:
        units = np.abs(w) + 0.01
        return RHO * units**2 * g / np.linalg.norm(units * g)

    assert trained({"name": "asam", "rho": RHO}, 6) == pytest.approx(twin(uphill, 6).tolist(), rel=1e-12)


def test_a_tiny_radius_leaves_the_base() -> None:
    plain = twin(lambda w, g: 0 * w, steps=6)
    assert trained({"name": "sam", "rho": 1e-12}, 6) == pytest.approx(plain.tolist(), rel=1e-9)


def test_at_a_stationary_point_it_stays() -> None:
    leaf = nn.Parameter(torch.zeros(2))
    optimizer = optimizers.build([leaf], {"name": "sam"}, LR, WD)
    leaf.grad = torch.zeros(2)
    optimizer.step(lambda: torch.zeros(()))
    assert leaf.tolist() == [0, 0]


@pytest.mark.parametrize("name", ["sam", "asam"])
def test_the_closure_sees_the_perturbed_weights_and_its_loss_comes_back(name: str) -> None:
    leaf = nn.Parameter(torch.tensor([3.0]))
    optimizer = optimizers.build([leaf], {"name": name, "rho": 0.5}, LR, WD)
    leaf.grad = torch.tensor([1.0])
    seen = []

    def closure() -> float:
        seen.append(leaf.item())
        return 7.0

    assert optimizer.step(closure) == 7.0
    assert seen[0] > 3


@pytest.mark.parametrize("name", ["sam", "asam"])
def test_without_a_closure_it_says_so(name: str) -> None:
    leaf = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="needs a closure"):
        optimizers.build([leaf], {"name": name}, LR, WD).step()
