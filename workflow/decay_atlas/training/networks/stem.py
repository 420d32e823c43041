"""The first layers that sources give to networks of ImageNet on images of 32 pixels.

Source: S, Experiments; A, Training protocol.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Stem:
    """Where a class of timm's or torchvision's networks has its first convolution, and the poolings after it."""

    convolution: str
    poolings: tuple[str, ...]


STEMS = {
    "ResNet": Stem("conv1", ("maxpool",)),
    "DenseNet": Stem("features.conv0", ("features.pool0",)),
    "GoogLeNet": Stem("conv1.conv", ("maxpool1", "maxpool2")),
}


def shrink(model: nn.Module, name: str) -> None:
    """Make the network's first convolution 3×3 without a stride and take out the poolings after it.

    What follows is as it was, and sees images four times as large on a side (GoogLeNet's, eight).

    Raises:
        ValueError: the network, of this name, does not begin with one convolution that has a stride.
    """
    stem = STEMS.get(type(model).__name__)
    old = model.get_submodule(stem.convolution) if stem else None
    if stem is None or not isinstance(old, nn.Conv2d):
        raise ValueError(
            f"stem small is for the {', '.join(STEMS)} of timm and torchvision that begin with one convolution, "
            f"and {name} does not; leave stem out"
        )
    new = nn.Conv2d(old.in_channels, old.out_channels, 3, padding=1, bias=old.bias is not None)
    nn.init.kaiming_normal_(new.weight, mode="fan_out", nonlinearity="relu")
    _put(model, stem.convolution, new)
    for pooling in stem.poolings:
        _put(model, pooling, nn.Identity())


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)
