from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.training.networks.conftest import built, count, first_gradients, sides

GOOGLENET = {"aux_logits": False, "init_weights": False}


@pytest.mark.parametrize(
    ("model", "parameters"), [("resnet18", 11_173_962), ("resnet34", 21_282_122), ("resnet50", 23_520_842)]
)
def test_a_resnet_with_it_is_that_of_cifar(model: str, parameters: int) -> None:
    """The counts of the networks that papers train on CIFAR-10 by these names."""
    with torch.device("meta"):
        assert count(built(model, stem="small")) == parameters


@pytest.mark.parametrize(
    ("model", "kwargs", "first", "last"),
    [
        ("resnet18", {}, 32, 4),
        ("resnet50", {}, 32, 4),
        ("torchvision.resnet18", {}, 32, 4),
        ("densenet121", {}, 32, 4),
        ("torchvision.googlenet", GOOGLENET, 32, 8),
    ],
)
def test_images_are_not_shrunk_before_the_first_stage(
    model: str, kwargs: dict[str, Any], first: int, last: int
) -> None:
    """ImageNet's stems leave 8 pixels a side of 32 to the first stage, 1 to the last (GoogLeNet's 4)."""
    small = sides(built(model, stem="small", **kwargs), 32)
    assert (small[0], small[4], small[-1]) == (first, first, last)
    usual = sides(built(model, **kwargs), 32)
    assert (usual[0], usual[4], usual[-1]) == (16, 4 if "googlenet" in model else 8, 1)


def test_the_rest_of_the_network_is_as_it_was() -> None:
    names = [{name: p.shape for name, p in built("resnet18", stem=stem).named_parameters()} for stem in (None, "small")]
    changed = [name for name, shape in names[0].items() if names[1][name] != shape]
    assert (names[0].keys() == names[1].keys(), changed) == (True, ["conv1.weight"])


def test_first_gradients_are_finite() -> None:
    network = built("resnet18", stem="small")
    assert all(gradient.isfinite().all() for gradient in first_gradients(network, 32))
    weights = network.state_dict()["conv1.weight"]
    assert weights.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.1)  # He et al. 2015


@pytest.mark.parametrize("model", ["vit_tiny_patch16_224", "resnet10t", "vgg11_bn"])
def test_a_network_without_such_a_stem_is_refused_by_name(model: str) -> None:
    with pytest.raises(ValueError, match=f"for the ResNet, DenseNet, GoogLeNet .* {model} does not; leave stem out"):
        built(model, stem="small")
