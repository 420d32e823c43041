"""AMSGradW: AdamW with the largest second moment so far."""

from __future__ import annotations

from decay_atlas.training.optimizers.adam_base import AdamBase


class AMSGradW(AdamBase):
    """AdamW with v ← max(v, v_max) before v̂. Source: S, AMSGradW.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AMSGradW([weights], lr=0.5, weight_decay=0.5)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 − 0.5
    0.25
    """

    amsgrad = True
