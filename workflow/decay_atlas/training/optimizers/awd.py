"""Adaptive weight decay (AWD): SGD whose L2 coefficient follows the ratio of gradient to weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from decay_atlas.training.optimizers.base import StepInputs, added, norm, times
from decay_atlas.training.optimizers.options import Rate, within
from decay_atlas.training.optimizers.sgd_base import SGDBase


class AWD(SGDBase):
    """λ = DoG·‖g‖/‖θ‖ over the whole model; λ̄ ← s·λ̄ + (1−s)λ, λ̄₀ = 0; SGD with momentum on g + λ̄θ. Source: A, AWD.

    **The weight decay it is given is DoG**, 0.016 or so; s is `smoothing`. The gradient must be that of the
    loss alone. λ is 0 where the weights are.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AWD([weights], lr=0.25, weight_decay=0.5, smoothing=0.0)
    >>> (2 * weights.sum()).backward()  # λ = 0.5 · 2 / 1
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 · (2 + 1)
    0.25
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        momentum: float = 0.9,
        smoothing: float = 0.1,
    ) -> None:
        within("smoothing", smoothing, 0, 1)
        super().__init__(parameters, lr, weight_decay, momentum, smoothing=float(smoothing))

    def initial_of_model(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial_of_model`."""
        return {"decay": 0.0}

    def gradients(self, leaves: StepInputs) -> list[Tensor]:
        """See `SGDBase.gradients`."""
        size = norm(leaves.weights, leaves.ensemble)
        now = times(leaves.wd, norm(leaves.gradients, leaves.ensemble) / size)
        now = torch.where(size > 0, now, 0)
        average, smoothing = self.state[leaves.weights[0]]["decay"], leaves.group["smoothing"]
        average.mul_(smoothing).add_(now, alpha=1 - smoothing)
        return added(leaves.gradients, leaves.weights, average)
