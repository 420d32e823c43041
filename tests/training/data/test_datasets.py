from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits
from torchvision.datasets import CIFAR100

from decay_atlas.training.data import sources
from decay_atlas.training.data.datasets import load, noisy, prepare
from decay_atlas.training.data.sources import DataError, stratified_order
from tests.training.conftest import DIGITS

FOLDER = {
    "source": "image_folder",
    "image_size": 8,
    "classes": 2,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
}


def image_tree(root: Path, held_out: str = "test") -> dict[str, Any]:
    """Two classes of JPEG files, 12 × 10 pixels, cats dark and dogs light; the catalogue entry for them."""
    for part, count in (("train", 6), (held_out, 3)):
        for name, shade in (("cat", 30), ("dog", 220)):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (12, 10), (shade, shade, number)).save(root / part / name / f"{number}.jpg")
    return {**FOLDER, "path": str(root)}


def bomb(path: Path) -> None:
    """An image file that says it has 10¹⁰ pixels."""
    Image.new("L", (1, 1)).save(path)
    content = bytearray(path.read_bytes())
    content[18:26] = (100_000).to_bytes(4, "little") * 2
    path.write_bytes(content)


def deep(path: Path, kind: type) -> None:
    """An image file with more than 8 bits a channel."""
    Image.fromarray(np.linspace(0, 1000, 100).reshape(10, 10).astype(kind)).save(path)


@given(counts=st.lists(st.integers(1, 30), min_size=2, max_size=6), seed=st.integers(0, 99))
def test_every_prefix_of_the_split_order_is_stratified(counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    order = stratified_order(labels, seed)
    assert sorted(order) == list(range(len(labels)))
    for length in range(len(labels) + 1):
        found = np.bincount(labels[order[:length]], minlength=len(counts))
        fair = length / len(labels) * np.array(counts)
        assert (np.abs(found - fair) <= 1 + len(counts) * np.array(counts) / len(labels)).all()


def test_digits_are_scikit_learns_on_the_scale_of_bytes(digits: Path) -> None:
    split = load(digits, {})
    assert (len(split.train), len(split.val), len(split.test)) == (1078, 0, 719)
    ours = np.concatenate([split.train.images, split.test.images]).reshape(1797, 64)
    theirs = np.rint(load_digits().data * 255 / 16)
    assert ours.dtype == np.uint8
    assert sorted(map(bytes, ours)) == sorted(map(bytes, theirs.astype(np.uint8)))
    train, test = (np.bincount(part.labels) / len(part) for part in (split.train, split.test))
    np.testing.assert_allclose(train, test, atol=0.002)


def test_preparing_twice_gives_the_same_checksum_and_other_data_another(digits: Path, tmp_path: Path) -> None:
    first = json.loads((digits / "manifest.json").read_text())["checksum"]
    assert prepare("digits", DIGITS, tmp_path / "again")["checksum"] == first
    assert prepare("digits", {**DIGITS, "test_fraction": 0.3}, tmp_path / "other")["checksum"] != first


def test_validation_images_are_fixed_and_never_trained_on(digits: Path) -> None:
    small, large = (load(digits, {"val_fraction": 0.2, "train_size": size}) for size in (100, 500))
    np.testing.assert_array_equal(small.val.images, large.val.images)
    val, some, more = (set(map(bytes, np.asarray(part.images))) for part in (small.val, small.train, large.train))
    assert len(small.val) == 216
    assert (len(small.train), len(large.train)) == (100, 500)
    assert not val & more
    assert some <= more


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=200), share=st.floats(0, 1, allow_nan=False))
def test_label_noise_moves_exactly_its_share_to_other_classes(labels: list[int], share: float) -> None:
    before = np.array(labels, np.int64)
    after = noisy(before, share, classes=5)
    assert (before != after).sum() == round(share * len(labels))
    assert set(after.tolist()) <= set(range(5))
    np.testing.assert_array_equal(after, noisy(before, share, classes=5))


def test_label_noise_reaches_every_other_class_alike() -> None:
    found = np.bincount(noisy(np.zeros(9000, np.int64), 1.0, classes=10), minlength=10)
    assert found[0] == 0
    assert np.abs(found[1:] - 1000).max() < 130  # 4.4 standard deviations


def test_only_training_labels_are_noisy(digits: Path) -> None:
    clean, wrong = (load(digits, {"val_fraction": 0.2} | noise) for noise in ({}, {"label_noise": 0.3}))
    np.testing.assert_array_equal(clean.val.labels, wrong.val.labels)
    np.testing.assert_array_equal(clean.test.labels, wrong.test.labels)
    assert (clean.train.labels != wrong.train.labels).sum() == round(0.3 * len(clean.train))


@pytest.mark.parametrize("held_out", ["test", "val"])
def test_a_small_image_folder_becomes_arrays(tmp_path: Path, held_out: str) -> None:
    manifest = prepare("pets", image_tree(tmp_path / "raw", held_out), tmp_path / "out")
    assert (manifest["kind"], manifest["class_names"]) == ("arrays", ["cat", "dog"])
    split = load(tmp_path / "out", {})
    assert np.asarray(split.train.images).shape == (12, 3, 8, 8)
    assert len(split.test) == 6
    brightness = np.asarray(split.train.images)[:, 0].mean((1, 2))
    np.testing.assert_allclose(brightness, np.where(split.train.labels == 0, 30, 220), atol=3)


