"""The model of the ridge experiment. Source: D, Ridge experiment."""

from __future__ import annotations

from torch import nn


class Linear(nn.Sequential):
    """Outputs that are sums of weighted pixels, without a bias; vectors come as images of one pixel.

    Raises:
        TypeError: an argument is unknown.

    Source: D, Ridge experiment.
    """

    def __init__(self, num_classes: int, in_chans: int, img_size: int = 1) -> None:
        super().__init__(nn.Flatten(), nn.Linear(in_chans * img_size**2, num_classes, bias=False))
