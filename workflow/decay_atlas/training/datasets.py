"""Data sets as a stage: prepared once into a folder, then only read, without a network, by every run.

A prepared folder holds `manifest.json` (written last: no manifest, no data set) and either uint8 images
`{train,test}_images.npy` (rows of numbers are float32 images of one pixel, a channel each), or, for trees too large
for that, the file lists `{train,test}_files.txt`; with them `{train,test}_labels.npy` and `split_order.npy`, the fixed
stratified permutation of the training part whose first images are held out for validation and whose next ones a
smaller training set is taken from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from decay_atlas.records import write_json
from decay_atlas.training.origin import FOLDERS, origin, root_of
from decay_atlas.training.parts import sizes
from decay_atlas.training.sources import SEED, SOURCES, Arrays, DataError, Tree, stratified_order
from decay_atlas.training.tasks import task_of

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Part:
    """Images of shape (n, channels, size, size) or the files that hold them, with int64 labels or float32 numbers."""

    images: NDArray[Any] | list[Path]
    labels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: NDArray[np.int64]) -> Part:
        """The images at `indices`, in that order."""
        if isinstance(self.images, list):
            return Part([self.images[index] for index in indices], self.labels[indices])
        return Part(self.images[indices], self.labels[indices])


@dataclass(frozen=True)
class Split:
    """What a run trains and is scored on; `val` is empty when the recipe holds nothing out.

    `classes` is how many outputs a network needs: one where there are numbers to meet.
    """

    train: Part
    val: Part
    test: Part
    classes: int
    channels: int
    image_size: int
    checksum: str


def prepare(name: str, entry: dict[str, Any], out_dir: str | Path) -> dict[str, Any]:
    """Bring data set `name` of the catalogue into `out_dir` and return its manifest.

    Raises:
        DataError: the source is missing, damaged, or not what the entry says.
    """
    out = Path(out_dir)
    if entry["source"] not in SOURCES:
        raise DataError(f"{name}: unknown source {entry['source']!r}; there are {', '.join(SOURCES)}")
    noted = {"origin": origin(root_of(name, entry))} if entry["source"] in FOLDERS else {}
    data = SOURCES[entry["source"]](name, entry)
    _check(name, entry, data)
    out.mkdir(parents=True, exist_ok=True)
    (out / MANIFEST).unlink(missing_ok=True)
    order = stratified_order(data.train_labels, SEED)
    checksum = hashlib.sha256()
    for file, content in _contents(data, order):
        _write(out / file, content)
        checksum.update(f"{file} {_shape(content)}\n".encode())
        checksum.update(content.encode() if isinstance(content, str) else content.tobytes())
    manifest = {
        "format": 1,
        "name": name,
        "source": entry["source"],
        "kind": "tree" if isinstance(data, Tree) else "arrays",
        "root": str(data.root) if isinstance(data, Tree) else None,
        "image_size": entry.get("image_size", 1),
        "channels": len(entry["mean"]) if "mean" in entry else entry["features"],
        "classes": entry.get("classes", 1),
        "class_names": data.class_names,
        "train": len(data.train_labels),
        "test": len(data.test_labels),
        "checksum": checksum.hexdigest(),
        **noted,
    }
    write_json(out / MANIFEST, manifest)
    return manifest


def load(data_dir: str | Path, recipe: dict[str, Any]) -> Split:
    """The parts of a prepared data set as a recipe wants them.

    `val_fraction` of the training part is held out (always the same images), `train_size` limits what is
    trained on, and `label_noise` gives that share of the training labels another class, drawn uniformly and
    once for all runs. Source: A, Protocol.

    Raises:
        DataError: the folder is no prepared data set, or has too few images for the recipe.
        ValueError: the recipe asks for what only images with classes have.
    """
    folder = Path(data_dir)
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        train, test = (_part(folder, part, manifest) for part in ("train", "test"))
        order = np.load(folder / "split_order.npy")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{folder}: no prepared data set, or a damaged one ({error}); delete the folder and run snakemake"
        ) from None
    try:
        size, n_val = sizes(len(train), len(test), recipe)
    except ValueError as error:
        raise DataError(f"{manifest['name']}: {error}") from None
    whole = size == len(train)
    chosen = train if whole else train.subset(np.sort(order[n_val : n_val + size]))
    task_of(train.labels).check(recipe)
    noise = recipe.get("label_noise", 0)
    return Split(
        train=replace(chosen, labels=noisy(chosen.labels, noise, manifest["classes"])) if noise else chosen,
        val=train.subset(np.sort(order[:n_val])),
        test=test,
        classes=manifest["classes"],
        channels=manifest["channels"],
        image_size=manifest["image_size"],
        checksum=manifest["checksum"],
    )


def noisy(labels: NDArray[np.int64], share: float, classes: int) -> NDArray[np.int64]:
    """`labels` with `share` of them, rounded to whole images, moved to one of the other classes."""
    generator = np.random.default_rng(SEED)
    flipped = generator.permutation(len(labels))[: round(share * len(labels))]
    result = np.array(labels)
    result[flipped] = (result[flipped] + generator.integers(1, classes, len(flipped))) % classes
    return result


def _contents(data: Arrays | Tree, order: NDArray[np.int64]) -> Iterator[tuple[str, NDArray[Any] | str]]:
    if isinstance(data, Arrays):
        yield "train_images.npy", data.train_images
        yield "test_images.npy", data.test_images
    else:
        for part, files, sizes in (
            ("train", data.train_files, data.train_bytes),
            ("test", data.test_files, data.test_bytes),
        ):
            yield (
                f"{part}_files.txt",
                "".join(f"{size}\t{file}\n" for file, size in zip(files, sizes, strict=True)),
            )
    yield "train_labels.npy", data.train_labels
    yield "test_labels.npy", data.test_labels
    yield "split_order.npy", order


def _write(path: Path, content: NDArray[Any] | str) -> None:
    if isinstance(content, str):
        path.write_text(content)
    else:
        np.save(path, content)


def _shape(content: NDArray[Any] | str) -> str:
    return "text" if isinstance(content, str) else f"{content.dtype.str} {content.shape}"


def _part(folder: Path, part: str, manifest: dict[str, Any]) -> Part:
    labels = np.load(folder / f"{part}_labels.npy")
    images: NDArray[Any] | list[Path]
    if manifest["kind"] == "tree":
        lines = (folder / f"{part}_files.txt").read_text().splitlines()
        images = [Path(manifest["root"]) / line.split("\t", 1)[1] for line in lines]
    else:
        images = np.load(folder / f"{part}_images.npy", mmap_mode="r")
    if not len(images) == len(labels) == manifest[part]:
        raise ValueError(f"{part}: {len(images)} images, {len(labels)} labels, {manifest[part]} in the manifest")
    return Part(images, labels)


def _check(name: str, entry: dict[str, Any], data: Arrays | Tree) -> None:
    """Hold the data to the catalogue's entry: a wrong number there would train a wrong network."""
    if not data.class_names:
        return  # numbers, made as the entry says
    if len(data.class_names) != entry["classes"]:
        raise DataError(f"{name}: the data have {len(data.class_names)} classes; set datasets.{name}.classes to that")
    if isinstance(data, Arrays):
        channels, size = data.train_images.shape[1], data.train_images.shape[2]
        if size != entry["image_size"]:
            raise DataError(f"{name}: the images are {size} pixels wide; set datasets.{name}.image_size to that")
        if channels != len(entry["mean"]):
            raise DataError(f"{name}: the images have {channels} channels; give mean and std as many numbers")
