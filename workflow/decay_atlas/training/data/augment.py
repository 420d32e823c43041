"""Augmentation of whole batches on the device, drawn for every image on its own.

Every function takes images of shape (n, channels, size, size), uint8 or float in [0, 1], and the `BatchRandom` that
supplies the numbers for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, pad

from decay_atlas.training.data.streams import BatchRandom

JITTER = 0.4
RANDAUGMENT_OPS = 2  # torchvision's defaults: the source names RandAugment and no numbers
RANDAUGMENT_MAGNITUDE = 9 / 30


def as_float(images: Tensor) -> Tensor:
    """uint8 images as float in [0, 1]; float images as they are."""
    return images if images.is_floating_point() else images.to(torch.get_default_dtype()).div_(255)


def crop(images: Tensor, draw: BatchRandom) -> Tensor:
    """A window of the same size out of the image with a black rim of an eighth of its side (4 at 32 px)."""
    n, channels, size, _ = images.shape
    rim = size // 8
    offsets = draw.integers(2 * rim + 1, 2).unsqueeze(2).to(images.device)
    rows, columns = offsets + torch.arange(size, device=images.device)
    index = torch.arange(max(n, channels), device=images.device)
    padded = pad(images, (rim, rim, rim, rim))
    return padded[
        index[:n, None, None, None],
        index[None, :channels, None, None],
        rows[:, None, :, None],
        columns[:, None, None, :],
    ]


def resized_crop(images: Tensor, draw: BatchRandom) -> Tensor:
    """A window of 8 to 100 % of the area and aspect 3/4 to 4/3, cut to the image, resized back (bilinear)."""
    n = len(images)
    area = draw.uniform(0.08, 1)[0]
    aspect = draw.uniform(math.log(3 / 4), math.log(4 / 3))[0].exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    centre = draw.uniform(-1, 1, 2)
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = width, height
    theta[:, 0, 2], theta[:, 1, 2] = centre[0] * (1 - width), centre[1] * (1 - height)
    grid = affine_grid(theta.to(images.device), list(images.shape), align_corners=False)
    return grid_sample(as_float(images), grid, padding_mode="border", align_corners=False)


def flip(images: Tensor, draw: BatchRandom) -> Tensor:
    """Mirrored left to right with probability one half."""
    mirrored = (draw.uniform(0, 1)[0] < 0.5).view(-1, 1, 1, 1)
    return torch.where(mirrored.to(images.device), images.flip(-1), images)


def jitter(images: Tensor, draw: BatchRandom) -> Tensor:
    """Brightness, contrast and saturation by factors in [0.6, 1.4], in an order drawn for every image."""
    images = as_float(images)
    channels = images.shape[1]
    factors = draw.uniform(1 - JITTER, 1 + JITTER, 3)[..., None, None, None].to(images.device)
    order = draw.uniform(0, 1, 3).argsort(dim=0)[..., None, None, None].to(images.device)
    weights = torch.tensor([0.299, 0.587, 0.114] if channels == 3 else [1.0] * channels, device=images.device)
    for turn in order:  # 0 brightness, 1 contrast, 2 saturation: each blends with its own reference
        grey = torch.einsum("nchw,c->nhw", images, weights / weights.sum()).unsqueeze(1)
        reference = torch.where(turn == 0, 0.0, torch.where(turn == 1, grey.mean((2, 3), keepdim=True), grey))
        factor = factors.gather(0, turn.unsqueeze(0))[0]
        images = torch.lerp(reference, images, factor).clamp_(0, 1)
    return images


def randaugment(images: Tensor, draw: BatchRandom) -> Tensor:
    """Two of torchvision's fourteen RandAugment operations at magnitude 9, drawn for every image."""
    images = as_float(images).clone()
    operations = _operations(images.shape[-1])
    for _ in range(RANDAUGMENT_OPS):
        choice = draw.integers(2 * len(operations))[0]
        for number, operation in enumerate(operations):
            for sign in (1, -1):
                chosen = (choice == 2 * number + (sign < 0)).nonzero().flatten().to(images.device)
                if len(chosen):
                    images[chosen] = operation(images[chosen], sign)
    return images


def _operations(size: int) -> list[Callable[[Tensor, int], Tensor]]:
    """RandAugment's operations as functions of (images, sign), as torchvision's RandAugment calls them."""
    from torchvision.transforms.v2 import functional as tv

    m = RANDAUGMENT_MAGNITUDE
    shift, shear, turn, blend = m * 150 / 331 * size, math.degrees(math.atan(m * 0.3)), m * 30, m * 0.9

    def affine(images: Tensor, move: tuple[float, float], slant: tuple[float, float]) -> Tensor:
        centre = [0.0, 0.0] if any(slant) else None
        return tv.affine(images, 0.0, [int(move[0]), int(move[1])], 1.0, [slant[0], slant[1]], center=centre)

    return [
        lambda x, s: x,
        lambda x, s: affine(x, (0, 0), (s * shear, 0)),
        lambda x, s: affine(x, (0, 0), (0, s * shear)),
        lambda x, s: affine(x, (s * shift, 0), (0, 0)),
        lambda x, s: affine(x, (0, s * shift), (0, 0)),
        lambda x, s: tv.rotate(x, s * turn),
        lambda x, s: tv.adjust_brightness(x, 1 + s * blend),
        lambda x, s: tv.adjust_saturation(x, 1 + s * blend),
        lambda x, s: tv.adjust_contrast(x, 1 + s * blend),
        lambda x, s: tv.adjust_sharpness(x, 1 + s * blend),
        lambda x, s: tv.posterize(x, 8 - round(m * 4)),
        lambda x, s: tv.solarize(x, 1 - m),
        lambda x, s: tv.autocontrast(x),
        lambda x, s: tv.equalize(x),
    ]


AUGMENTATIONS: dict[str, Callable[[Tensor, BatchRandom], Tensor]] = {
    "crop": crop,
    "flip": flip,
    "jitter": jitter,
    "randaugment": randaugment,
    "resized_crop": resized_crop,
}


def check(names: list[str]) -> None:
    """Refuse names that are no augmentation.

    Raises:
        ValueError: naming the first of them.
    """
    for name in names:
        if name not in AUGMENTATIONS:
            raise ValueError(f"augment: unknown {name!r}; there are {', '.join(AUGMENTATIONS)}")


def augmented(images: Tensor, names: list[str], draw: BatchRandom) -> Tensor:
    """`images` after the named augmentations in their order, as float in [0, 1]."""
    for name in names:
        images = AUGMENTATIONS[name](images, draw)
    return as_float(images)
