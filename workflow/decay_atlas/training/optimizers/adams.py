"""AdamS: AdamW with a decay that is as adaptive as the step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import BETAS, EPS, AdamBase, correction
from decay_atlas.training.optimizers.base import StepInputs, mean, times
from decay_atlas.training.optimizers.options import Rate, within


class AdamS(AdamBase):
    """θ ← θ − lr·m̂/(√v̂ + eps) − lr·wd·v̄^(−p)·θ, v̄ the mean of v̂ over the whole model. Source: S, AdamS.

    p = 0 is AdamW. Where v̄ = 0 no gradient has ever been seen, there is no scale to decay by, and with p > 0
    nothing decays.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AdamS([weights], lr=0.25, weight_decay=1.0)
    >>> (2 * weights.sum()).backward()  # √v̄ = 2: the decay is 0.25 · 1 / 2
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.125 − 0.25
    0.625
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = EPS,
        p: float = 0.5,
    ) -> None:
        within("p", p, 0)
        super().__init__(parameters, lr, weight_decay, betas, eps, p=float(p))

    def decay(self, leaves: StepInputs, second: str) -> Rate:
        """See `AdamBase.decay`."""
        rate, p = leaves.lr * leaves.wd, leaves.group["p"]
        if p == 0:
            return rate
        average = mean(self.kept(second, leaves), leaves.ensemble) / correction(leaves, 1)
        return torch.where(average > 0, times(rate, average ** (-p)), 0)
