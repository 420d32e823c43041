"""The core of SGD's family: a gradient, a momentum, a decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from decay_atlas.training.optimizers.base import EnsembleOptimizer, StepInputs, add_, scale_
from decay_atlas.training.optimizers.options import Rate, within


class SGDBase(EnsembleOptimizer):
    """m ← momentum·m + (1 − dampening)·g, m₀ = 0; θ ← θ − lr·m. Without momentum nothing is kept."""

    counted = False

    def __init__(
        self, parameters: Iterable[Tensor], lr: Rate, weight_decay: Rate = 0.0, momentum: float = 0.9, **options: Any
    ) -> None:
        within("momentum", momentum, 0, 1)
        super().__init__(parameters, lr, weight_decay, momentum=float(momentum), **options)

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial`."""
        return {"momentum_buffer": 0.0} if group["momentum"] else {}

    def update(self, leaves: StepInputs) -> None:
        """See `EnsembleOptimizer.update`."""
        gradients, momentum = self.gradients(leaves), leaves.group["momentum"]
        gain = 1 - leaves.group.get("dampening", 0.0)
        if momentum:
            direction = self.kept("momentum_buffer", leaves)
            torch._foreach_mul_(direction, momentum)
            torch._foreach_add_(direction, gradients, alpha=gain)
        else:
            direction = gradients if gain == 1 else list(torch._foreach_mul(gradients, gain))
        if leaves.group.get("nesterov"):
            direction = list(torch._foreach_add(gradients, direction, alpha=momentum))
        decay = self.decay(leaves)
        if decay is not None:
            scale_(leaves.weights, 1 - decay)
        add_(leaves.weights, direction, -leaves.lr)

    def gradients(self, leaves: StepInputs) -> list[Tensor]:
        """What enters the momentum."""
        return leaves.gradients

    def decay(self, leaves: StepInputs) -> Rate | None:
        """The share of itself that every weight loses outside the gradient."""
        return None
