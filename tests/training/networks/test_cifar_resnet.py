from __future__ import annotations

import pytest
import torch

from decay_atlas.training.networks.cifar_resnet import Block
from tests.training.networks.conftest import built, count, first_gradients, sides


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_it_has_the_parameters_that_the_paper_counts(depth: int, millions: float) -> None:
    """He et al. 2016, table 6."""
    with torch.device("meta"):
        found = count(built("cifar_resnet", depth=depth)) / 1e6
    assert found == pytest.approx(millions, abs=0.005 if depth < 110 else 0.05)


def test_images_keep_their_size_through_the_first_stage() -> None:
    """31 convolutions and a linear layer make 32."""
    assert sides(built("cifar_resnet", depth=32), 32) == [32] * 11 + [16] * 10 + [8] * 10


@pytest.mark.parametrize("size", [8, 9, 32])
def test_every_size_of_image_gets_a_logit_a_class(size: int) -> None:
    assert built("cifar_resnet", 100, 1, depth=8)(torch.zeros(2, 1, size, size)).shape == (2, 100)


def test_first_gradients_are_finite_and_reach_every_parameter() -> None:
    network = built("cifar_resnet", depth=32)
    gradients = first_gradients(network, 32)
    assert len(gradients) == len(list(network.parameters()))
    assert all(gradient.isfinite().all() and gradient.abs().max() > 0 for gradient in gradients)


def test_a_shortcut_to_more_channels_is_every_second_pixel_and_zeros() -> None:
    block = Block(16, 32).eval()
    torch.nn.init.zeros_(block.conv2.weight)
    images = torch.rand(2, 16, 4, 4)
    found = block(images)
    assert torch.equal(found[:, :16], images[:, :, ::2, ::2])
    assert found[:, 16:].abs().max() == 0
