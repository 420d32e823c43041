"""Networks of our own, which timm lacks, by the name that an arch entry gives as `model`."""

from __future__ import annotations

from torch import nn

from decay_atlas.training.networks.cifar_resnet import CifarResNet
from decay_atlas.training.networks.linear import Linear
from decay_atlas.training.networks.wide_resnet import WideResNet

NETWORKS: dict[str, type[nn.Module]] = {"linear": Linear, "wide_resnet": WideResNet, "cifar_resnet": CifarResNet}
"""Each takes `num_classes` and `in_chans` beside the entry's `kwargs`, which `archs.check` has looked at."""
