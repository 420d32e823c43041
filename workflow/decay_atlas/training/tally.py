"""Loss and right answers of an epoch's steps, added up where they are: on the device, and seldom."""

from __future__ import annotations

import torch
from torch import Tensor

from decay_atlas.training.tasks import Task

HELD = 2**18
"""Outputs that may wait to be counted: a megabyte, an epoch of a small network."""


class Tally:
    """The sums of an epoch so far, `shape` being () for one network and (members,) for several.

    A step only hands over what it has. A small operation costs ten times as much after a backward pass, which has
    emptied the caches, as among its like; and to read a number back at every step would stall a GPU.
    """

    def __init__(self, task: Task, shape: tuple[int, ...], device: torch.device) -> None:
        self._task = task
        self._loss = torch.zeros(shape, device=device)
        self._correct = torch.zeros(shape, dtype=torch.int64, device=device)
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []
        self._held = 0

    def add(self, loss: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """A batch, or a part of one: its mean loss (*shape,), outputs (*shape, n, k) and targets (*shape, n, …)."""
        self._waiting.append((loss, outputs, targets))
        self._held += outputs.numel()
        if self._held >= HELD:
            self._count()

    def sums(self) -> tuple[Tensor, Tensor]:
        """Loss and right answers, each (*shape,), summed over all images so far."""
        self._count()
        return self._loss, self._correct

    def set(self, loss: Tensor, correct: Tensor) -> None:
        """Go on from these sums."""
        self._loss, self._correct = loss, correct

    @torch.no_grad()
    def _count(self) -> None:
        if not self._waiting:
            return
        losses, outputs, targets = zip(*self._waiting, strict=True)
        self._waiting, self._held = [], 0
        rows = self._loss.ndim
        for loss, batch in zip(losses, outputs, strict=True):
            self._loss += loss * batch.shape[rows]
        self._correct += self._task.right(torch.cat(outputs, rows), torch.cat(targets, rows))