def test_a_large_image_folder_is_indexed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RESIDENT_BYTES", 100)
    entry = image_tree(tmp_path / "raw")
    manifest = prepare("pets", entry, tmp_path / "out")
    split = load(tmp_path / "out", {"val_fraction": 0.5})
    assert manifest["kind"] == "tree"
    assert (len(split.train), len(split.val)) == (6, 6)
    for part in (split.train, split.val, split.test):
        names = [Path(path).parent.name for path in part.images]
        assert names == [["cat", "dog"][label] for label in part.labels]
    (tmp_path / "raw/train/cat/0.jpg").write_bytes(b"longer than it was before, or at least different")
    assert prepare("pets", entry, tmp_path / "out")["checksum"] != manifest["checksum"]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda root: (root / "test").rename(root / "elsewhere"), "put them into .*/train/<class>"),
        (lambda root: (root / "train/bird").mkdir(), "3 class folders, not 2"),
        (lambda root: (root / "train/cat/0.jpg").write_bytes(b""), "cat/0.jpg is empty; copy it again"),
        (lambda root: (root / "train/cat/0.jpg").write_bytes(b"text"), "not a readable image"),
        (lambda root: [file.unlink() for file in (root / "test/dog").iterdir()], "test/dog holds no images"),
        (lambda root: (root / "test/bird").mkdir(), "/test has class folders that .*/train has not: bird; name them"),
        (lambda root: (root / "train/cat/0.ppm").write_bytes(b"P6 2x 2 255\n"), "cat/0.ppm: not a readable image"),
        (lambda root: bomb(root / "train/cat/0.bmp"), "cat/0.bmp: not a readable image"),
        (lambda root: deep(root / "train/cat/0.png", np.uint16), "cat/0.png: .*mode I;16,.* 8 bits a channel"),
        (lambda root: deep(root / "train/cat/0.tif", np.uint16), "cat/0.tif: .*mode I;16,.* 8 bits a channel"),
        (lambda root: deep(root / "train/cat/0.tiff", np.float32), "cat/0.tiff: .*mode F,.* 8 bits a channel"),
    ],
)
def test_a_folder_that_is_not_as_it_should_be_is_named(tmp_path: Path, harm: Any, message: str) -> None:
    entry = image_tree(tmp_path / "raw")
    harm(tmp_path / "raw")
    with pytest.raises(DataError, match=message):
        prepare("pets", entry, tmp_path / "out")
    assert not (tmp_path / "out/manifest.json").exists()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_an_image_of_8_bits_a_channel_is_read_in_any_mode(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (10, 10), (255, 255, 255)).convert(mode).save(tmp_path / "white.png")
    assert (sources.pixels(tmp_path / "white.png", 3) == 255).all()


def test_a_path_may_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    entry = {**image_tree(tmp_path / "raw"), "path": "~/raw"}
    assert prepare("pets", entry, tmp_path / "out")["train"] == 12


def test_cifar_without_a_network_says_what_to_put_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", no_network)
    entry = {"source": "cifar100", "image_size": 32, "classes": 100, "mean": [0.5] * 3, "std": [0.25] * 3}
    with pytest.raises(DataError) as error:
        prepare("cifar100", entry, tmp_path / "out")
    for part in ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85", "put it into resources/raw/"):
        assert part in str(error.value)


def test_cifar_is_turned_channels_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stub:
        filename, url, tgz_md5, classes = "", "", "", [str(k) for k in range(100)]

        def __init__(self, root: str, train: bool, download: bool) -> None:
            n = 300 if train else 200
            self.data = np.arange(n * 32 * 32 * 3, dtype=np.uint32).astype(np.uint8).reshape(n, 32, 32, 3)
            self.targets = [k % 100 for k in range(n)]

    monkeypatch.setattr("torchvision.datasets.CIFAR100", Stub)
    entry = {"source": "cifar100", "image_size": 32, "classes": 100, "mean": [0.5] * 3, "std": [0.25] * 3}
    prepare("cifar100", entry, tmp_path / "out")
    split = load(tmp_path / "out", {})
    np.testing.assert_array_equal(np.asarray(split.train.images)[7, 2], Stub("", True, False).data[7, :, :, 2])
    assert split.classes == 100
    assert CIFAR100.tgz_md5 == "eb9058c3a382ffc7106e4002c42a8d85"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"classes": 11}, "have 10 classes; set datasets.digits.classes"),
        ({"image_size": 9}, "are 8 pixels wide; set datasets.digits.image_size"),
        ({"mean": [0.5, 0.5, 0.5]}, "have 1 channels; give mean and std as many numbers"),
        ({"source": "mnist"}, "unknown source 'mnist'; there are cifar10"),
    ],
)
def test_an_entry_that_does_not_fit_the_data_is_refused(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        prepare("digits", {**DIGITS, **entry}, tmp_path / "out")


def test_too_large_a_training_set_is_refused(digits: Path) -> None:
    with pytest.raises(DataError, match="1078 images less 216 for validation leave 862"):
        load(digits, {"val_fraction": 0.2, "train_size": 900})


def test_a_folder_that_is_not_prepared_or_damaged_is_named(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no prepared data set"):
        load(tmp_path, {})
    prepare("digits", DIGITS, tmp_path)
    images = io.BytesIO((tmp_path / "test_images.npy").read_bytes()[:5000])
    (tmp_path / "test_images.npy").write_bytes(images.getvalue())
    with pytest.raises(DataError, match="or a damaged one"):
        load(tmp_path, {})
