"""Adai: momentum that adapts to each parameter, and no adaptive learning rate; decay inside the gradient (L2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from decay_atlas.training.optimizers.base import (
    EnsembleOptimizer,
    StepInputs,
    add_,
    added,
    mean,
    scale_,
    scaled,
    spread,
)
from decay_atlas.training.optimizers.options import Rate, pair, within


class Adai(EnsembleOptimizer):
    """β₁ₜ = clip(1 − β₀·v̂/v̄, 0, 1 − eps), element by element; m ← β₁ₜm + (1−β₁ₜ)g; θ ← θ − lr·m/(1 − Πβ₁ₖ).

    v̄ is the mean of v̂ over the whole model, g holds wd·θ, `betas` are β₀ ≥ 0 and β₂ < 1. While v̄ is 0, v̂/v̄ counts
    as 1. Source: S, Adai.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = Adai([weights], lr=0.25, weight_decay=1.0)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 · (1 + 1)
    0.5
    """

    coupled: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = (0.1, 0.99),
        eps: float = 1e-3,
    ) -> None:
        within("eps", eps, 0, 1, above=True)
        beta0, beta2 = pair("betas", betas, high=math.inf)
        within("betas[1]", beta2, 0, 1)
        super().__init__(parameters, lr, weight_decay, betas=(beta0, beta2), eps=float(eps))

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial`."""
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0, "beta1_prod": 1.0}

    def update(self, leaves: StepInputs) -> None:
        """See `EnsembleOptimizer.update`."""
        beta0, beta2 = leaves.group["betas"]
        for part in leaves.parts():
            second, gradients = self.kept("exp_avg_sq", part), self._gradients(part)
            torch._foreach_mul_(second, beta2)
            torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        average = mean(self.kept("exp_avg_sq", leaves), leaves.ensemble)  # the bias corrections of v̂ and v̄ cancel
        scale = torch.where(average > 0, beta0 / average, 0)
        floor = torch.where(average > 0, 0, beta0).to(average)
        for part in leaves.parts():
            self._move(part, self._gradients(part), scale, floor)

    def _gradients(self, part: StepInputs) -> list[Tensor]:
        return added(part.gradients, part.weights, part.wd) if self.coupled else part.gradients

    def _move(self, part: StepInputs, gradients: list[Tensor], scale: Tensor, floor: Tensor) -> None:
        if not self.coupled:
            scale_(part.weights, 1 - part.lr * part.wd)
        gain = scaled(self.kept("exp_avg_sq", part), scale)  # 1 − β₁ₜ
        torch._foreach_add_(gain, spread(floor, gain))
        torch._foreach_clamp_min_(gain, part.group["eps"])
        torch._foreach_clamp_max_(gain, 1)
        first, product = self.kept("exp_avg", part), self.kept("beta1_prod", part)
        torch._foreach_lerp_(first, gradients, gain)
        torch._foreach_neg_(gain)
        torch._foreach_add_(gain, 1)
        torch._foreach_mul_(product, gain)
        rest = list(torch._foreach_neg(product))
        torch._foreach_add_(rest, 1)
        add_(part.weights, list(torch._foreach_div(first, rest)), -part.lr)
