"""What an epoch's steps tell, loss, right answers and DoG, added up where it is: on the device, and seldom."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors

from decay_atlas.training.data.tasks import Task
from decay_atlas.training.optimizers.base import PART, norm

HELD = 2**18
"""Outputs that may wait to be counted: a megabyte, an epoch of a small network."""


class MetricAccumulator:
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
        self._correct += self._task.count_correct(torch.cat(outputs, rows), torch.cat(targets, rows))


class DogAccumulator:
    """DoG = λ‖w‖/‖g‖ at every step of an epoch so far, `shape` as of a `MetricAccumulator`. Source: A, AWD.

    ‖w‖ is that of `parameters` before the step, ‖g‖ that of the loss in it, before clipping; every tensor has the
    leading dimensions `shape`. The lengths are kept step by step until the mean is asked for, so that it has the same
    bits whether or not a checkpoint came between.
    """

    def __init__(self, parameters: Sequence[Tensor], shape: tuple[int, ...]) -> None:
        self._shape, self._parameters = shape, [parameter.detach() for parameter in parameters]
        size = sum(parameter.numel() for parameter in parameters)
        # a small network is copied into one vector first, which is faster than a pass over every tensor
        self._one = (
            parameters[0].device.type == "cpu"
            and size <= PART * math.prod(shape)
            and all(parameter.is_contiguous() for parameter in parameters)
        )
        if self._one and shape:
            self._parameters = [parameter.view(*shape, -1) for parameter in self._parameters]
        self._held: list[Tensor] = []

    def add(self, gradients: list[Tensor]) -> None:
        """A step that is about to be taken."""
        if not self._one or len(gradients) < len(self._parameters):
            lengths = [norm(tensors, bool(self._shape)) for tensors in (self._parameters, gradients)]
            self._held.append(torch.stack(lengths, -1))
        elif self._shape:
            flat = [gradient.flatten(1) for gradient in gradients]
            lengths = [torch.linalg.vector_norm(torch.cat(parts, 1), dim=1) for parts in (self._parameters, flat)]
            self._held.append(torch.stack(lengths, -1))
        else:
            both = _flatten_dense_tensors([*self._parameters, *gradients])
            self._held.append(torch.linalg.vector_norm(both.view(2, -1), dim=-1))

    def decayed(self, decay: Tensor) -> None:
        """The step has been taken, with this λ, (*shape,): of an optimizer that sets it anew in every one."""
        weights, gradients = self._held[-1].unbind(-1)
        self._held[-1] = torch.stack([weights * decay, gradients], -1)

    def steps(self) -> Tensor:
        """Lengths of weights (times λ where it was told) and of gradients so far, (*shape, 2, steps)."""
        return torch.stack(self._held, -1) if self._held else self._parameters[0].new_zeros(*self._shape, 2, 0)

    def set(self, steps: Tensor) -> None:
        """Go on from what `steps` returned."""
        self._held = list(steps.unbind(-1))

    def means(self) -> Tensor:
        """Mean ratio of the lengths, (*shape,), over the steps whose gradient is finite and not 0; NaN without any."""
        weights, gradients = self.steps().double().unbind(-2)
        ratios = weights / gradients
        return torch.where(ratios.isfinite() & gradients.isfinite(), ratios, torch.nan).nanmean(-1)
