"""How well the trained network fits what it was trained on. Source: A, Underfitting."""

from __future__ import annotations

import torch
from torch import nn

from decay_atlas.training.data.batches import Data, Shard


@torch.no_grad()
def train(model: nn.Module, data: Data) -> float:
    """Accuracy in percent on the training images as they are, not augmented, in evaluation mode.

    Labels are those that were trained on, flipped ones among them; images held out for validation do not count.
    """
    model.eval()
    right = [(model(images).argmax(1) == labels).sum() for images, labels in data.train.scoring(Shard())]
    return 100 * int(torch.stack(right).sum()) / len(data.train)
