"""Adam: decay inside the gradient (L2)."""

from __future__ import annotations

from decay_atlas.training.optimizers.adam_base import AdamBase


class Adam(AdamBase):
    """g ← g + wd·θ enters m and v; θ ← θ − lr·m̂/(√v̂ + eps). Source: S, Adam (L2).

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    >>> optimizer = Adam([weights], lr=0.1, weight_decay=0.5)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights.tolist()]  # the first step of Adam has length lr, whatever the gradient
    [0.9, 1.9]
    """

    coupled = True
