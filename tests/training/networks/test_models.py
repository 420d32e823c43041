from __future__ import annotations

from typing import Any

import pytest
import torch

from decay_atlas.runs.grid import settings_of
from decay_atlas.study.config import load
from decay_atlas.training.networks import models
from tests.training.conftest import ROOT

PUBLISHED = ("resnet50", "vit_small", "convnext_tiny", "mixer_small", "swin_tiny")


@pytest.mark.parametrize("arch", PUBLISHED)
@pytest.mark.parametrize("dataset", ["cifar100", "imagenet"])
def test_the_published_families_take_both_image_sizes(arch: str, dataset: str) -> None:
    config = load("coupling", ROOT)
    data = config["datasets"][dataset]
    resolved = settings_of(data, config["recipes"]["published-cifar"], config["archs"][arch])["arch"]
    with torch.device("meta"):  # shapes only: nothing is computed
        model = models.build(resolved, data["classes"], 3)
        logits = model(torch.empty(2, 3, data["image_size"], data["image_size"]))
    assert logits.shape == (2, data["classes"])


def test_the_demo_has_one_tiny_net_of_each_published_family(demo: dict[str, dict[str, Any]]) -> None:
    families = set()
    for settings in demo.values():
        model = models.build(settings["arch"], classes=10, channels=1)
        families.add(type(model).__name__)
        assert type(model).__module__.startswith("timm.models.")
        assert sum(parameter.numel() for parameter in model.parameters()) < 60_000
        assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert families == {"ResNet", "VisionTransformer", "ConvNeXt", "MlpMixer", "SwinTransformer"}


def test_the_generator_decides_the_initial_weights(settings: dict[str, Any]) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([p.flatten() for p in models.build(settings["arch"], 10, 1).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_a_model_timm_does_not_have_is_named() -> None:
    with pytest.raises(ValueError, match="neither a model nor a class 'resnet51'"):
        models.build({"model": "resnet51", "kwargs": {}}, 10, 3)


def test_arguments_a_model_does_not_take_are_named() -> None:
    with pytest.raises(ValueError, match=r"timm's resnet10t does not take \{'depth': 3\}"):
        models.build({"model": "resnet10t", "kwargs": {"depth": 3}}, 10, 3)


def test_a_model_of_torchvision_has_one_output_a_class() -> None:
    """GoogLeNet's auxiliary classifiers would give several in training."""
    entry = {"model": "torchvision.googlenet", "kwargs": {"aux_logits": False, "init_weights": False}}
    network = models.build(entry, classes=100, channels=3)
    assert network.train()(torch.zeros(2, 3, 32, 32)).shape == (2, 100)


@pytest.mark.parametrize(
    ("entry", "channels", "message"),
    [
        ({"model": "torchvision.googlenet", "kwargs": {"init_weights": False}}, 3, r"kwargs: \{aux_logits: false\}"),
        ({"model": "torchvision.resnet18"}, 1, "takes images of 3 channels, and these have 1"),
        ({"model": "torchvision.no_net"}, 3, "torchvision.models.list_models"),
        ({"model": "torchvision.resnet18", "kwargs": {"depth": 9}}, 3, "depth"),
    ],
)
def test_what_torchvision_cannot_build_is_refused(entry: dict[str, Any], channels: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        models.build(entry, 10, channels)
