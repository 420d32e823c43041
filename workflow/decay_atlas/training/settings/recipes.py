"""What in a recipe does not go together, told before anything is trained. Standard library only: studies are checked
with it too."""

from __future__ import annotations

from typing import Any

from decay_atlas.training.settings import pretrained

AROUND = ("sam", "asam")
"""Optimizers around another, which their option `base` names."""


def is_adaptive(recipe: dict[str, Any]) -> bool:
    """Whether the recipe's optimizer is AWD, alone or inside (A)SAM."""
    entry = recipe["optimizer"]
    while entry.get("name") in AROUND and isinstance(entry.get("base"), dict):
        entry = entry["base"]
    return bool(entry.get("name") == "awd")


def check(recipe: dict[str, Any]) -> None:
    """Refuse keys that contradict each other.

    Raises:
        ValueError: naming the keys and the way out.
    """
    if "pretrained" in recipe:
        pretrained.check(recipe["pretrained"])
    if is_adaptive(recipe) and "grad_clip" in recipe:
        raise ValueError(
            "optimizer awd compares the weights with the gradient of the loss, which grad_clip would shorten; "
            "leave grad_clip out"
        )
    if "dog" in recipe and not is_adaptive(recipe):
        raise ValueError("dog is for the optimizer awd; write\n\n    optimizer: {name: awd}")
