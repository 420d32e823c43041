"""SGD with decay on a quadratic has an expected path in closed form. Source: S, Theorem 2.

For the loss ½(θ − c)ᵀH(θ − c), gradients with noise of mean 0, and steps of lr η and weight decay λ, the mean of θ_t is
θ_∞ + (I − η(H + λI))ᵗ (θ_0 − θ_∞) with θ_∞ = (H + λI)⁻¹Hc: it forgets its start, and shrinks by λ, in 1/(ηλ) steps.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from decay_atlas.training.optimizers import build

ETA, WD, STEPS, PATHS, NOISE = 0.05, 0.3, 40, 4000, 0.5
H = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 0.05]])
CENTRE, START = np.array([1.0, -2.0, 3.0]), np.array([-1.0, 1.0, 0.5])


def expected(steps: int) -> np.ndarray:
    decayed = H + WD * np.eye(3)
    limit = np.linalg.solve(decayed, H @ CENTRE)
    return limit + np.linalg.matrix_power(np.eye(3) - ETA * decayed, steps) @ (START - limit)


def paths(name: str, noise: float, n: int) -> np.ndarray:
    """Where `n` independent paths are after STEPS steps, (n, 3)."""
    draw = torch.Generator().manual_seed(0)
    theta = torch.nn.Parameter(torch.tensor(START).repeat(n, 1))
    optimizer = build([theta], {"name": name, "momentum": 0}, ETA, WD)
    for _ in range(STEPS):
        gradient = (theta.detach() - torch.tensor(CENTRE)) @ torch.tensor(H)
        theta.grad = gradient + noise * torch.randn(gradient.shape, generator=draw, dtype=gradient.dtype)
        optimizer.step()
    return theta.detach().numpy()


@pytest.mark.parametrize("name", ["sgd", "sgdw"])
def test_without_noise_it_is_on_the_expected_path(name: str) -> None:
    assert paths(name, 0.0, 1)[0] == pytest.approx(expected(STEPS), rel=1e-12)
    assert not np.allclose(expected(STEPS), expected(STEPS - 1), rtol=1e-3), "it is still under way"


@pytest.mark.parametrize("name", ["sgd", "sgdw"])
def test_the_mean_of_noisy_paths_is_the_expected_one(name: str) -> None:
    found = paths(name, NOISE, PATHS)
    error = found.std(axis=0, ddof=1) / PATHS**0.5
    assert (error > 0).all()
    assert (np.abs(found.mean(axis=0) - expected(STEPS)) < 4 * error).all()


def test_the_decay_that_the_schedule_does_not_move_takes_another_path() -> None:
    """Form 1 shrinks by λ a step, not by ηλ."""
    assert not np.allclose(paths("sgd-unscheduled", 0.0, 1)[0], expected(STEPS), rtol=0.1)
