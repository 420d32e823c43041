"""Lion: the sign of an average of gradients; decay outside, times the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from decay_atlas.training.optimizers.base import EnsembleOptimizer, StepInputs, add_, scale_
from decay_atlas.training.optimizers.options import Rate, pair


class Lion(EnsembleOptimizer):
    """θ ← (1 − lr·wd)θ − lr·sign(β₁m + (1−β₁)g), then m ← β₂m + (1−β₂)g. Source: Chen et al. 2023.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = Lion([weights], lr=0.25, weight_decay=1.0)
    >>> (weights * torch.tensor([5.0, -0.1])).sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights.tolist()]
    [0.5, 1.0]
    """

    counted = False

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = (0.9, 0.99),
    ) -> None:
        super().__init__(parameters, lr, weight_decay, betas=pair("betas", betas))

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial`."""
        return {"exp_avg": 0.0}

    def update(self, leaves: StepInputs) -> None:
        """See `EnsembleOptimizer.update`."""
        beta1, beta2 = leaves.group["betas"]
        for part in leaves.parts():
            average = self.kept("exp_avg", part)
            direction = torch._foreach_sign(torch._foreach_lerp(average, part.gradients, 1 - beta1))
            scale_(part.weights, 1 - part.lr * part.wd)
            add_(part.weights, list(direction), -part.lr)
            torch._foreach_lerp_(average, part.gradients, 1 - beta2)
