"""AdamW as published: PyTorch's, whose decay is multiplied by the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.optim import Optimizer

from decay_atlas.training.optimizers.adaptive import BETAS, EPS, Adaptive, check
from decay_atlas.training.optimizers.options import Rate, is_ensemble


class AdamW(Adaptive):
    """θ ← θ − lr·m̂/(√v̂ + eps) − lr·wd·θ. Source: C, Protocol; S, AdamW; D, AdamW-PT.

    >>> weights = torch.nn.Parameter(torch.ones(2, 3))  # two members of an ensemble
    >>> optimizer = AdamW([weights], lr=torch.tensor([0.5, 0.25]), weight_decay=torch.tensor([0.5, 0.0]))
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights[:, 0].tolist()]
    [0.25, 0.75]
    """


def adamw(
    parameters: Iterable[Tensor],
    lr: Rate,
    weight_decay: Rate = 0.0,
    betas: Sequence[float] = BETAS,
    eps: float = EPS,
) -> Optimizer:
    """AdamW: PyTorch's for a run alone, `AdamW` for an ensemble."""
    if is_ensemble(lr, weight_decay):
        return AdamW(parameters, lr, weight_decay, betas, eps)
    check(betas, eps)
    # fused is one kernel over all tensors, on CPU too: at demo size it halves the cost of a step
    return torch.optim.AdamW(
        parameters, lr=lr, weight_decay=float(weight_decay), betas=(betas[0], betas[1]), eps=eps, fused=True
    )
