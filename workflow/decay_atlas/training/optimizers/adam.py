"""Adam: decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.adaptive import BETAS, EPS, Adaptive, check
from decay_atlas.training.optimizers.options import Rate, is_ensemble


class Adam(Adaptive):
    """g ← g + wd·θ enters m and v; θ ← θ − lr·m̂/(√v̂ + eps). Source: S, Adam (L2).

    >>> weights = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    >>> optimizer = Adam([weights], lr=0.1, weight_decay=0.5)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights.tolist()]  # the first step of Adam has length lr, whatever the gradient
    [0.9, 1.9]
    """

    coupled = True


def adam(
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    betas: Sequence[float] = BETAS,
    eps: float = EPS,
) -> Optimizer:
    """Adam: PyTorch's for a run alone, `Adam` for an ensemble."""
    if is_ensemble(lr, weight_decay):
        return Adam(parameters, lr, weight_decay, betas, eps)
    check(betas, eps)
    return torch.optim.Adam(
        parameters, lr=lr, weight_decay=float(weight_decay), betas=(betas[0], betas[1]), eps=eps, fused=True
    )
