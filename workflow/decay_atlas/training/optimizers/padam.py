"""Padam: AMSGrad with a power of the second moment between SGD's and Adam's; decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import BETAS, EPS, AdamBase, correction, denominators, step
from decay_atlas.training.optimizers.base import StepInputs
from decay_atlas.training.optimizers.options import Rate, within


class Padam(AdamBase):
    """AMSGrad (L2) with θ ← θ − lr·m̂/(√v̂ + eps)^(2p); p = 1/2 is AMSGrad. Source: S, Compared; Chen et al. 2020.

    Bias-corrected as Adam, which the paper's algorithm is not. S gives it lr 0.01.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = Padam([weights], lr=0.25, p=0.25)
    >>> (16 * weights.sum()).backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 · 16 / √16
    0.0
    """

    coupled = True
    amsgrad = True

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = EPS,
        p: float = 0.125,
    ) -> None:
        within("p", p, 0)
        super().__init__(parameters, lr, weight_decay, betas, eps, p=float(p))

    def move(self, leaves: StepInputs, first: list[Tensor], second: list[Tensor]) -> None:
        """See `AdamBase.move`."""
        roots = denominators(leaves, second)
        torch._foreach_pow_(roots, 2 * leaves.group["p"])
        step(leaves, first, roots, leaves.lr / correction(leaves, 0))
