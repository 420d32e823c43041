"""What the residual networks for small images share."""

from __future__ import annotations

from torch import nn


def convolution(channels: int, into: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    """A square convolution without a bias that keeps the image's size but for its stride."""
    return nn.Conv2d(channels, into, size, stride, padding=size // 2, bias=False)


def initialise(network: nn.Module) -> None:
    """Draw convolutions from a normal distribution of variance 2 / (outputs a channel feeds) (He et al. 2015)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
