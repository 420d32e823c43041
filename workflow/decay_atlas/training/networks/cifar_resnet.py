"""Residual networks for small images (He et al. 2016, section 4.2). Source: A, Noisy labels."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import pad

from decay_atlas.training.networks.convolutions import convolution, initialise

CHANNELS = (16, 32, 64)
"""Of the three stages."""


class CifarResNet(nn.Module):
    """ResNet-depth: three stages of n = (depth − 2) / 6 blocks of two 3×3 convolutions.

    The first stage keeps the image's size, the others halve it. Shortcuts have no parameters (option A), as the
    source has them for CIFAR: every second pixel, and zeros in the channels that are new.
    """

    def __init__(self, num_classes: int, in_chans: int, depth: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = CHANNELS[0]
        for into in CHANNELS:
            for _ in range((depth - 2) // 6):
                blocks.append(Block(channels, into))
                channels = into
        self.conv, self.norm, self.act = convolution(in_chans, CHANNELS[0]), nn.BatchNorm2d(CHANNELS[0]), nn.ReLU()
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(channels, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, channels, size, size) to logits (n, classes)."""
        features = self.blocks(self.act(self.norm(self.conv(images))))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


class Block(nn.Module):
    """Two convolutions, each with its norm, added to the input; more channels come with half the size."""

    def __init__(self, channels: int, into: int) -> None:
        super().__init__()
        self.stride, self.new = 1 if channels == into else 2, into - channels
        self.conv1, self.conv2 = convolution(channels, into, stride=self.stride), convolution(into, into)
        self.norm1, self.norm2 = nn.BatchNorm2d(into), nn.BatchNorm2d(into)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (n, channels, size, size)."""
        y = self.norm2(self.conv2(self.act(self.norm1(self.conv1(x)))))
        shortcut = pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new)) if self.new else x
        summed: Tensor = self.act(y + shortcut)
        return summed
