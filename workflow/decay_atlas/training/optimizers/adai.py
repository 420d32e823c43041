"""Adai: momentum that adapts to each parameter, and no adaptive learning rate; decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from decay_atlas.training.optimizers.options import Rate, pair, within
from decay_atlas.training.optimizers.stacked import Leaves, Stacked, add_, added, mean, scale_, scaled


class Adai(Stacked):
    """β₁ₜ = clip(1 − β₀·v̂/v̄, 0, 1 − eps), element by element; m ← β₁ₜm + (1−β₁ₜ)g; θ ← θ − lr·m/(1 − Πβ₁ₖ).

    v̄ is the mean of v̂ over the whole model, g holds wd·θ, `betas` are β₀ and β₂. While v̄ is 0, v̂/v̄ counts
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
        super().__init__(parameters, lr, weight_decay, betas=pair("betas", betas), eps=float(eps))

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `Stacked.initial`."""
        return {"exp_avg": 0.0, "exp_avg_sq": 0.0, "beta1_prod": 1.0}

    def update(self, leaves: Leaves) -> None:
        """See `Stacked.update`."""
        beta0, beta2 = leaves.group["betas"]
        gradients = leaves.gradients
        if self.coupled:
            gradients = added(gradients, leaves.weights, leaves.wd)
        else:
            scale_(leaves.weights, 1 - leaves.lr * leaves.wd)
        first, second = self.kept("exp_avg", leaves), self.kept("exp_avg_sq", leaves)
        torch._foreach_mul_(second, beta2)
        torch._foreach_addcmul_(second, gradients, gradients, 1 - beta2)
        average = mean(second, leaves.ensemble)  # the bias corrections of v̂ and v̄ cancel
        if_nothing_yet = torch.where(average > 0, 0, 1).to(average)
        share = scaled(second, 1 / (average + if_nothing_yet))
        add_(share, [torch.ones_like(one) for one in share], if_nothing_yet)
        gain = scaled(share, beta0)  # 1 − β₁ₜ
        torch._foreach_clamp_min_(gain, leaves.group["eps"])
        torch._foreach_clamp_max_(gain, 1)
        torch._foreach_lerp_(first, gradients, gain)
        product = self.kept("beta1_prod", leaves)
        remaining = list(torch._foreach_neg(gain))
        torch._foreach_add_(remaining, 1)
        torch._foreach_mul_(product, remaining)
        rest = list(torch._foreach_neg(product))
        torch._foreach_add_(rest, 1)
        add_(leaves.weights, list(torch._foreach_div(first, rest)), -leaves.lr)
