"""RAdam: Adam whose step is rectified while its second moment is uncertain; decay inside the gradient (L2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from decay_atlas.training.optimizers.adam_base import AdamBase, correction, step
from decay_atlas.training.optimizers.base import StepInputs, add_


class RAdam(AdamBase):
    """Adam (L2) with steps times r_t once the variance of 1/√v is tractable, and −lr·m̂ until then.

    ρ∞ = 2/(1−β₂) − 1; ρ_t = ρ∞ − 2tβ₂ᵗ/(1−β₂ᵗ); r_t² = (ρ_t−4)(ρ_t−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ_t) where
    ρ_t > 5. As PyTorch's RAdam: eps is added to √v before its bias correction, and the decay is in the gradient,
    while the authors' own program decays by lr·wd outside of it. Source: S, Compared; Liu et al. 2020.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = RAdam([weights], lr=0.25, weight_decay=1.0)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # the first steps are those of SGD: 1 − 0.25 · (1 + 1)
    0.5
    """

    coupled = True

    def move(self, leaves: StepInputs, first: list[Tensor], second: list[Tensor]) -> None:
        """See `AdamBase.move`."""
        beta2, t = leaves.group["betas"][1], leaves.step
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / correction(leaves, 1)
        rate = leaves.lr / correction(leaves, 0)
        if length <= 5:
            add_(leaves.weights, first, -rate)
            return
        rectified = (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)
        roots = list(torch._foreach_sqrt(second))
        torch._foreach_add_(roots, leaves.group["eps"])
        step(leaves, first, roots, rate * math.sqrt(rectified * correction(leaves, 1)))
