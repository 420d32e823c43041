"""SGDS: SGDW with a decay that keeps pace with the momentum."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from decay_atlas.training.optimizers.base import StepInputs
from decay_atlas.training.optimizers.options import Rate, within
from decay_atlas.training.optimizers.sgd_base import SGDBase


class SGDS(SGDBase):
    """m ← β₁m + β₃g; θ ← [1 − β₃/(1−β₁)·lr·wd]θ − lr·m. Source: S, SGDS.

    `momentum` is β₁, and β₃ is 1 − `dampening`. Without momentum and dampening it is SGDW.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = SGDS([weights], lr=0.25, weight_decay=0.5, momentum=0.5)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 2 · 0.125 − 0.25
    0.5
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        momentum: float = 0.9,
        dampening: float = 0.0,
    ) -> None:
        within("dampening", dampening, 0, 1)
        super().__init__(parameters, lr, weight_decay, momentum, dampening=float(dampening))

    def decay(self, leaves: StepInputs) -> Rate:
        """See `SGDBase.decay`."""
        return leaves.lr * leaves.wd * ((1 - leaves.group["dampening"]) / (1 - leaves.group["momentum"]))
