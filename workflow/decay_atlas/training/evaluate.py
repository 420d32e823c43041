"""Scoring a network on a part of the data set."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from decay_atlas.training.batches import Source


@dataclass(frozen=True)
class Scores:
    """Mean cross-entropy in nats and accuracy in percent; both None for a part without images."""

    loss: float | None
    accuracy: float | None


@torch.inference_mode()
def evaluate(model: nn.Module, source: Source, autocast: torch.autocast) -> Scores:
    """Score `model`, put into evaluation mode, on every image of `source`."""
    if not len(source):
        return Scores(None, None)
    model.eval()
    loss_sums, n_correct = [], []
    for images, labels in source.scoring():
        with autocast:
            logits = model(images)
        loss_sums.append(cross_entropy(logits.float(), labels, reduction="sum"))
        n_correct.append((logits.argmax(1) == labels).sum())
    loss, correct = torch.stack(loss_sums).sum().item(), int(torch.stack(n_correct).sum().item())
    return Scores(loss / len(source), 100 * correct / len(source))
