from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from decay_atlas.training.networks import models


def built(model: str, classes: int = 10, channels: int = 3, stem: str | None = None, **kwargs: Any) -> nn.Module:
    """The network of an arch entry."""
    return models.build(
        {"model": model, "kwargs": kwargs, **({"stem": stem} if stem else {})}, classes=classes, channels=channels
    )


def count(model: nn.Module) -> int:
    """Its parameters."""
    return sum(parameter.numel() for parameter in model.parameters())


def sides(model: nn.Module, size: int, channels: int = 3) -> list[int]:
    """The side of the images that every convolution makes of a square one, in order."""
    found: list[int] = []

    def note(layer: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        found.append(output.shape[-1])

    handles = [layer.register_forward_hook(note) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        model.eval()(torch.zeros(1, channels, size, size))
    for handle in handles:
        handle.remove()
    return found


def first_gradients(model: nn.Module, size: int, channels: int = 3) -> list[Tensor]:
    """Of the loss of four random images."""
    torch.manual_seed(1)
    logits = model.train()(torch.randn(4, channels, size, size))
    cross_entropy(logits, torch.tensor([0, 1, 2, 3])).backward()
    return [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
