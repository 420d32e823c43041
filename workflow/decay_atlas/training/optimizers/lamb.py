"""LAMB: Adam's direction, layer by layer as long as the layer's weights."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import BETAS, AdamBase, correction, denominators
from decay_atlas.training.optimizers.base import StepInputs, norm_of, spread, times
from decay_atlas.training.optimizers.options import Rate


class Lamb(AdamBase):
    """r = m̂/(√v̂ + eps) + wd·θ; θ ← θ − lr·(‖θ‖/‖r‖)·r for each tensor; the ratio is 1 where a norm is 0.

    The decay is outside the moments, yet inside the normalised direction. As in the paper the gradient is not
    clipped, and a run without decay is adapted all the same. Source: You et al. 2020.

    >>> weights = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    >>> optimizer = Lamb([weights], lr=0.5, eps=1e-8)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights.tolist()]  # −0.5 · (5 / √2) · (1, 1)
    [1.2322, 2.2322]
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        betas: Sequence[float] = BETAS,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(parameters, lr, weight_decay, betas, eps)

    def decay(self, leaves: StepInputs, second: str) -> None:
        """None here: it is part of the direction."""

    def move(self, leaves: StepInputs, first: list[Tensor], second: list[Tensor]) -> None:
        """See `AdamBase.move`."""
        bias = correction(leaves, 0)
        decay = spread(torch.as_tensor(leaves.wd, dtype=torch.float64), first)
        for weight, numerator, denominator, wd in zip(
            leaves.weights, first, denominators(leaves, second), decay, strict=True
        ):
            direction = numerator / (denominator * bias) + wd * weight
            length, size = norm_of(direction, leaves.ensemble), norm_of(weight, leaves.ensemble)
            trust = torch.where((length > 0) & (size > 0), size / length, 1)
            weight.sub_(direction * spread(times(leaves.lr, trust), [weight])[0])
