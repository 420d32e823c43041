"""How many images the parts of a data set have, and what a recipe may ask of them.

Standard library only: every plan asks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DIGITS = 1797
CIFAR = (50_000, 10_000)


def known(entry: dict[str, Any], prepared: str | Path) -> tuple[int, int] | None:
    """Images to train on and to test on, as the entry or the manifest in the folder `prepared` says, or None."""
    if entry["source"] == "digits":
        test = round(float(entry.get("test_fraction", 0.4)) * DIGITS)
        return DIGITS - test, test
    if entry["source"] == "ridge":
        return entry["samples"], entry["samples"]
    if entry["source"] in ("cifar10", "cifar100"):
        return CIFAR
    try:
        manifest = json.loads((Path(prepared) / "manifest.json").read_bytes())
        return int(manifest["train"]), int(manifest["test"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sizes(train: int, test: int, recipe: dict[str, Any]) -> tuple[int, int]:
    """How many of `train` images a recipe trains on, and how many it holds out for validation.

    Raises:
        ValueError: a part would be empty, or the recipe asks for more than there are; naming key and correction.
    """
    if train < 1 or test < 1:
        empty = "train on" if train < 1 else "test on"
        raise ValueError(
            f"the data set has no images to {empty}; give it some (test_fraction: 0.4, where it has that key)"
        )
    held, fraction = round(recipe.get("val_fraction", 0) * train), recipe.get("val_fraction", 0)
    if fraction and not 0 < held < train:
        raise ValueError(
            f"val_fraction {fraction} of {train} images holds out {held}; hold out some and not all, as in"
            "\n\n    val_fraction: 0.1"
        )
    size = recipe.get("train_size", train - held)
    if size > train - held:
        raise ValueError(
            f"train_size {size} does not fit; {train} images less {held} for validation leave {train - held}; write"
            f"\n\n    train_size: {train - held}"
        )
    if recipe.get("batch_size", 1) > size:
        raise ValueError(
            f"batch_size {recipe['batch_size']} is more than the {size} images there are to train on; write"
            f"\n\n    batch_size: {size}"
        )
    return size, held
