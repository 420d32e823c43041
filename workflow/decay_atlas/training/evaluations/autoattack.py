"""Robustness to AutoAttack, four attacks with nothing to tune (Croce and Hein 2020). Source: A, Adversarial."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import torch
from torch import Tensor, nn

from decay_atlas.training.data.batches import Data, Shard
from decay_atlas.training.engine.adversarial import AT_ONCE
from decay_atlas.training.evaluations.pgd import EPSILON, STEPS, pgd

PACKAGE = "autoattack"
SEED = 0
"""Of every run's attack; without one AutoAttack takes the time of day."""
TARGETS = 9
"""Wrong classes that the two targeted attacks try, as AutoAttack has it, where there are as many."""
DLR_CLASSES = 4
"""Logits that the loss of the targeted APGD compares."""


def autoattack(model: nn.Module, data: Data) -> dict[str, Any]:
    """Test accuracy in percent, `clean` and `robust` within ℓ∞ 8/255 of the pixels; two calls give the same.

    `attack` says what `robust` was found by: `autoattack`, its standard version (APGD on the cross-entropy, targeted
    APGD, targeted FAB, Square), where its authors' package can be imported. No package index has it:
    `pip install git+https://github.com/fra31/auto-attack`. Elsewhere `pgd20`, which is weaker. With three classes or
    two there is no targeted APGD, `autoattack-without-apgd-t`.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        found = pgd(model, data)
        return {"attack": f"pgd{STEPS}", "clean": found["clean"], "robust": found[f"pgd{STEPS}"]}

    def of_pixels(pixels: Tensor) -> Tensor:
        logits: Tensor = model((pixels - data.mean) / data.std)
        return logits

    adversary = importlib.import_module(PACKAGE).AutoAttack(
        of_pixels, norm="Linf", eps=EPSILON, version="standard", seed=SEED, device=data.mean.device, verbose=False
    )
    adversary.apgd_targeted.n_target_classes = adversary.fab.n_target_classes = min(TARGETS, data.classes - 1)
    whole = data.classes >= DLR_CLASSES
    if not whole:
        adversary.attacks_to_run.remove("apgd-t")

    model.eval()
    clean = robust = 0
    for images, labels in data.test.scoring(Shard()):
        pixels = (images * data.std + data.mean).clamp(0, 1)
        # As it was told when it was attacked: an image just beyond the boundary may be told otherwise in another batch.
        _, told = adversary.run_standard_evaluation(pixels, labels, bs=AT_ONCE, return_labels=True)
        with torch.no_grad():
            clean += int((model(images).argmax(1) == labels).sum())
        robust += int((told == labels).sum())
    attack = PACKAGE if whole else f"{PACKAGE}-without-apgd-t"
    return {"attack": attack, "clean": 100 * clean / len(data.test), "robust": 100 * robust / len(data.test)}
