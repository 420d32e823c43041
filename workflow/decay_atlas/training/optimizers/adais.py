"""AdaiS, also called AdaiW: Adai with its decay outside the gradient."""

from __future__ import annotations

from decay_atlas.training.optimizers.adai import Adai


class AdaiS(Adai):
    """Adai with g free of the decay, and −lr·wd·θ instead. Source: S, AdaiS.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.tensor([1.0]))
    >>> optimizer = AdaiS([weights], lr=0.25, weight_decay=1.0)
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> round(weights.item(), 4)  # 1 − 0.25 − 0.25
    0.5
    """

    coupled = False
