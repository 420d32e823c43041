from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from decay_atlas.training.data.batches import Data, Shard
from decay_atlas.training.evaluations import EVALUATIONS
from decay_atlas.training.evaluations.pgd import EPSILON, attack
from decay_atlas.training.evaluations.pruning import SHARES
from tests.training.conftest import data_of, fit, train_alone


@pytest.fixture
def data(digits: Path, settings: dict[str, Any]) -> Data:
    del settings["recipe"]["train_size"]
    return data_of(settings, digits)


@pytest.fixture
def linear(data: Data) -> nn.Module:
    """A linear classifier of flattened digits, fitted a little."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    fit(model, data, steps=100)
    return model


def test_pruning_zeroes_the_smallest_weights_of_a_copy(data: Data, linear: nn.Module) -> None:
    before = linear[1].weight.detach().clone()
    found = EVALUATIONS["pruning"](linear, data)
    assert torch.equal(linear[1].weight, before)
    assert list(found) == ["0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
    images, labels = next(data.test.scoring(Shard()))
    for share, accuracy in found.items():
        limit = before.abs().flatten().sort().values[round(float(share) * before.numel()) - 1]
        kept = torch.where(before.abs() > limit, before, 0.0)
        right = (images.flatten(1) @ kept.T + linear[1].bias).argmax(1) == labels
        assert accuracy == pytest.approx(100 * right.float().mean().item())
    assert found["0.9"] < found["0.4"]


def test_against_two_classes_of_a_linear_net_the_attack_is_the_worst_there_is(data: Data) -> None:
    """The margin of a linear classifier shrinks by ε‖w‖₁, but for pixels that reach black or white."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))
    images, labels = next(data.test.scoring(Shard()))
    labels = (labels > 4).long()
    moved = attack(model, images, labels, data.mean, data.std, 20, torch.Generator().manual_seed(0))
    direction = (model[1].weight[1] - model[1].weight[0]).sign().view(1, 1, 8, 8)
    away = torch.where(labels.view(-1, 1, 1, 1) == 1, -direction, direction)
    worst = ((images * data.std + data.mean + EPSILON * away).clamp(0, 1) - data.mean) / data.std
    torch.testing.assert_close(moved, worst, atol=1e-5, rtol=0)


def test_an_attack_keeps_within_its_bounds_and_lowers_the_accuracy(data: Data, linear: nn.Module) -> None:
    images, labels = next(data.test.scoring(Shard()))
    moved = attack(linear, images, labels, data.mean, data.std, 3, torch.Generator().manual_seed(0))
    pixels, original = (tensor * data.std + data.mean for tensor in (moved, images))
    assert (pixels - original).abs().max() <= EPSILON + 1e-5
    assert pixels.min() >= -1e-5
    assert pixels.max() <= 1 + 1e-5
    found = EVALUATIONS["pgd"](linear, data)
    assert found == EVALUATIONS["pgd"](linear, data)
    assert found["pgd20"] < found["clean"] - 5


def test_the_training_accuracy_is_that_of_the_network_on_its_images(digits: Path, settings: dict[str, Any]) -> None:
    """Of the network as it ends, on images as they are, with the labels that it was given, a third of them wrong."""
    settings["recipe"] |= {"label_noise": 0.3, "augment": ["crop"], "evaluations": ["train"], "epochs": 3}
    data = data_of(settings, digits)
    result, model = train_alone(settings, 0.01, 0.1, 0, data)
    images, labels = (torch.cat(parts) for parts in zip(*data.train.scoring(Shard(), 7), strict=True))
    right = model.eval()(images).argmax(1) == labels
    assert result["evaluations"] == {"train": pytest.approx(100 * right.float().mean().item())}
    assert len(labels) == len(data.train)
    assert result["evaluations"]["train"] != result["history"]["train_accuracy"][-1]


def test_a_recipe_gets_both_into_its_record(digits: Path, settings: dict[str, Any]) -> None:
    settings["recipe"]["evaluations"] = ["pruning", "pgd"]
    result, _ = train_alone(settings, 0.01, 0.1, 0, data_of(settings, digits))
    assert result["evaluations"]["pruning"].keys() == {f"{share:g}" for share in SHARES}
    assert result["evaluations"]["pgd"]["clean"] == pytest.approx(result["test_final"])
    assert result["timing"]["evaluations"] > 0
