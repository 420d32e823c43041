"""AMSGrad: Adam with the largest second moment so far; decay inside the gradient (L2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.adaptive import BETAS, EPS, Adaptive, check
from decay_atlas.training.optimizers.options import Rate, is_ensemble


class AMSGrad(Adaptive):
    """Adam (L2) with v ← max(v, v_max) before v̂. Source: S, AMSGrad.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AMSGrad([weights], lr=0.5, weight_decay=0.1)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.5
    """

    coupled = True
    amsgrad = True


def amsgrad(
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    betas: Sequence[float] = BETAS,
    eps: float = EPS,
) -> Optimizer:
    """AMSGrad: PyTorch's for a run alone, `AMSGrad` for an ensemble."""
    if is_ensemble(lr, weight_decay):
        return AMSGrad(parameters, lr, weight_decay, betas, eps)
    check(betas, eps)
    return torch.optim.Adam(
        parameters,
        lr=lr,
        weight_decay=float(weight_decay),
        betas=(betas[0], betas[1]),
        eps=eps,
        amsgrad=True,
        fused=True,
    )
