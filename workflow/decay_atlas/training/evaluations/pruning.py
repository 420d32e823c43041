"""How much of a network can be removed: global pruning by magnitude. Source: A, Global ℓ1 pruning."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils import prune

from decay_atlas.training.data.batches import Data, Shard

SHARES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@torch.no_grad()
def pruning(model: nn.Module, data: Data) -> dict[str, float]:
    """Test accuracy in percent by the share of weights set to 0, the smallest of all layers together.

    The weights of linear and convolutional layers count, biases and norms stay.
    """
    found = {}
    for share in SHARES:
        pruned = copy.deepcopy(model).eval()
        layers = [(layer, "weight") for layer in pruned.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
        prune.global_unstructured(layers, pruning_method=prune.L1Unstructured, amount=share)
        right = [(pruned(images).argmax(1) == labels).sum() for images, labels in data.test.scoring(Shard())]
        found[f"{share:g}"] = 100 * int(torch.stack(right).sum()) / len(data.test)
    return found
