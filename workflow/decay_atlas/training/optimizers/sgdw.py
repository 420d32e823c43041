"""SGDW: SGD with momentum, decay outside the gradient, times the learning rate."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from decay_atlas.training.optimizers.base import StepInputs
from decay_atlas.training.optimizers.options import Rate
from decay_atlas.training.optimizers.sgd_base import SGDBase


class SGDW(SGDBase):
    """m ← momentum·m + g; θ ← (1 − lr·wd)θ − lr·m. Source: S, SGDW.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = SGDW([weights], lr=0.25, weight_decay=1.0)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.5
    """

    def __init__(self, parameters: Iterable[Tensor], lr: Rate, weight_decay: Rate = 0.0, momentum: float = 0.9) -> None:
        super().__init__(parameters, lr, weight_decay, momentum)

    def decay(self, leaves: StepInputs) -> Rate:
        """See `SGDBase.decay`."""
        return leaves.lr * leaves.wd
