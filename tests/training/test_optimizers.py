from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from decay_atlas.training import models, optimizers

LR, WD, STEPS = 0.1, 0.3, 5
Floats = NDArray[np.float64]


def gradient(step: int) -> Floats:
    return np.cos(np.arange(4) + step)


def by_program(entry: dict[str, Any]) -> Floats:
    weights = nn.Parameter(torch.arange(1.0, 5.0, dtype=torch.float64))
    optimizer = optimizers.build([weights], entry, LR, WD)
    for step in range(STEPS):
        weights.grad = torch.from_numpy(gradient(step))
        optimizer.step()
    return weights.detach().numpy()


def by_formula_adamw(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Floats:
    w, m, v = np.arange(1.0, 5.0), np.zeros(4), np.zeros(4)
    for step in range(STEPS):
        g = gradient(step)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1 ** (step + 1)), v / (1 - beta2 ** (step + 1))
        w = w - LR * m_hat / (np.sqrt(v_hat) + eps) - LR * WD * w
    return w


def by_formula_sgd(momentum: float = 0.9) -> Floats:
    w, m = np.arange(1.0, 5.0), np.zeros(4)
    for step in range(STEPS):
        m = momentum * m + gradient(step) + WD * w
        w = w - LR * m
    return w


@pytest.mark.parametrize(
    ("entry", "formula"),
    [
        ({"name": "adamw"}, by_formula_adamw),
        ({"name": "adamw", "betas": [0.8, 0.95], "eps": 0.01}, lambda: by_formula_adamw(0.8, 0.95, 0.01)),
        ({"name": "sgd"}, by_formula_sgd),
        ({"name": "sgd", "momentum": 0.5}, lambda: by_formula_sgd(0.5)),
    ],
)
def test_an_optimizer_does_what_its_formula_says(entry: dict[str, Any], formula: Callable[[], Floats]) -> None:
    np.testing.assert_allclose(by_program(entry), formula(), rtol=1e-12)


def test_every_parameter_is_decayed_norms_and_biases_too(demo: dict[str, dict[str, Any]]) -> None:
    model = models.build(demo["tiny_resnet"]["arch"], classes=10, channels=1)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    optimizer = optimizers.build(model.parameters(), {"name": "adamw"}, LR, WD)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for parameter, old in zip(model.parameters(), before, strict=True):
        torch.testing.assert_close(parameter.detach(), old * (1 - LR * WD))


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "adamm"}, "unknown name 'adamm'; there are adamw, sgd"),
        ({"name": "adamw", "momentum": 0.9}, "optimizer adamw: .*momentum"),
    ],
)
def test_an_unknown_optimizer_or_option_is_refused(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        optimizers.build([nn.Parameter(torch.ones(1))], entry, LR, WD)
