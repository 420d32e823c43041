"""AMSGradS: AMSGrad with AdamS's stable decay."""

from __future__ import annotations

from decay_atlas.training.optimizers.adams import AdamS


class AMSGradS(AdamS):
    """AdamS with v ← max(v, v_max) before v̂ and v̄. Source: S, AMSGradS.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AMSGradS([weights], lr=0.25, weight_decay=1.0)
    >>> (2 * weights.sum()).backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)
    0.625
    """

    amsgrad = True
