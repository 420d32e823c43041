"""Mixing the images of a batch, and their labels alike: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot


def mixed(
    images: Tensor, labels: Tensor, classes: int, alphas: dict[str, float], draw: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Blend every image with the one as far from the batch's end, by one weight drawn from Beta(alpha, alpha).

    `images` (n, channels, size, size), `labels` (n,); `alphas` holds `mixup`, `cutmix` or both, then one of
    them is drawn. Returns the images and the labels as shares of the classes, (n, classes).
    """
    kind = list(alphas)[draw.integers(len(alphas))]
    weight = float(draw.beta(alphas[kind], alphas[kind]))
    if kind == "mixup":
        images = torch.lerp(images.flip(0), images, weight)
    else:
        height, width = images.shape[-2:]
        # a window of 1 − weight of the area around any point, cut at the image's rim
        half = np.sqrt(1 - weight) / 2 * np.array([height, width])
        centre = draw.uniform(0, [height, width])
        (top, left), (bottom, right) = (
            np.clip(np.round(centre + side * half), 0, [height, width]).astype(int) for side in (-1, 1)
        )
        images = images.clone()
        images[..., top:bottom, left:right] = images.flip(0)[..., top:bottom, left:right]
        weight = 1 - (bottom - top) * (right - left) / (height * width)
    shares = one_hot(labels, classes).to(images.dtype)
    return images, torch.lerp(shares.flip(0), shares, weight)
