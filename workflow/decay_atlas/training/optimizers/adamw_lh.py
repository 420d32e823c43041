"""AdamW-LH: the decay as Loshchilov and Hutter wrote it, free of the base learning rate."""

from __future__ import annotations

from decay_atlas.training.optimizers.adam_base import AdamBase
from decay_atlas.training.optimizers.base import StepInputs
from decay_atlas.training.optimizers.options import Rate


class AdamWLH(AdamBase):
    """θ ← (1 − wd·η)θ − lr·m̂/(√v̂ + eps), where η = lr / its initial value is the schedule.

    PyTorch's AdamW at weight decay wd / lr₀ is the same.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AdamWLH([weights], lr=0.5, weight_decay=0.25)
    >>> weights.sum().backward()
    >>> optimizer.param_groups[0]["lr"] = 0.25  # the schedule has halved the rate
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.125 − 0.25
    0.625

    Source: D, AdamW-PT and AdamW-LH.
    """

    def decay(self, leaves: StepInputs, second: str) -> Rate:
        """See `AdamBase.decay`."""
        return leaves.schedule * leaves.wd
