"""Robustness to an attacker who changes every pixel a little. Source: A, Adversarial."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from decay_atlas.training.data.batches import Data, Shard
from decay_atlas.training.engine.adversarial import Attack, gradient_of

EPSILON = 8 / 255
STEP = 2 / 255
STEPS = 20


def pgd(model: nn.Module, data: Data) -> dict[str, float]:
    """Test accuracy in percent, `clean` and under PGD-20 within ℓ∞ 8/255 of the pixels, as `pgd20`."""
    model.eval()
    chance = torch.Generator().manual_seed(0)
    clean = robust = 0
    for images, labels in data.test.scoring(Shard()):
        attacked = attack(model, images, labels, data.mean, data.std, STEPS, chance)
        with torch.no_grad():
            clean += int((model(images).argmax(1) == labels).sum())
            robust += int((model(attacked).argmax(1) == labels).sum())
    return {"clean": 100 * clean / len(data.test), f"pgd{STEPS}": 100 * robust / len(data.test)}


def attack(
    model: nn.Module, images: Tensor, labels: Tensor, mean: Tensor, std: Tensor, steps: int, chance: torch.Generator
) -> Tensor:
    """Normalised images (n, channels, size, size) attacked from a random start; `mean`, `std` (1, channels, 1, 1)."""
    start = torch.empty(images.shape).uniform_(-1, 1, generator=chance).to(images.device)
    return Attack(EPSILON, STEP, steps, mean, std)(images, start, gradient_of(model, labels))
