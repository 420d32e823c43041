"""Any optimizer of PyTorch or timm by its own name: `torch.NAdam`, `timm.adan`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

LIBRARIES = ("torch", "timm")
GIVEN = ("self", "params", "lr", "weight_decay", "kwargs")


def known(library: str) -> list[str]:
    """The names that can be asked of a library; how each applies its decay is told in its own documentation.

    PyTorch's are classes of `torch.optim`, timm's the names of its registry. Left out is what has no weight
    decay, needs second derivatives, needs other packages, or takes matrices alone.
    """
    return [f"{library}.{name}" for name in (_of_torch() if library == "torch" else _of_timm())]


def options(name: str) -> list[str]:
    """The options that such an optimizer takes besides lr and weight decay."""
    return [option for option in inspect.signature(_class(name)).parameters if option not in GIVEN]


def create(name: str, parameters: Iterable[Tensor], lr: float, weight_decay: float, **given: Any) -> Optimizer:
    """Such an optimizer, with the defaults of its library: its `betas`, for example, may not be Adam's."""
    if name.startswith("timm."):
        import timm.optim

        return timm.optim.create_optimizer_v2(
            list(parameters), name.removeprefix("timm."), lr=lr, weight_decay=weight_decay, **given
        )
    optimizer: Optimizer = _class(name)(parameters, lr=lr, weight_decay=weight_decay, **given)
    return optimizer


@functools.cache
def _of_torch() -> tuple[str, ...]:
    found = {name: value for name, value in vars(torch.optim).items() if inspect.isclass(value)}
    return tuple(
        sorted(
            name
            for name, value in found.items()
            if issubclass(value, Optimizer)
            and {"lr", "weight_decay"} <= inspect.signature(value).parameters.keys()
            and name != "Muon"  # no network is of matrices alone; timm.muon moves the others by AdamW
        )
    )


@functools.cache
def _of_timm() -> tuple[str, ...]:
    import timm.optim

    names = map(str, timm.optim.list_optimizers(exclude_filters=["bnb*", "fused*", "adahessian"]))
    return tuple(
        name
        for name in names
        if {"lr", "weight_decay"} <= inspect.signature(timm.optim.get_optimizer_class(name)).parameters.keys()
    )


def _class(name: str) -> Callable[..., Any]:
    library, _, own = name.partition(".")
    if library == "torch":
        found: Callable[..., Any] = getattr(torch.optim, own)
        return found
    import timm.optim

    found = timm.optim.get_optimizer_class(own)
    return found
