"""AMSGrad: Adam with the largest second moment so far; decay inside the gradient (L2)."""

from __future__ import annotations

from decay_atlas.training.optimizers.adam_base import AdamBase


class AMSGrad(AdamBase):
    """Adam (L2) with v ← max(v, v_max) before v̂. Source: S, AMSGrad.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AMSGrad([weights], lr=0.5, weight_decay=0.1)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.5
    """

    coupled = True
    amsgrad = True
