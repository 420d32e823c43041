"""AMSGradW: AdamW with the largest second moment so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.adaptive import BETAS, EPS, Adaptive, check
from decay_atlas.training.optimizers.options import Rate, is_ensemble


class AMSGradW(Adaptive):
    """AdamW with v ← max(v, v_max) before v̂. Source: S, AMSGradW.

    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AMSGradW([weights], lr=0.5, weight_decay=0.5)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 − 0.5
    0.25
    """

    amsgrad = True


def amsgradw(
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    betas: Sequence[float] = BETAS,
    eps: float = EPS,
) -> Optimizer:
    """AMSGradW: PyTorch's for a run alone, `AMSGradW` for an ensemble."""
    if is_ensemble(lr, weight_decay):
        return AMSGradW(parameters, lr, weight_decay, betas, eps)
    check(betas, eps)
    return torch.optim.AdamW(
        parameters,
        lr=lr,
        weight_decay=float(weight_decay),
        betas=(betas[0], betas[1]),
        eps=eps,
        amsgrad=True,
        fused=True,
    )
