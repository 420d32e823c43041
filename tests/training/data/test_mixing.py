from __future__ import annotations

import numpy as np
import pytest
import torch

from decay_atlas.training.data.mixing import mixed

LABELS = torch.tensor([0, 1, 2, 3])
IMAGES = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 3, 16, 16)  # every image is one shade, its label


def test_mixup_blends_pixels_and_labels_by_the_same_weight() -> None:
    images, labels = mixed(IMAGES, LABELS, 5, {"mixup": 1.0}, np.random.default_rng(1))
    weight = np.random.default_rng(1)
    weight.integers(1)
    share = weight.beta(1.0, 1.0)
    for number, other in ((0, 3), (1, 2), (2, 1), (3, 0)):
        torch.testing.assert_close(images[number], torch.full((3, 16, 16), share * number + (1 - share) * other))
        assert labels[number, number].item() == pytest.approx(share)
        assert labels[number, other].item() == pytest.approx(1 - share)


@pytest.mark.parametrize("seed", range(20))
def test_cutmix_labels_are_the_shares_of_the_pixels(seed: int) -> None:
    images, labels = mixed(IMAGES, LABELS, 5, {"cutmix": 1.0}, np.random.default_rng(seed))
    for number, image in enumerate(images):
        shares = [(image[0] == shade).float().mean().item() for shade in range(5)]
        assert labels[number].tolist() == pytest.approx(shares)
        pasted = (image[0] != number).nonzero()
        if len(pasted):  # one rectangle
            height, width = (pasted.max(0).values - pasted.min(0).values + 1).tolist()
            assert height * width == len(pasted)


def test_both_are_drawn_and_the_originals_stay() -> None:
    kept = IMAGES.clone()
    whole = set()
    for seed in range(20):
        images, labels = mixed(IMAGES, LABELS, 5, {"mixup": 1.0, "cutmix": 1.0}, np.random.default_rng(seed))
        assert labels.sum(1).tolist() == pytest.approx([1] * 4)
        whole.add(bool((images % 1 == 0).all()))
    assert whole == {True, False}
    assert torch.equal(IMAGES, kept)
