"""Plain NumPy twins: an optimizer's formula, followed side by side with the program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from decay_atlas.training import optimizers

Floats = NDArray[np.float64]
Memory = dict[str, Any]
Formula = Callable[[list[Floats], list[Floats], Memory, int, float, float, float], list[Floats]]
"""Maps weights, gradients, what it remembers (at first nothing), the step from 1, lr, wd and the schedule's
multiplier, which is in lr already, to new weights."""
MODELS = {"one vector": [(4,)], "several tensors": [(3,), (2, 4), (2, 1, 3), ()]}
LR, WD, STEPS = 0.1, 0.3, 12


def weights(shapes: Sequence[tuple[int, ...]], member: int = 0) -> list[Floats]:
    draw = np.random.default_rng(member)
    return [np.asarray(draw.normal(size=shape)) for shape in shapes]


def gradients(shapes: Sequence[tuple[int, ...]], step: int, member: int = 0) -> list[Floats]:
    """Noise that shrinks while a steady part stays: moments rise and fall."""
    draw = np.random.default_rng([member, step])
    return [np.asarray(0.3 + draw.normal(size=shape) / step) for shape in shapes]


def multiplier(step: int) -> float:
    """A schedule: every optimizer must follow the rate it is given."""
    return 1 / (1 + 0.1 * (step - 1))


def follow(formula: Formula, shapes: Sequence[tuple[int, ...]], lr: float = LR, wd: float = WD) -> list[Floats]:
    found, memory = weights(shapes), Memory()
    for step in range(1, STEPS + 1):
        eta = multiplier(step)
        found = formula(found, gradients(shapes, step), memory, step, lr * eta, wd, eta)
    return found


def train(
    entry: dict[str, Any], shapes: Sequence[tuple[int, ...]], lr: float = LR, wd: float = WD, steps: int = STEPS
) -> list[Floats]:
    leaves = [nn.Parameter(torch.from_numpy(value)) for value in weights(shapes)]
    optimizer = optimizers.build(leaves, entry, lr, wd)
    for step in range(1, steps + 1):
        for leaf, gradient in zip(leaves, gradients(shapes, step), strict=True):
            leaf.grad = torch.from_numpy(gradient)
        optimizer.param_groups[0]["lr"] = lr * multiplier(step)
        optimizer.step()
    return [leaf.detach().numpy() for leaf in leaves]


def assert_follows(entry: dict[str, Any], formula: Formula) -> None:
    """The program does what the formula says, on one vector and on a model of several tensors."""
    for shapes in MODELS.values():
        for found, expected in zip(train(entry, shapes), follow(formula, shapes), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def assert_same(one: dict[str, Any], other: dict[str, Any], wd_one: float = WD, wd_other: float = WD) -> None:
    """Two entries are one optimizer."""
    for shapes in MODELS.values():
        for a, b in zip(train(one, shapes, wd=wd_one), train(other, shapes, wd=wd_other), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def by_hand(entry: dict[str, Any], start: list[float], steps: list[list[float]], lr: float, wd: float) -> list[float]:
    """Where one vector of double precision goes under the given gradients, lr being constant."""
    leaf = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = optimizers.build([leaf], entry, lr, wd)
    for gradient in steps:
        leaf.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
    return leaf.tolist()


def moments(memory: Memory, g: list[Floats], t: int, beta1: float = 0.9, beta2: float = 0.999) -> tuple[Any, Any]:
    """m̂ and v̂ of Adam, bias-corrected."""
    m = memory["m"] = [beta1 * m + (1 - beta1) * x for m, x in zip(memory.get("m", [0.0] * len(g)), g, strict=True)]
    v = memory["v"] = [beta2 * v + (1 - beta2) * x**2 for v, x in zip(memory.get("v", [0.0] * len(g)), g, strict=True)]
    return [x / (1 - beta1**t) for x in m], [x / (1 - beta2**t) for x in v]


def mean_of_all(values: list[Floats]) -> float:
    return float(np.concatenate([np.ravel(value) for value in values]).mean())


def length_of_all(values: list[Floats]) -> float:
    return float(np.linalg.norm(np.concatenate([np.ravel(value) for value in values])))
