"""Adaptive sharpness-aware minimisation: SAM in units of each weight."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.options import within
from decay_atlas.training.optimizers.sam import SAM


class ASAM(SAM):
    """SAM with ε = rho·T²g/‖Tg‖, T = |θ| + eta for every parameter. Source: A, Compared optimizers; Kwon et al. 2021.

    >>> weights = torch.nn.Parameter(torch.tensor([2.0]))
    >>> optimizer = ASAM(torch.optim.SGD([weights], lr=0.25), rho=1.0, eta=0.0)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = (weights**2).sum() / 2
    ...     loss.backward()
    ...     return loss
    >>> _ = closure()
    >>> _ = optimizer.step(closure)
    >>> round(weights.item(), 4)  # 2 − 0.25 · (2 + 2)
    1.0
    """

    def __init__(self, base: Optimizer, rho: float = 0.5, eta: float = 0.01) -> None:
        within("eta", eta, 0)
        super().__init__(base, rho)
        self.eta = float(eta)

    def scales(self, weights: list[Tensor]) -> list[Tensor]:
        """See `SAM.scales`."""
        units = list(torch._foreach_abs(weights))
        torch._foreach_add_(units, self.eta)
        return units
