"""Adversaries who change every pixel a little, uphill in the loss: projected gradient descent.

Source: A, Adversarial.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Generator, Tensor
from torch.nn.functional import cross_entropy

from decay_atlas.training.data.batches import Data
from decay_atlas.training.data.streams import BatchRandom

SHADES = 255
"""Steps of a pixel from black to white, in which a recipe gives the bound and the step."""
AT_ONCE = 1024
"""Images whose gradients are taken at once: WRN-28-10 keeps 18 MB for each, ResNet-50 with a small stem 24."""
InputGradient = Callable[[Tensor], Tensor]
"""The gradient of the loss with respect to images, of their shape."""


@dataclass(frozen=True)
class Attack:
    """PGD within ℓ∞ `epsilon` of the images, both in pixels of 0 … 1; `mean` and `std` are the normalisation's."""

    epsilon: float
    step_size: float
    steps: int
    mean: Tensor
    std: Tensor

    @classmethod
    def of(cls, entry: dict[str, Any], data: Data) -> Self:
        """The attack of a recipe's `adversarial` entry, which counts in shades of 255."""
        return cls(entry["epsilon"] / SHADES, entry["step_size"] / SHADES, entry["steps"], data.mean, data.std)

    def __call__(self, images: Tensor, start: Tensor, input_gradient: InputGradient) -> Tensor:
        """Normalised images (…, channels, size, size), moved from a start in [−1, 1] of the bound, by gradients' signs.

        They stay within the bound and within black and white.
        """
        radius, step = self.epsilon / self.std, self.step_size / self.std
        low = torch.maximum(images - radius, -self.mean / self.std)
        high = torch.minimum(images + radius, (1 - self.mean) / self.std)
        moved = torch.clamp(images + start * radius, low, high)
        for _ in range(self.steps):
            moved = torch.clamp(moved + step * input_gradient(moved).sign(), low, high)
        return moved


def random_start(images: Tensor, generator: Generator) -> Tensor:
    """Numbers in [−1, 1) for every pixel of images (n, channels, size, size), the same on every device."""
    pixels = images[0].numel()
    draw = BatchRandom(generator, len(images)).uniform(-1, 1, pixels)
    return draw.T.reshape(images.shape).to(images)


def gradient_of(logits_of: Callable[[Tensor], Tensor], labels: Tensor) -> InputGradient:
    """The gradient of a network's cross-entropy, summed over the images, of which each is told by itself."""

    def of_part(images: Tensor, labels: Tensor) -> Tensor:
        images = images.detach().requires_grad_()
        with torch.enable_grad():
            loss = cross_entropy(logits_of(images), labels, reduction="sum")
        return torch.autograd.grad(loss, images)[0]

    def input_gradient(images: Tensor) -> Tensor:
        parts = zip(images.split(AT_ONCE), labels.split(AT_ONCE), strict=True)
        return torch.cat([of_part(*part) for part in parts])

    return input_gradient
