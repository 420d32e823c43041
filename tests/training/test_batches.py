from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from decay_atlas.training import sources
from decay_atlas.training.batches import Data, Files
from decay_atlas.training.datasets import load, prepare
from tests.training.conftest import CPU, data_of
from tests.training.test_datasets import image_tree


def draw() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_training_batches_follow_the_order_and_cover_it(digits: Path, settings: dict[str, Any]) -> None:
    data, split = data_of(settings, digits), load(digits, settings["recipe"])
    order = torch.randperm(96, generator=draw())
    batches = list(data.train.training(order, 40, draw()))
    assert [len(labels) for _, labels in batches] == [40, 40, 16]
    images = np.concatenate([batch.numpy() for batch, _ in batches])
    expected = (np.asarray(split.train.images)[order] / 255 - 0.3053) / 0.3760
    np.testing.assert_allclose(images, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(torch.cat([labels for _, labels in batches]), split.train.labels[order])


def test_only_training_images_are_augmented(digits: Path, settings: dict[str, Any]) -> None:
    plain = data_of(settings, digits)
    settings["recipe"]["augment"] = ["crop", "flip", "jitter"]
    augmented = data_of(settings, digits)

    def scored(data: Data) -> torch.Tensor:
        return torch.cat([images for images, _ in data.test.scoring()])

    def trained(data: Data) -> torch.Tensor:
        return torch.cat([images for images, _ in data.train.training(torch.arange(96), 32, draw())])

    assert torch.equal(scored(plain), scored(augmented))
    assert torch.equal(trained(augmented), trained(augmented))
    assert not torch.equal(trained(plain), trained(augmented))


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Any]]:
    """A JPEG tree in the layout of ImageNet, indexed, and settings to train on it."""
    monkeypatch.setattr(sources, "RESIDENT_BYTES", 0)
    entry = image_tree(tmp_path / "raw", "val")
    prepare("pets", entry, tmp_path / "data")
    recipe = {"augment": ["resized_crop", "flip", "jitter"], "batch_size": 5}
    return tmp_path / "data", {"dataset": entry, "recipe": recipe}


def test_a_tree_is_decoded_to_the_same_bits_by_any_number_of_workers(
    tree: tuple[Path, dict[str, Any]],
) -> None:
    folder, settings = tree
    found = []
    for threads in (1, 2):
        train = Data(load(folder, {}), settings, CPU, threads).train
        assert isinstance(train, Files)
        found.append(list(train.training(torch.randperm(12, generator=draw()), 5, draw())))
    for (images, labels), (again, same) in zip(*found, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(labels, same)
        bright = images[:, 0].mean((1, 2)) > 0  # dogs are light, whatever the window
        assert torch.equal(bright, labels == 1)


def test_a_trees_images_are_scored_once_each_at_the_entrys_size(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, settings = tree
    test = Data(load(folder, {}), settings, CPU, threads=1).test
    ((images, labels),) = test.scoring()
    assert images.shape == (6, 3, 8, 8)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images[:3, 0].mean().item() == pytest.approx((30 / 255 - 0.5) / 0.25, abs=0.05)
