"""Robustness to AutoAttack, four attacks with nothing to tune (Croce and Hein 2020). Source: A, Adversarial."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
from torch import Tensor, nn

from decay_atlas.training.batches import Data, Share
from decay_atlas.training.evaluations.pgd import EPSILON, STEPS, pgd

PACKAGE = "autoattack"


def autoattack(model: nn.Module, data: Data) -> dict[str, Any]:
    """Test accuracy in percent, `clean` and `robust` within ℓ∞ 8/255 of the pixels.

    `attack` says what `robust` was found by: `autoattack` where that package is installed, which this project does
    not do by itself; elsewhere `pgd20`, which is weaker.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        found = pgd(model, data)
        return {"attack": f"pgd{STEPS}", "clean": found["clean"], "robust": found[f"pgd{STEPS}"]}
    attacker = importlib.import_module(PACKAGE).AutoAttack

    def of_pixels(pixels: Tensor) -> Tensor:
        logits: Tensor = model((pixels - data.mean) / data.std)
        return logits

    model.eval()
    clean = robust = 0
    for images, labels in data.test.scoring(Share()):
        pixels = images * data.std + data.mean
        adversary = attacker(
            of_pixels, norm="Linf", eps=EPSILON, version="standard", device=images.device, verbose=False
        )
        attacked = adversary.run_standard_evaluation(pixels, labels, bs=len(labels))
        with torch.no_grad():
            clean += int((of_pixels(pixels).argmax(1) == labels).sum())
            robust += int((of_pixels(attacked).argmax(1) == labels).sum())
    return {"attack": PACKAGE, "clean": 100 * clean / len(data.test), "robust": 100 * robust / len(data.test)}
