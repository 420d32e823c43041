"""Optimizers by name, one module each. All parameters are decayed, biases and norms too, as published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from torch import nn
from torch.optim import Optimizer

from decay_atlas.training.optimizers.adamw import adamw
from decay_atlas.training.optimizers.sgd import sgd

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {"adamw": adamw, "sgd": sgd}
"""Each takes (parameters, lr, wd) and the options of the recipe's entry."""


def build(parameters: Iterable[nn.Parameter], entry: dict[str, Any], lr: float, wd: float) -> Optimizer:
    """The optimizer a recipe's `optimizer` entry names: `name` and that optimizer's own options.

    Raises:
        ValueError: the name or an option is unknown.
    """
    options = dict(entry)
    name = options.pop("name")
    if name not in OPTIMIZERS:
        raise ValueError(f"optimizer: unknown name {name!r}; there are {', '.join(OPTIMIZERS)}")
    try:
        return OPTIMIZERS[name](list(parameters), lr, wd, **options)
    except TypeError as error:
        raise ValueError(f"optimizer {name}: {error}") from None


def can_ensemble(entry: dict[str, Any]) -> bool:
    """Whether the optimizer of a recipe's entry moves the members of an ensemble each by its own rates."""
    return False
