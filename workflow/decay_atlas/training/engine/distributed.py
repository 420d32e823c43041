"""The processes that train one run together: one, or several under torchrun, a device each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed

from decay_atlas.training.data.batches import Shard

T = TypeVar("T")
PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: the first of them also writes records and runs evaluations."""


@dataclass(frozen=True)
class DistributedContext:
    """This process among those that share a run."""

    rank: int = 0
    size: int = 1

    @property
    def shard(self) -> Shard:
        """Its part of every batch."""
        return Shard(self.rank, self.size)

    @property
    def first(self) -> bool:
        """Whether it is the one that writes."""
        return self.rank == 0

    def total(self, numbers: Tensor) -> Tensor:
        """The sum over all processes, in every one of them."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def agreed(self, thing: T) -> T:
        """What the first process says, in every one of them."""
        if self.size == 1:
            return thing
        things = [thing]
        distributed.broadcast_object_list(things)
        return things[0]

    def highest(self, numbers: Tensor) -> Tensor:
        """The highest of each number over all processes, in every one of them."""
        if self.size > 1:
            # NCCL wants its own device's memory
            numbers = numbers.to("cuda" if distributed.get_backend() == "nccl" else "cpu")
            distributed.all_reduce(numbers, distributed.ReduceOp.MAX)
        return numbers


@contextmanager
def joined(device: torch.device) -> Iterator[DistributedContext]:
    """The world torchrun's environment describes; a world of one outside torchrun."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield DistributedContext()
        return
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield DistributedContext(distributed.get_rank(), size)
    finally:
        distributed.destroy_process_group()
