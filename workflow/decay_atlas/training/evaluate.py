"""Scoring networks on a part of the data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from decay_atlas.training.batches import CHUNK, Source
from decay_atlas.training.world import World


@dataclass(frozen=True)
class Scores:
    """Mean cross-entropy in nats and accuracy in percent; both None for a part without images."""

    loss: float | None
    accuracy: float | None


def full(logits: Tensor) -> Tensor:
    """Logits of autocast in the precision that losses are computed in."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


@torch.inference_mode()
def evaluate(logits_of: Callable[[Tensor], Tensor], members: int, source: Source, world: World) -> list[Scores]:
    """The scores of `members` networks on every image of `source`.

    `logits_of` maps images (n, …) to the networks' logits, (members, n, classes).
    """
    if not len(source):
        return [Scores(None, None)] * members
    sums = []
    for images, labels in source.scoring(world.share, max(1, CHUNK // members)):
        logits = full(logits_of(images))
        targets = labels.expand(members, -1)
        losses = cross_entropy(logits.transpose(1, 2), targets, reduction="none").sum(1)
        sums.append(torch.stack([losses, (logits.argmax(2) == targets).sum(1).to(losses.dtype)]))
    losses, correct = (world.total(torch.stack(sums).sum(0)) / len(source)).tolist()
    return [Scores(loss, 100 * share) for loss, share in zip(losses, correct, strict=True)]
