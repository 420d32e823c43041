"""What a network is trained for: to tell classes apart, or to meet numbers. The data set's targets decide.

A task says what a loss is, what counts as a right answer and what a run that failed is worth; nothing else in
training asks which of the two it is.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy


class Task(Protocol):
    """One kind of training."""

    diverged_loss: float
    """A run whose mean loss over an epoch is above this has diverged, as one has whose loss is not finite."""

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """The training loss of a batch, a mean over its rows; `outputs` are (n, k)."""

    def count_correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """How many rows of a batch were answered rightly; `outputs` (n, k), or (members, n, k) of several networks."""

    def sums(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and right answers summed over the rows, (members,) each; `outputs` are (members, n, k)."""

    def accuracy(self, right: float, n: float) -> float | None:
        """Percent, or None where there are no right answers."""

    def chance(self, classes: int, known: NDArray[Any], targets: NDArray[Any]) -> tuple[float | None, float]:
        """Accuracy and loss on `targets` of who knows the training targets, `known`, and sees no input."""

    def check(self, recipe: dict[str, Any]) -> None:
        """Refuse a recipe that makes no sense here.

        Raises:
            ValueError: naming the key.
        """


class Classification:
    """Classes told apart: cross-entropy in nats, and accuracy. Targets are whole numbers, (n,), or shares, (n, k)."""

    diverged_loss = 1e5

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """See `Task.loss`."""
        return cross_entropy(outputs, targets, label_smoothing=smoothing)

    def count_correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """See `Task.right`; of targets that are shares, the largest counts."""
        answers = targets.argmax(-1) if targets.is_floating_point() else targets
        return (outputs.argmax(-1) == answers).sum(-1)

    def sums(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """See `Task.sums`."""
        targets = targets.expand(len(outputs), -1)
        losses = cross_entropy(outputs.transpose(1, 2), targets, reduction="none").sum(1)
        return losses, self.count_correct(outputs, targets)

    def accuracy(self, right: float, n: float) -> float | None:
        """See `Task.accuracy`."""
        return 100 * right / n

    def chance(self, classes: int, known: NDArray[Any], targets: NDArray[Any]) -> tuple[float | None, float]:
        """A guess among the classes."""
        return 100 / classes, math.log(classes)

    def check(self, recipe: dict[str, Any]) -> None:
        """See `Task.check`; every recipe will do."""


class Regression:
    """Numbers met: the mean over rows of the squared error, ‖Aw − b‖²/n in ridge regression.

    Targets are (n,).

    No loss is too large, because targets have a scale of their own.

    Source: D, Ridge experiment.
    """

    diverged_loss = math.inf
    images_only = ("augment", "label_noise", "label_smoothing", "mixup", "cutmix", "adversarial")

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """See `Task.loss`; there is no smoothing (see `check`)."""
        return (outputs.squeeze(1) - targets).square().mean()

    def count_correct(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """None of them: nothing is counted."""
        return torch.zeros(outputs.shape[:-2], dtype=torch.int64, device=outputs.device)

    def sums(self, outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """See `Task.sums`."""
        losses = (outputs.squeeze(2) - targets).square().sum(1)
        return losses, self.count_correct(outputs, targets)

    def accuracy(self, right: float, n: float) -> float | None:
        """See `Task.accuracy`."""
        return None

    def chance(self, classes: int, known: NDArray[Any], targets: NDArray[Any]) -> tuple[float | None, float]:
        """The mean of the known targets, whatever the input."""
        return None, float(np.mean((np.asarray(targets, float) - np.mean(known, dtype=float)) ** 2))

    def check(self, recipe: dict[str, Any]) -> None:
        """See `Task.check`."""
        for key in self.images_only:
            if recipe.get(key):
                raise ValueError(f"recipe: {key} is for images with classes, and these data have numbers; leave it out")


def task_of(targets: NDArray[Any]) -> Task:
    """The task that a data set's targets make: fractions are numbers to meet, whole numbers are classes."""
    return Regression() if targets.dtype.kind == "f" else Classification()
