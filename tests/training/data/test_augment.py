from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Generator, Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as tv

from decay_atlas.training.data import augment
from decay_atlas.training.data.augment import AUGMENTATIONS, augmented
from decay_atlas.training.data.streams import BatchRandom


def numbers(seed: int) -> Generator:
    return torch.Generator().manual_seed(seed)


def draw(n: int, seed: int = 0) -> BatchRandom:
    return BatchRandom(numbers(seed), n)


def photos(n: int = 64, channels: int = 3, size: int = 16) -> Tensor:
    return torch.randint(0, 256, (n, channels, size, size), dtype=torch.uint8, generator=numbers(1))


def test_crop_is_a_window_of_the_image_with_a_black_rim() -> None:
    images = photos()
    seen = set()
    for image, cut in zip(images, augment.crop(images, draw(len(images))), strict=True):
        rimmed = np.pad(image.numpy(), ((0, 0), (2, 2), (2, 2)))
        places = [
            (r, c) for r in range(5) for c in range(5) if (rimmed[:, r : r + 16, c : c + 16] == cut.numpy()).all()
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert len(seen) > 12  # of 25: every image has its own


@pytest.mark.parametrize(("size", "rim"), [(32, 4), (8, 1)])
def test_crop_shifts_by_an_eighth_of_the_side_at_most(size: int, rim: int) -> None:
    images = torch.zeros(500, 1, size, size, dtype=torch.uint8)
    images[:, :, size // 2, size // 2] = 1
    _, _, rows, columns = augment.crop(images, draw(len(images))).nonzero(as_tuple=True)
    for places in (rows, columns):
        assert set((places - size // 2).tolist()) == set(range(-rim, rim + 1))


def test_flip_mirrors_about_half_of_the_images() -> None:
    images = photos(n=400, size=4)
    flipped = augment.flip(images, draw(400))
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 150 < same.sum() < 250


def test_jitter_is_torchvisions_adjustments_in_the_drawn_order() -> None:
    images = photos(n=24)
    found = augment.jitter(images, draw(24, seed=5))
    again = numbers(5)
    factors = torch.empty(3, 24, 1, 1, 1).uniform_(0.6, 1.4, generator=again).flatten(1)
    order = torch.rand(3, 24, 1, 1, 1, generator=again).argsort(dim=0).flatten(1)
    adjust = (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation)
    for number, image in enumerate(images):
        expected = image.float() / 255
        for operation in order[:, number].tolist():
            expected = adjust[operation](expected, factors[operation, number].item())
        torch.testing.assert_close(found[number], expected, atol=1e-3, rtol=0)
    assert len({tuple(column) for column in order.T.tolist()}) == 6


def test_randaugment_does_what_torchvisions_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(augment, "RANDAUGMENT_OPS", 1)
    image = photos(n=1)
    ours = augment.randaugment(image.expand(400, -1, -1, -1), draw(400)).unique(dim=0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        reference = v2.RandAugment(num_ops=1, magnitude=9)
        theirs = torch.stack([reference(image[0].float() / 255) for _ in range(400)]).unique(dim=0)
    distance = (ours[:, None] - theirs[None]).abs().amax(dim=(2, 3, 4))
    assert distance.amin(1).max() < 1e-5  # each of ours is one of theirs
    assert distance.amin(0).max() < 1e-5  # and each of theirs one of ours


def test_resized_crop_keeps_inside_the_image() -> None:
    ramp = torch.linspace(0, 1, 16).expand(200, 1, 16, 16)
    cut = augment.resized_crop(ramp, draw(200))
    assert ((cut >= 0) & (cut <= 1)).all()
    assert (cut.diff(dim=-1) >= -1e-6).all()  # still left to right
    width = cut.amax((1, 2, 3)) - cut.amin((1, 2, 3))
    assert width.min() < 0.4
    assert width.max() > 0.8


@pytest.mark.parametrize("name", sorted(AUGMENTATIONS))
@pytest.mark.parametrize("channels", [1, 3])
def test_an_augmentation_keeps_shape_and_range_and_repeats(name: str, channels: int) -> None:
    images = photos(n=20, channels=channels, size=8)
    kept = images.clone()
    first, second = (augmented(images, [name], draw(20, seed=3)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(images, kept)
    assert first.shape == images.shape
    assert first.dtype == torch.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert not torch.equal(first, augmented(images, [name], draw(20, seed=4)))


def test_an_unknown_augmentation_is_named() -> None:
    with pytest.raises(ValueError, match="unknown 'cutout'; there are crop, flip"):
        augment.check(["crop", "cutout"])
