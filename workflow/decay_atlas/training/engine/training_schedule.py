"""The course of a run: its epochs, steps and learning rates, known before the first step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

from decay_atlas.training.settings.schedules import multipliers


@dataclass(frozen=True)
class TrainingSchedule:
    """How long a run is and how its learning rate goes."""

    epochs: int
    batch_size: int
    images: int
    """Training images used in an epoch."""
    steps: int
    """Optimizer steps in an epoch."""
    multipliers: list[float]
    """Of the grid's lr, one for every step of the run."""

    @classmethod
    def of(cls, recipe: dict[str, Any], n: int) -> Self:
        """The course of a recipe's runs on `n` training images.

        Raises:
            ValueError: the recipe's schedule makes no sense (see `schedules.multipliers`).
        """
        epochs, batch_size = recipe["epochs"], recipe["batch_size"]
        images = n - 1 if n > 1 and n % batch_size == 1 else n  # batch norm cannot train on a batch of one image
        steps = math.ceil(images / batch_size)
        return cls(epochs, batch_size, images, steps, multipliers(recipe["schedule"], epochs, steps))
