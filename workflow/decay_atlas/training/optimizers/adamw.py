"""AdamW as published: PyTorch's, whose decay is multiplied by the learning rate."""

from __future__ import annotations

from decay_atlas.training.optimizers.adam_base import AdamBase


class AdamW(AdamBase):
    """θ ← θ − lr·m̂/(√v̂ + eps) − lr·wd·θ. Source: C, Protocol; S, AdamW; D, AdamW-PT and AdamW-LH.

    >>> import torch
    >>> weights = torch.nn.Parameter(torch.ones(2, 3))  # two members of an ensemble
    >>> optimizer = AdamW([weights], lr=torch.tensor([0.5, 0.25]), weight_decay=torch.tensor([0.5, 0.0]))
    >>> weights.sum().backward()
    >>> optimizer.step()
    >>> [round(weight, 4) for weight in weights[:, 0].tolist()]
    [0.25, 0.75]
    """
