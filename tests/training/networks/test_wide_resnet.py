from __future__ import annotations

import pytest
import torch

from decay_atlas.training.networks.wide_resnet import Block
from tests.training.networks.conftest import built, count, first_gradients, sides


@pytest.mark.parametrize(
    ("depth", "width", "millions"),
    [(40, 1, 0.6), (40, 2, 2.2), (40, 4, 8.9), (28, 10, 36.5), (22, 8, 17.2), (16, 8, 11.0), (16, 10, 17.1)],
)
def test_it_has_the_parameters_that_the_paper_counts(depth: int, width: int, millions: float) -> None:
    """Zagoruyko and Komodakis 2016, tables 3 and 4."""
    with torch.device("meta"):
        assert round(count(built("wide_resnet", depth=depth, width=width)) / 1e6, 1) == millions


def test_the_depth_counts_convolutions_and_shortcuts() -> None:
    """As its authors count: 24 convolutions of the blocks, the first one, and three shortcuts."""
    with torch.device("meta"):
        network = built("wide_resnet", depth=28, width=10)
    assert sum(isinstance(layer, torch.nn.Conv2d) for layer in network.modules()) == 28


def test_images_keep_their_size_through_the_first_stage() -> None:
    """With a width of 1 the first stage needs no shortcut of its own."""
    assert sides(built("wide_resnet", depth=16, width=1), 32) == [32] * 5 + [16] * 5 + [8] * 5


@pytest.mark.parametrize("size", [8, 9, 32])
def test_every_size_of_image_gets_a_logit_a_class(size: int) -> None:
    assert built("wide_resnet", 100, 1, depth=10, width=1)(torch.zeros(2, 1, size, size)).shape == (2, 100)


def test_first_gradients_are_finite_and_reach_every_parameter() -> None:
    network = built("wide_resnet", depth=16, width=2)
    gradients = first_gradients(network, 32)
    assert len(gradients) == len(list(network.parameters()))
    assert all(gradient.isfinite().all() and gradient.abs().max() > 0 for gradient in gradients)


def test_a_block_of_dead_convolutions_hands_on_what_it_gets() -> None:
    """Pre-activation: nothing stands on the way of the identity, and negative values pass."""
    block = Block(16, 16, stride=1)
    torch.nn.init.zeros_(block.conv2.weight)
    images = torch.randn(2, 16, 4, 4)
    assert torch.equal(block(images), images)
