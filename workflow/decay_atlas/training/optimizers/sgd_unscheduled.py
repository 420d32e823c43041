"""SGD whose decay knows neither the learning rate nor its schedule."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor

from decay_atlas.training.optimizers.base import StepInputs
from decay_atlas.training.optimizers.options import Rate
from decay_atlas.training.optimizers.sgd_base import SGDBase


class SGDUnscheduled(SGDBase):
    """m ← momentum·m + g; θ ← (1 − wd)θ − lr·m: wd itself is the share lost at a step. Source: S, SGD form 1.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = SGDUnscheduled([weights], lr=0.25, weight_decay=0.25)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.5
    """

    def __init__(self, parameters: Iterable[Tensor], lr: Rate, weight_decay: Rate = 0.0, momentum: float = 0.9) -> None:
        super().__init__(parameters, lr, weight_decay, momentum)

    def decay(self, leaves: StepInputs) -> Rate:
        """See `SGDBase.decay`."""
        return leaves.wd
