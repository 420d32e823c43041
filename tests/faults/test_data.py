"""Prepared data sets that were altered or damaged: never trained on, and named with the way out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from decay_atlas.training.data import sources
from decay_atlas.training.data.datasets import MANIFEST, load, prepare
from decay_atlas.training.data.sources import Arrays, DataError
from tests.training.data.test_datasets import image_tree

FILES = ["train_images.npy", "test_images.npy", "train_labels.npy", "test_labels.npy", "split_order.npy"]
ENTRY = {"source": "digits", "image_size": 2, "classes": 3, "mean": [0.5], "std": [0.5]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Thirty images of three classes to train on and twelve to test, prepared."""
    images = np.random.default_rng(0).integers(0, 256, (42, 1, 2, 2), dtype=np.uint8)
    labels = np.arange(42) % 3
    data = Arrays(images[:30], labels[:30], images[30:], labels[30:], ["a", "b", "c"])
    monkeypatch.setitem(sources.SOURCES, "digits", lambda name, entry: data)
    prepare("digits", ENTRY, tmp_path / "digits-0123")
    return tmp_path / "digits-0123"


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("file", FILES)
def test_any_byte_of_the_data_counts(folder: Path, file: str) -> None:
    whole = (folder / file).read_bytes()
    for place in {128, 129, 128 + (len(whole) - 128) // 2, len(whole) - 8, len(whole) - 1}:  # the header is 128 bytes
        flip(folder / file, place)
        with pytest.raises(DataError, match=rf"{folder / file}: changed since .*delete the folder and run snakemake"):
            load(folder, {})
        (folder / file).write_bytes(whole)
    assert len(load(folder, {}).train) == 30


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[:5]),
        lambda file: file.write_bytes(file.read_bytes()[:100]),
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.write_bytes(b"\0" * file.stat().st_size),
        lambda file: file.write_bytes(b"PK\x03\x04" + file.read_bytes()),
        lambda file: file.unlink(),
        lambda file: np.save(file, np.load(file)[:-1]),
        lambda file: np.save(file, np.load(file)[::-1]),
        lambda file: np.save(file, np.load(file).astype(np.float32)),
        lambda file: np.save(file, np.array([object()] * 30), allow_pickle=True),
        lambda file: file.write_bytes(file.read_bytes().replace(b"(", b"(99999999999, ", 1)),
    ],
    ids=[
        "empty",
        "5 bytes",
        "100 bytes",
        "cut",
        "zeros",
        "zip",
        "gone",
        "shorter",
        "turned",
        "floats",
        "objects",
        "vast",
    ],
)
def test_damaged_files_are_refused(folder: Path, file: str, harm: Callable[[Path], Any]) -> None:
    harm(folder / file)
    with pytest.raises(DataError, match=rf"{folder}.*delete the folder and run snakemake"):
        load(folder, {})


def test_files_that_changed_places_are_refused(folder: Path) -> None:
    for first, second in (("train_images.npy", "test_images.npy"), ("train_labels.npy", "split_order.npy")):
        (folder / first).rename(folder / "third")
        (folder / second).rename(folder / first)
        (folder / "third").rename(folder / second)
        with pytest.raises(DataError, match=rf"{folder / first}, {folder / second}: changed"):
            load(folder, {})
        (folder / first).rename(folder / "third")
        (folder / second).rename(folder / first)
        (folder / "third").rename(folder / second)


def test_data_prepared_by_earlier_versions_are_held_to_their_one_checksum(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    del manifest["files"]
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert load(folder, {}).checksum == manifest["checksum"]
    flip(folder / FILES[0], -1)
    with pytest.raises(DataError, match=rf"^{folder}: changed since"):
        load(folder, {})


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", "3", "{}", '{"kind": "arrays"}', '{"kind": "tree"}', "\0", '{"kind": ' * 2000]
)
def test_what_is_no_manifest_is_refused(folder: Path, content: str) -> None:
    (folder / MANIFEST).write_text(content)
    with pytest.raises(DataError, match=rf"{folder}: no prepared data set, or a damaged one"):
        load(folder, {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checksum", "0" * 64),
        ("checksum", 7),
        ("train", 29),
        ("test", "12"),
        ("classes", 2),
        ("kind", "tree"),
        ("files", {}),
    ],
)
def test_a_manifest_that_was_altered_is_refused(folder: Path, key: str, value: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, key: value}))
    if key == "files":  # which only helps to name what changed
        assert len(load(folder, {}).train) == 30
    else:
        with pytest.raises(DataError, match=f"{folder}.*delete the folder"):
            load(folder, {})


@pytest.mark.parametrize("label", [-1, 3, 255, 2**40, -(2**63)])
@pytest.mark.parametrize("part", ["train", "test"])
def test_labels_that_name_no_class_are_not_prepared(
    folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, label: int
) -> None:
    data = sources.SOURCES["digits"]("digits", ENTRY)
    assert isinstance(data, Arrays)
    labels = getattr(data, f"{part}_labels")
    labels[5] = label
    with pytest.raises(DataError, match=f"digits: {part}: image 5 has the label {label}, but there are 3 classes"):
        prepare("digits", ENTRY, folder.parent / "again")
    assert not (folder.parent / "again" / MANIFEST).exists()


def test_file_lists_count_as_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RESIDENT_BYTES", 100)
    prepare("pets", image_tree(tmp_path / "raw"), tmp_path / "out")
    file = tmp_path / "out/train_files.txt"
    assert len(load(tmp_path / "out", {}).train) == 12
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[1:], lines[0]]))
    with pytest.raises(DataError, match=rf"{file}: changed since"):
        load(tmp_path / "out", {})


def test_a_copied_folder_is_the_same_data_set(folder: Path) -> None:
    shutil.copytree(folder, folder.parent / "elsewhere")
    assert load(folder.parent / "elsewhere", {}).checksum == load(folder, {}).checksum
