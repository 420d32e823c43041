"""SGD with momentum, decay inside the gradient (L2)."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD


def sgd(parameters: list[nn.Parameter], lr: float, wd: float, momentum: float = 0.9, nesterov: bool = False) -> SGD:
    """m ← momentum·m + g + wd·θ; θ ← θ − lr·m. Source: C, Robustness checks; S, SGD (L2)."""
    return SGD(parameters, lr=lr, weight_decay=wd, momentum=momentum, nesterov=nesterov, fused=True)
