"""Wide residual networks for small images (Zagoruyko and Komodakis 2016, table 1). Source: A, Training protocol."""

from __future__ import annotations

from torch import Tensor, nn

from decay_atlas.training.networks.convolutions import convolution, initialise

STEM = 16
"""Channels of the first convolution, which `width` multiplies in the stages."""


class WideResNet(nn.Module):
    """WRN-depth-width: three stages of n = (depth − 4) / 6 pre-activation blocks, of 16, 32, 64 times `width` channels.

    The first stage keeps the image's size, the others halve it. No dropout in the blocks.
    """

    def __init__(self, num_classes: int, in_chans: int, depth: int, width: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        channels = STEM
        for stage in range(3):
            for number in range((depth - 4) // 6):
                into = STEM * 2**stage * width
                blocks.append(Block(channels, into, stride=2 if stage and not number else 1))
                channels = into
        self.conv = convolution(in_chans, STEM)
        self.blocks = nn.Sequential(*blocks)
        self.norm, self.act = nn.BatchNorm2d(channels), nn.ReLU()
        self.head = nn.Linear(channels, num_classes)
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, channels, size, size) to logits (n, classes)."""
        features = self.act(self.norm(self.blocks(self.conv(images))))
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


class Block(nn.Module):
    """Norm, ReLU and 3×3 convolution, twice, added to the input.

    Where the number of channels or the size changes, a 1×1 convolution of the normed input stands for it.
    """

    def __init__(self, channels: int, into: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(into)
        self.conv1, self.conv2 = convolution(channels, into, stride=stride), convolution(into, into)
        self.act = nn.ReLU()
        self.shortcut = None if (channels, stride) == (into, 1) else convolution(channels, into, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (n, channels, size, size)."""
        normed = self.act(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(normed)
        y: Tensor = self.conv2(self.act(self.norm2(self.conv1(normed))))
        return y + shortcut
