"""Yogi: Adam whose second moment moves by g², however far off it is; decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import BETAS, AdamBase
from decay_atlas.training.optimizers.options import Rate, within


class Yogi(AdamBase):
    """Adam (L2) with v ← v − (1−β₂)·sign(v − g²)·g², v₀ = `initial_accumulator`. Source: S, Compared.

    Bias-corrected as Adam, with eps 1e-3 as its authors advise (Zaheer et al. 2018).

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = Yogi([weights], lr=0.5, eps=1e-8, initial_accumulator=0.0)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.5
    """

    coupled = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = 1e-3,
        initial_accumulator: float = 1e-6,
    ) -> None:
        within("initial_accumulator", initial_accumulator, 0)
        super().__init__(parameters, lr, weight_decay, betas, eps, initial_accumulator=float(initial_accumulator))

    def initial(self, group: dict[str, Any]) -> dict[str, float]:
        """See `EnsembleOptimizer.initial`."""
        return {"exp_avg": 0.0, "exp_avg_sq": group["initial_accumulator"]}

    def second_moment(self, second: list[Tensor], gradients: list[Tensor], beta2: float) -> None:
        """See `AdamBase.second_moment`."""
        squares = torch._foreach_mul(gradients, gradients)
        signs = torch._foreach_sign(torch._foreach_sub(second, squares))
        torch._foreach_addcmul_(second, signs, squares, -(1 - beta2))
