from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import pil_to_tensor

from decay_atlas.training.data import sources
from decay_atlas.training.data.batches import Data, Epoch, Files, Shard, _Window
from decay_atlas.training.data.datasets import load, prepare
from tests.training.conftest import CPU, data_of
from tests.training.data.test_datasets import image_tree


def epoch(images: int = 96, batch_size: int = 40, **place: Any) -> Epoch:
    return Epoch(seed=3, number=1, batch_size=batch_size, images=images, **place)


def test_training_batches_follow_the_order_and_cover_it(digits: Path, settings: dict[str, Any]) -> None:
    data, split = data_of(settings, digits), load(digits, settings["recipe"])
    order = epoch().order(96)
    assert sorted(order.tolist()) == list(range(96))
    batches = list(data.training(epoch()))
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
        return torch.cat([images for images, _ in data.test.scoring(Shard())])

    def trained(data: Data) -> torch.Tensor:
        return torch.cat([images for images, _ in data.training(epoch())])

    assert torch.equal(scored(plain), scored(augmented))
    assert torch.equal(trained(augmented), trained(augmented))
    assert not torch.equal(trained(plain), trained(augmented))


@pytest.mark.parametrize("chunk", [40, 4096])
@pytest.mark.parametrize("first", [1, 2, 3])
def test_an_epoch_gone_on_with_has_the_batches_it_would_have_had(
    digits: Path, settings: dict[str, Any], first: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("decay_atlas.training.data.batches.CHUNK", chunk)
    settings["recipe"] |= {"augment": ["crop", "jitter"], "mixup": 0.2, "cutmix": 1.0}
    data = data_of(settings, digits)
    whole, rest = list(data.training(epoch())), list(data.training(epoch(first=first)))
    assert len(rest) == 3 - first
    for (images, labels), (same, too) in zip(whole[first:], rest, strict=True):
        assert torch.equal(images, same)
        assert torch.equal(labels, too)


@pytest.mark.parametrize("mixing", [{}, {"mixup": 1.0}, {"cutmix": 1.0}])
def test_processes_that_share_a_run_split_every_batch_among_them(
    digits: Path, settings: dict[str, Any], mixing: dict[str, float]
) -> None:
    """And mix what one process would have mixed."""
    settings["recipe"] |= {"augment": ["crop", "flip", "jitter"], **mixing}
    data = data_of(settings, digits)
    shards = [Shard(rank, 3) for rank in range(3)]
    parts = [list(data.training(epoch(shard=shard))) for shard in shards]
    for step, (images, labels) in enumerate(data.training(epoch())):
        assert sorted(torch.cat([shard.of(len(labels)) for shard in shards]).tolist()) == list(range(len(labels)))
        for shard, part in zip(shards, parts, strict=True):
            assert torch.equal(images[shard.of(len(labels))], part[step][0])
            assert torch.equal(labels[shard.of(len(labels))], part[step][1])
    scored = [torch.cat([labels for _, labels in data.test.scoring(Shard(rank, 2))]) for rank in range(2)]
    assert sorted(torch.cat(scored).tolist()) == sorted(next(data.test.scoring(Shard()))[1].tolist())


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
        found.append(list(train.training(epoch(12, 5))))
    for (images, labels), (again, same) in zip(*found, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(labels, same)
        bright = images[:, 0].mean((1, 2)) > 0  # dogs are light, whatever the window
        assert torch.equal(bright, labels == 1)


def test_a_trees_epoch_is_gone_on_with_and_split_as_any_other(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, settings = tree
    train = Data(load(folder, {}), settings, CPU, threads=1).train
    whole = list(train.training(epoch(12, 4)))
    for (images, _), (same, _) in zip(whole[1:], train.training(epoch(12, 4, first=1)), strict=True):
        assert torch.equal(images, same)
    shard = Shard(1, 2)
    for (images, labels), (part, too) in zip(whole, train.training(epoch(12, 4, shard=shard)), strict=True):
        assert torch.equal(images[shard.of(len(labels))], part)
        assert torch.equal(labels[shard.of(len(labels))], too)


def test_a_trees_images_are_scored_once_each_at_the_entrys_size(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, settings = tree
    test = Data(load(folder, {}), settings, CPU, threads=1).test
    ((images, labels),) = test.scoring(Shard())
    assert images.shape == (6, 3, 8, 8)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images[:3, 0].mean().item() == pytest.approx((30 / 255 - 0.5) / 0.25, abs=0.05)


def photograph(path: Path, mode: str, **options: Any) -> Path:
    """An image file of 37 × 50 pixels in one of Pillow's modes, with colours all over."""
    chance = np.random.default_rng(0)
    picture = Image.fromarray(chance.integers(0, 256, (6, 8, 3), np.uint8)).resize((50, 37)).convert(mode)
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("name", "mode", "options"),
    [
        ("colour.JPEG", "RGB", {}),
        ("not-subsampled.jpg", "RGB", {"subsampling": 0}),
        ("progressive.jpg", "RGB", {"progressive": True}),
        ("grey.jpg", "L", {}),
        ("print.jpg", "CMYK", {}),
        ("in-truth-a-png.JPEG", "RGB", {"format": "PNG"}),
        ("photo.png", "RGBA", {}),
    ],
)
def test_pixels_are_pillows_to_the_bit(
    tmp_path: Path, channels: int, name: str, mode: str, options: dict[str, Any]
) -> None:
    file = photograph(tmp_path / name, mode, **options)
    np.testing.assert_array_equal(sources.pixels(file, channels), np.asarray(sources.decode(file, channels)))


def test_a_random_window_is_torchvisions_for_its_seed_and_leaves_the_generator_alone(tmp_path: Path) -> None:
    file = photograph(tmp_path / "a.jpg", "RGB")
    window = _Window([file], 16, 3, random=True, margin=False)
    torch.manual_seed(5)
    found = [window[(0, seed)] for seed in range(20)]
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))
    for seed, image in enumerate(found):
        torch.manual_seed(seed)
        assert torch.equal(image, pil_to_tensor(v2.RandomResizedCrop(16)(sources.decode(file, 3))))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_damaged_jpeg_of_a_tree_is_named(tree: tuple[Path, dict[str, Any]], threads: int) -> None:
    folder, settings = tree
    test = Data(load(folder, {}), settings, CPU, threads).test
    file = Path(settings["dataset"]["path"]) / "val/dog/1.jpg"
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(sources.DataError, match=re.escape(f"{file}: not a readable image")):
        list(test.scoring(Shard()))


def scored(tmp_path: Path, entry: dict[str, Any]) -> tuple[str, torch.Tensor]:
    """How a data set was prepared, and its test images as a network sees them."""
    kind = prepare("pets", entry, tmp_path / "data")["kind"]
    settings = {"dataset": entry, "recipe": {}}
    return kind, next(Data(load(tmp_path / "data", {}), settings, CPU, 1).test.scoring(Shard()))[0]


def test_a_folder_is_seen_alike_as_arrays_and_as_a_tree_and_imagenet_with_its_margin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = image_tree(tmp_path / "raw")
    for name in ("cat", "dog"):
        photograph(tmp_path / f"raw/test/{name}/0.jpg", "RGB")
    small = scored(tmp_path, entry)
    monkeypatch.setattr(sources, "RESIDENT_BYTES", 0)
    large, published = scored(tmp_path, entry), scored(tmp_path, {**entry, "source": "imagenet"})
    assert (small[0], large[0], published[0]) == ("arrays", "tree", "tree")
    assert torch.equal(small[1], large[1])
    assert not torch.equal(large[1], published[1])
    shade = Image.open(tmp_path / "raw/test/cat/0.jpg")
    centre = v2.Compose([v2.Resize(round(8 * 8 / 7)), v2.CenterCrop(8)])(shade)
    expected = (pil_to_tensor(centre) / 255 - 0.5) / 0.25
    torch.testing.assert_close(published[1][0], expected)


def test_numbers_of_a_normalisation_may_be_whole(tmp_path: Path) -> None:
    entry = image_tree(tmp_path / "raw")
    plain = scored(tmp_path, {**entry, "mean": [0, 0, 0], "std": [1, 1, 1]})[1]
    torch.testing.assert_close(plain, scored(tmp_path, entry)[1] * 0.25 + 0.5)
