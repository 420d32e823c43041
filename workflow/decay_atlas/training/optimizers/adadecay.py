"""AdaDecay: SGD whose L2 coefficient differs from weight to weight with the size of its gradient."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from decay_atlas.training.optimizers.base import StepInputs, added
from decay_atlas.training.optimizers.options import Rate, within
from decay_atlas.training.optimizers.sgd_base import SGDBase


class AdaDecay(SGDBase):
    """SGD with momentum on g + wd·s·θ, s = 2/(1 + exp(−alpha·z)), z = (|g| − mean)/sd of |g| in the tensor.

    alpha = 0 is SGD (L2); z is 0 where all gradients of a tensor have one size.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0, 1.0]))
    >>> optimizer = AdaDecay([weights], lr=0.5, weight_decay=1.0, alpha=100.0)
    >>> (weights * torch.tensor([0.5, 0.0])).sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights.tolist()]  # the first decays twice as fast, the second not at all
    [-0.25, 1.0]

    Source: A, Compared optimizers; Nakamura and Hong 2019 (who normalise gradients layer by layer).
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: Rate,
        weight_decay: Rate = 0.0,
        momentum: float = 0.9,
        alpha: float = 4.0,
    ) -> None:
        within("alpha", alpha, 0)
        super().__init__(parameters, lr, weight_decay, momentum, alpha=float(alpha))

    def gradients(self, leaves: StepInputs) -> list[Tensor]:
        """See `SGDBase.gradients`."""
        alpha = leaves.group["alpha"]
        shares = [
            torch.sigmoid(_normalised(gradient.abs(), leaves.ensemble).mul_(alpha)).mul_(2).mul_(weight)
            for gradient, weight in zip(leaves.gradients, leaves.weights, strict=True)
        ]
        return added(leaves.gradients, shares, leaves.wd)


def _normalised(sizes: Tensor, ensemble: bool) -> Tensor:
    """Sizes less their mean, over their standard deviation; 0 where that is 0."""
    inner = tuple(range(1 if ensemble else 0, sizes.ndim))
    if not inner:
        return torch.zeros_like(sizes)
    spread, mean = torch.std_mean(sizes, dim=inner, correction=0, keepdim=True)
    return torch.where(spread > 0, (sizes - mean) / spread, 0)
