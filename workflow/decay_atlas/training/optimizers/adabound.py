"""AdaBound: Adam's rates between bounds that close in on SGD's; decay inside the gradient (L2)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import BETAS, EPS, AdamBase, correction
from decay_atlas.training.optimizers.base import StepInputs, spread
from decay_atlas.training.optimizers.options import Rate, within


class AdaBound(AdamBase):
    """θ ← θ − clip(lr·√(1−β₂ᵗ)/(1−β₁ᵗ)/(√v + eps), lower, upper)·m, m and v those of Adam (L2).

    lower = f·(1 − 1/(γt + 1)) and upper = f·(1 + 1/(γt)), where f is `final_lr` as the schedule has changed it
    and γ is `gamma`. Source: S, Compared; Luo et al. 2019.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AdaBound([weights], lr=0.5, final_lr=0.5, gamma=1e12)  # at once SGD at final_lr
    >>> (10 * weights.sum()).backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.5 · (1 − 0.9) · 10
    0.5
    """

    coupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = EPS,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
    ) -> None:
        within("final_lr", final_lr, 0, above=True)
        within("gamma", gamma, 0, above=True)
        super().__init__(parameters, lr, weight_decay, betas, eps, final_lr=float(final_lr), gamma=float(gamma))

    def move(self, leaves: StepInputs, first: list[Tensor], second: list[Tensor]) -> None:
        """See `AdamBase.move`."""
        group, time = leaves.group, leaves.group["gamma"] * leaves.step
        target = torch.as_tensor(leaves.schedule * group["final_lr"], dtype=torch.float64)
        rate = torch.as_tensor(
            leaves.lr * math.sqrt(correction(leaves, 1)) / correction(leaves, 0), dtype=torch.float64
        )
        bounds = (spread(target * (1 - 1 / (time + 1)), first), spread(target * (1 + 1 / time), first))
        for weight, mean, square, scale, low, high in zip(
            leaves.weights, first, second, spread(rate, first), *bounds, strict=True
        ):
            weight.sub_((scale / (square.sqrt() + group["eps"])).clamp_(low, high).mul_(mean))
