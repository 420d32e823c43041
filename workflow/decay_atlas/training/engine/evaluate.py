"""Scoring networks on a part of the data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from decay_atlas.training.data.batches import CHUNK, Source
from decay_atlas.training.data.tasks import Task
from decay_atlas.training.engine.distributed import DistributedContext


@dataclass(frozen=True)
class Scores:
    """Mean loss, and accuracy in percent; both None for a part without images, the latter where nothing is right."""

    loss: float | None
    accuracy: float | None


def full(logits: Tensor) -> Tensor:
    """Logits of autocast in the precision that losses are computed in."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


@torch.inference_mode()
def evaluate(
    logits_of: Callable[[Tensor], Tensor], members: int, source: Source, task: Task, world: DistributedContext
) -> list[Scores]:
    """The scores of `members` networks on every image of `source`.

    `logits_of` maps images (n, …) to the networks' logits, (members, n, classes).
    """
    if not len(source):
        return [Scores(None, None)] * members
    sums = []
    for images, labels in source.scoring(world.shard, max(1, CHUNK // members)):
        logits = full(logits_of(images))
        losses, correct = task.sums(logits, labels)
        sums.append(torch.stack([losses, correct.to(losses.dtype)]))
    means = (world.total(torch.stack(sums).sum(0)) / len(source)).tolist()
    return [Scores(loss, task.accuracy(share, 1)) for loss, share in zip(*means, strict=True)]
